package commitlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// onTraced gives a base whose disk can be full or sick.
func onTraced(t *testing.T) (*base, *traced) {
	t.Helper()
	b, d := newBase(t), &traced{free: -1, fail: -1}
	d.begin(t, filepath.Dir(b.Path), image{names: map[string]int{}, data: map[int][]byte{}})
	b.Options.disk = d
	return b, d
}

// Whatever room there is, a group that does not fit is refused, nothing has changed, and
// the log can be used again when there is room.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	for free := int64(0); free < 80<<10; free += 3001 {
		b, d := onTraced(t)
		d.free = free
		_, r, err := b.read()
		if err != nil {
			t.Fatal(err)
		}
		l, err := Start(b.Options, b.mark, r)
		if err != nil {
			if !errors.Is(err, ErrNoRoom) || !errors.Is(err, syscall.ENOSPC) || len(there(b.Path)) > 0 {
				t.Fatalf("%d bytes: %v, and %v", free, err, there(b.Path))
			}
			d.free = 1 << 20
			l = b.start(t)
		}
		b.mark = l.Mark()
		var list []string
		for refused := 0; refused < 10; {
			text := strings.Repeat("x", 100*len(list)%3000)
			err := l.Append([][]byte{[]byte(text), []byte("y")}, len(list)%3 > 0)
			switch {
			case err == nil:
				list = append(list, text, "y")
			case !errors.Is(err, ErrNoRoom):
				t.Fatal(err)
			default:
				refused++
				if refused%3 == 0 {
					d.free = 10 << 10
				}
			}
			if len(list) > 100 {
				break
			}
		}
		b.want(t, list...)
		// The segment can end, and a new one begin in a file that was released.
		d.free = 1 << 20
		b.apply(t, l)
		d.free = 0
		add(t, l, "a")
		b.apply(t, l)
		add(t, l, "b")
		b.apply(t, l)
		add(t, l, "c")
		b.want(t, "c")
	}
}

// A group that would make the segment larger than it may be is refused too.
func TestMaxSize(t *testing.T) {
	t.Parallel()
	b := newBase(t)
	b.MaxSize = 20 << 10
	l := b.start(t)
	big := strings.Repeat("x", 10<<10)
	add(t, l, big)
	for range 2 {
		if err := l.Append([][]byte{[]byte(big)}, true); !errors.Is(err, ErrNoRoom) {
			t.Fatalf("got %v", err)
		}
	}
	add(t, l, "y")
	b.want(t, big, "y")
	if info, err := os.Stat(Files(b.Path)[0]); err != nil || info.Size() > b.MaxSize {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	b.apply(t, l)
	add(t, l, big)
	b.want(t, big)
}

// After a write or a sync that failed the log gives that error, whatever it is asked for,
// and what is read then is what was written in front, with the open group or a part of it.
func TestWriteAndSyncErrors(t *testing.T) {
	t.Parallel()
	for name, sicken := range map[string]func(*traced){
		"write":               func(d *traced) { d.fail = 0 },
		"sync":                func(d *traced) { d.sick = syscall.EIO },
		"sync without room":   func(d *traced) { d.sick = syscall.ENOSPC },
		"the write that fits": func(d *traced) { d.fail = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, d := onTraced(t)
			l := b.start(t)
			add(t, l, "a", "b")
			sicken(d)
			err := l.Append([][]byte{[]byte("c"), []byte("d")}, true)
			if err == nil || errors.Is(err, ErrNoRoom) {
				t.Fatalf("got %v", err)
			}
			d.fail, d.sick = -1, nil
			if again := l.Append(nil, true); !errors.Is(again, err) {
				t.Errorf("then %v", again)
			}
			if _, _, again := l.Rotate(); !errors.Is(again, err) {
				t.Errorf("then %v", again)
			}
			if err := l.Close(false); err != nil {
				t.Fatal(err)
			}
			list, _, err := b.read()
			if got := strings.Join(list, ""); err != nil || len(got) < 2 || len(got) > 4 || got != "abcd"[:len(got)] {
				t.Errorf("the log holds %q, %v", list, err)
			}
			l = b.start(t)
			add(t, l, "e")
			b.want(t, "e")
		})
	}
}

// A log whose file is not at its path any more says so.
func TestCheck(t *testing.T) {
	t.Parallel()
	for want, harm := range map[string]func(string) error{
		"was moved or deleted":             os.Remove,
		"was replaced by another file":     func(name string) error { return errors.Join(os.Rename(name, name+"x"), os.WriteFile(name, nil, 0o600)) },
		"was cut off while it was in use:": func(name string) error { return os.Truncate(name, 5000) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			b := newBase(t)
			l := b.start(t)
			add(t, l, "a")
			b.apply(t, l)
			add(t, l, "b")
			if err := l.Check(); err != nil {
				t.Fatal(err)
			}
			if err := harm(Files(b.Path)[0]); err != nil { // the database has what is in it
				t.Fatal(err)
			}
			if err := l.Check(); err != nil {
				t.Errorf("a file that is not needed: %v", err)
			}
			if err := harm(Files(b.Path)[1]); err != nil {
				t.Fatal(err)
			}
			if err := l.Check(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
