package boltstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

// swap puts another file behind the store's descriptor until the function that
// it gives is called.
func swap(t *testing.T, s *Store, name string, mode int) func() {
	t.Helper()
	fd := int(s.file.Fd())
	keep, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(name, mode, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(int(other.Fd()), fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Dup3(keep, fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		_ = unix.Close(keep)
		_ = other.Close()
	}
}

// roomy sees to it that there are free pages, and the file need not grow.
func roomy(t *testing.T, s *Store) {
	t.Helper()
	c := (&wave{stack: "large"}).create()
	for i := range 200 {
		c.Changes = append(c.Changes, graph.Change{Name: fmt.Sprint("k", i), Whole: true, Value: strings.Repeat("x", 3000)})
	}
	mustCommit(t, s, c)
	mustFlush(t, s)
	if err := s.Remove(ctx, "large"); err != nil {
		t.Fatal(err)
	}
	for range 3 { // pages are free once no transaction that began before needs them
		mustCommit(t, s, (&wave{stack: rand.Text()}).create())
		mustFlush(t, s)
	}
}

// When bbolt finds no room for what the log has, commits are refused, and nothing is lost:
// the same commit succeeds in place when there is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	w := &wave{stack: "full"}
	mustCommit(t, s, w.create())
	roomy(t, s)
	for range 3 {
		mustCommit(t, s, w.next())
		before, err := content(s, "full")
		if err != nil {
			t.Fatal(err)
		}
		mustFull := func(err error) {
			t.Helper()
			var full *runtime.StoreError
			if !errors.As(err, &full) || full.Fatal || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("got %v", err)
			}
		}
		c := w.next()
		heal := swap(t, s, "/dev/full", os.O_WRONLY)
		mustFull(s.flush())
		for range 3 {
			mustFull(s.Commit(ctx, c))
			if now, err := content(s, "full"); err != nil || now != before {
				t.Fatalf("reading on a full disk: %v", err)
			}
		}
		heal()
		mustCommit(t, s, c)
		mustCommit(t, s, w.next())
	}
	want, err := content(s, "full")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, Options{})
	if got, err := content(s, "full"); err != nil || got != want {
		t.Errorf("after the full disk: %v", err)
	}
}

// A write or an fsync that fails for another reason stops the store: it says
// so, keeps to it, and the file is good when it is opened again.
func TestWriteError(t *testing.T) {
	t.Parallel()
	readOnly := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(readOnly, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file string
		mode       int
		want       error
	}{
		{"write", readOnly, os.O_RDONLY, syscall.EBADF},
		{"fsync", "/dev/null", os.O_WRONLY, syscall.EINVAL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "graphrun.db")
			s := openAt(t, path, Options{})
			w := &wave{stack: "broken"}
			mustCommit(t, s, w.create())
			roomy(t, s)
			mustCommit(t, s, w.next())
			want, err := content(s, "broken")
			if err != nil {
				t.Fatal(err)
			}
			c := w.next()
			heal := swap(t, s, test.file, test.mode)
			first := s.flush()
			heal()
			var fatal *runtime.StoreError
			if !errors.As(first, &fatal) || !fatal.Fatal || !errors.Is(first, test.want) {
				t.Fatalf("got %v", first)
			}
			if err := s.Commit(ctx, c); !errors.Is(err, fatal) {
				t.Errorf("then got %v", err)
			}
			if _, err := s.Load(ctx, "broken"); !errors.Is(err, fatal) {
				t.Errorf("reading got %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, path, Options{})
			if got, err := content(s, "broken"); err != nil || got != want {
				t.Errorf("after the failure: %v", err)
			}
			mustCommit(t, s, c)
		})
	}
}

// fillsUp is a context that does something when it is asked for the second time.
type fillsUp struct {
	context.Context
	asked int
	fill  func()
}

func (c *fillsUp) Err() error {
	if c.asked++; c.asked == 2 {
		c.fill()
	}
	return c.Context.Err()
}

// A stack that is out of the index is removed, also when the disk is full before
// its rows are deleted; the next removal deletes them.
func TestRemoveFillsDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "graphrun.db")
	s := openAt(t, path, Options{})
	for _, name := range []string{"a", "b"} {
		w := &wave{stack: name}
		mustCommit(t, s, w.create())
		mustCommit(t, s, w.next())
	}
	heal := func() { t.Error("the disk was never full") }
	full := &fillsUp{Context: ctx, fill: func() { heal = swap(t, s, "/dev/full", os.O_WRONLY) }}
	if err := s.Remove(full, "a"); err != nil {
		t.Errorf("the stack is gone, but the removal failed: %v", err)
	}
	if _, err := s.Stack(ctx, "a"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("reading the removed stack: %v", err)
	}
	heal()
	if err := s.Remove(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	err := s.view(ctx, func(tx *txn) error {
		if key, _ := tx.stacks.Cursor().First(); key != nil {
			t.Errorf("a row of a removed stack is left: %x", key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
