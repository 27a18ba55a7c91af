package commitlog

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// files is what the files of a log hold, and the mark of its database.
type files struct {
	mark Mark
	data [slots][]byte
}

func (b *base) save(t *testing.T) (f files) {
	t.Helper()
	f.mark = b.mark
	for i, name := range Files(b.Path) {
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		f.data[i] = data
	}
	return f
}

func (b *base) restore(t *testing.T, f files) {
	t.Helper()
	if err := Remove(b.Path); err != nil {
		t.Fatal(err)
	}
	for i, name := range Files(b.Path) {
		if f.data[i] != nil {
			if err := os.WriteFile(name, f.data[i], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// apply is what a database does now and then.
func (b *base) apply(t *testing.T, l *Log) {
	t.Helper()
	epoch, next := rotate(t, l)
	b.mark = next
	release(t, l, epoch)
}

// A log that is not the database's log of now is refused, with the reason; a closed
// database needs none.
func TestForeignLogs(t *testing.T) {
	t.Parallel()
	b := newBase(t)
	l := b.start(t)
	add(t, l, "a")
	early := b.save(t)
	epoch, next := rotate(t, l)
	add(t, l, "b")
	two := b.save(t)
	b.mark = next
	release(t, l, epoch)
	for range 5 {
		add(t, l, "c")
		b.apply(t, l)
	}
	add(t, l, "d")
	late := b.save(t)
	closed := Mark{Applied: b.mark.Applied + 1, Clean: true}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}

	other := newBase(t)
	l = other.start(t) // the same database, copied before its first segment
	add(t, l, "x")
	copied := other.save(t)
	stranger := newBase(t)
	stranger.Store = "stranger"
	l = stranger.start(t)
	add(t, l, "y")
	strange := stranger.save(t)

	header, _ := parseHeader(early.data[0])
	page, err := header.page()
	if err != nil {
		t.Fatal(err)
	}
	page[16] = 9
	reseal(page)
	without := func(f files, slot int) files {
		f.data[slot] = nil
		return f
	}
	tests := []struct {
		name string
		mark Mark
		log  files
		want string // "" is no error
	}{
		{"its own", late.mark, late, ""},
		{"its own of then", early.mark, early, ""},
		{"none", late.mark, files{}, "misses its log: acknowledged commits may be in it"},
		{"the first of two is lost", two.mark, without(two, 0), "misses its log"},
		{"the second of two is lost", two.mark, without(two, 1), "misses its log"},
		{"a log of then", late.mark, early, "the log is older; it ends with segment 1, and the database needs 7"},
		{"a database of then", early.mark, late, "the database is an older copy; it needs segment 1, and the log continues with 7"},
		{"of another copy", early.mark, copied, "segment 1 is that of another copy"},
		{"of another store", early.mark, strange, "it is the log of another store"},
		{"no log at all", late.mark, files{data: [slots][]byte{[]byte("dear diary")}}, "is no log of a graphrun store"},
		{"of a newer program", early.mark, files{data: [slots][]byte{page}}, "log format 9; this program knows format 1"},
		{"a closed database without one", closed, files{}, ""},
		{"a closed database with its last one", closed, late, ""},
		{"a closed database with an old one", closed, early, ""},
		{"a closed database of then with a log of now", Mark{Applied: 1, Clean: true}, late, "the database is an older copy; the log continues with segment 7, the database with 2"},
		{"a closed database with that of another store", closed, strange, "it is the log of another store"},
		{"a closed database with empty files", closed, files{data: [slots][]byte{{}, make([]byte, 9000), magic[:7]}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			own := newBase(t)
			own.mark = test.mark
			own.restore(t, test.log)
			_, r, err := own.read()
			var missing *Missing
			var foreign *Foreign
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want == "":
				l, err := Start(own.Options, Mark{Applied: r.Epoch, Clean: true}, r)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close(false)
				own.mark = l.Mark()
				add(t, l, "z")
				if list, _, err := own.read(); err != nil || list[len(list)-1] != "z" {
					t.Errorf("then the log holds %q, %v", list, err)
				}
			case err == nil || !strings.Contains(err.Error(), test.want):
				t.Errorf("got %v, want %q", err, test.want)
			case !errors.As(err, &missing) && !errors.As(err, &foreign):
				t.Errorf("%T: %v", err, err)
			}
		})
	}
}

// A segment that is not the one that its name says is damage.
func TestAHeaderThatLies(t *testing.T) {
	t.Parallel()
	s := newSample(t, [][]string{{"a"}}, [][]string{{"b"}})
	h, _ := parseHeader(s.files[1])
	for _, change := range []func(*header){
		func(h *header) { h.epoch++ },
		func(h *header) { h.before[0]++ },
	} {
		sick := h
		change(&sick)
		page, err := sick.page()
		if err != nil {
			t.Fatal(err)
		}
		s.put(t, 1, append(page, s.files[1][headerSize:]...))
		var damage *Damage
		if _, _, err := s.read(); !errors.As(err, &damage) || damage.File != Files(s.Path)[1] {
			t.Errorf("got %v", err)
		}
	}
	h.store = strings.Repeat("s", 256)
	if _, err := h.page(); err == nil {
		t.Error("an id that does not fit was written")
	}
}
