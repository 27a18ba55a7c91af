package commitlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// base is what a test's database would be: where its log is, and its mark.
type base struct {
	Options
	mark Mark
}

func newBase(t *testing.T) *base {
	t.Helper()
	return &base{Options: Options{
		Path: filepath.Join(t.TempDir(), "x.db"), Store: "store",
		SegmentSize: 32 << 10, FirstPiece: 8 << 10, Piece: 16 << 10,
	}, mark: Mark{Clean: true}}
}

// read gives what the log holds after the mark.
func (b *base) read() (list []string, r Recovered, err error) {
	r, err = Recover(b.Options, b.mark, func(p []byte) error {
		list = append(list, string(p))
		return nil
	})
	return list, r, err
}

// start opens the log as a database does, which has what was recovered then.
func (b *base) start(t *testing.T) *Log {
	t.Helper()
	_, r, err := b.read()
	if err != nil {
		t.Fatal(err)
	}
	b.mark = Mark{Applied: r.Epoch, Clean: true}
	l, err := Start(b.Options, b.mark, r)
	if err != nil {
		t.Fatal(err)
	}
	b.mark = l.Mark()
	t.Cleanup(func() { _ = l.Close(false) })
	return l
}

func (b *base) want(t *testing.T, want ...string) Recovered {
	t.Helper()
	got, r, err := b.read()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the log holds %d frames %.200q, want %d %.200q", len(got), got, len(want), want)
	}
	return r
}

func add(t *testing.T, l *Log, list ...string) {
	t.Helper()
	if err := l.Append(bytesOf(list), true); err != nil {
		t.Fatal(err)
	}
}

func bytesOf(list []string) (all [][]byte) {
	for _, s := range list {
		all = append(all, []byte(s))
	}
	return all
}

func rotate(t *testing.T, l *Log) (uint64, Mark) {
	t.Helper()
	epoch, next, err := l.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	return epoch, next
}

func release(t *testing.T, l *Log, epoch uint64) {
	t.Helper()
	if err := l.Release(epoch); err != nil {
		t.Fatal(err)
	}
}

// What was appended comes back after a crash, again and again, until the database has it.
func TestLifeOfALog(t *testing.T) {
	t.Parallel()
	b := newBase(t)
	l := b.start(t)
	add(t, l, "a", "", "b")
	add(t, l, "c")
	b.want(t, "a", "", "b", "c")
	for _, name := range there(b.Path) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}

	_, r, err := b.read()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(b.Options, b.mark, r); err == nil {
		t.Error("the database has nothing of what was recovered, but the log begins")
	}
	b.want(t, "a", "", "b", "c")
	l = b.start(t) // as after a crash
	add(t, l, "d")
	b.want(t, "d")
	epoch, next := rotate(t, l)
	add(t, l, "e")
	b.want(t, "d", "e")
	if _, _, err := l.Rotate(); !errors.Is(err, ErrBehind) {
		t.Errorf("the segment before is not released, but it rotates: %v", err)
	}
	b.mark = next
	b.want(t, "e")
	release(t, l, epoch)
	if err := l.Release(epoch + 1); err == nil {
		t.Error("the current segment was released")
	}

	if err := l.Check(); err != nil {
		t.Error(err)
	}
	b.mark = Mark{Applied: epoch + 1, Clean: true}
	if err := l.Close(true); err != nil {
		t.Fatal(err)
	}
	if left := there(b.Path); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	b.want(t)
	if err := l.Append(nil, true); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l = b.start(t)
	add(t, l, "f")
	b.want(t, "f")
}

// Files are used in turns, and what a segment left in one is not read in the next.
func TestRecycling(t *testing.T) {
	t.Parallel()
	b := newBase(t)
	l := b.start(t)
	var before Mark // what a database has that lost its last write
	var old []string
	for i := range 20 {
		var list []string
		for j := range 1 + 37*i%100 {
			list = append(list, fmt.Sprintf("%d-%0*d", i, 600*j%777, j))
		}
		add(t, l, list...)
		b.want(t, list...)
		epoch, next := rotate(t, l)
		b.want(t, list...)
		now := b.mark
		if i > 0 {
			b.mark = before
			b.want(t, append(slices.Clone(old), list...)...)
		}
		before, old = now, list
		b.mark = next
		release(t, l, epoch)
		b.want(t)
	}
	for _, name := range there(b.Path) {
		if info, err := os.Stat(name); err != nil || info.Size() > 3*b.SegmentSize {
			t.Errorf("%s has %d bytes, %v", name, info.Size(), err)
		}
	}
}

// there lists the files of a log that are there.
func there(path string) (list []string) {
	for _, name := range Files(path) {
		if _, err := os.Lstat(name); err == nil {
			list = append(list, name)
		}
	}
	return list
}
