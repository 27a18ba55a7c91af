//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package boltstore

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A program that is being started has a copy of each open file until it is executed.
// A store that was closed meanwhile is free all the same.
func TestCopiesOfFilesHoldNoLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []interface{ Fd() uintptr }{s.file.File, s.file.note} {
		fd, err := syscall.Dup(int(f.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
