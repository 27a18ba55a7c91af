package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// realPath follows links: a file that takes another's place takes it under all its
// names. A path that leads nowhere stays as it is.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// lookEvery is how often a store that nobody uses looks whether its file is
// still where it was opened.
const lookEvery = time.Second

// place is where a file is and how large it has been. What is written to a file
// that was moved away, replaced or cut off is lost to whoever opens the path
// next, so nothing may be acknowledged then.
type place struct {
	path string // absolute: the process may change its folder
	file os.FileInfo

	mu   sync.Mutex
	size int64
}

func placeOf(f *owned) (*place, error) {
	path, err := filepath.Abs(f.path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &place{path: path, file: info, size: info.Size()}, nil
}

// check reports that the path does not lead to the file any more, or not to all
// of it. The error continues the sentence "database PATH …".
func (p *place) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("was moved or deleted while it was in use")
	case inWant(err):
		return nil // the next look tells
	case err != nil:
		return fmt.Errorf("cannot be reached any more: %w", err)
	case !os.SameFile(info, p.file):
		return errors.New("was replaced by another file while it was in use")
	case info.Size() < p.size:
		return fmt.Errorf("was cut off while it was in use: %d bytes, %d before", info.Size(), p.size)
	}
	p.size = info.Size()
	return nil
}

// present stops the store when its file, or its log, is not at its path any more.
func (s *Store) present() error {
	err := s.at.check()
	if log := s.log.Load(); log != nil && err == nil {
		err = log.Check()
	}
	if err != nil {
		e := unusable(s.path, err)
		e.Fatal = true
		return s.fail(e)
	}
	return nil
}

// look is present for a store that nobody uses.
func (s *Store) look() {
	s.mu.Lock()
	over := s.unusable() != nil
	s.mu.Unlock()
	if over || s.present() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unusable() == nil {
		s.lookout.Reset(lookEvery)
	}
}
