//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package boltstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A program that is being started when the owner ends has a copy of the locked file
// for a moment. Whoever opens the store then waits for it.
func TestALockWithoutAnOwnerIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		copied, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := lock(copied); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(unsigned/2, func() { _ = copied.Close() })
		f, err := acquire(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// An owner whose file and note were moved away leaves the note of the next owner alone.
func TestTheNoteOfTheNextOwnerStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	first, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Files(path) {
		if err := os.Rename(name, name+".away"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	openAt(t, path, Options{})
	_ = first.Close() // its file is gone
	if pid := Owner(path); pid != os.Getpid() {
		t.Errorf("the note names process %d, want %d", pid, os.Getpid())
	}
}
