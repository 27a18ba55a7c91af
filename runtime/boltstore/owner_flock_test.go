//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package boltstore

import (
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
