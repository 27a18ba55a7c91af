package boltstore

import (
	"path/filepath"
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

// present stops the store when its file, or its log, is not at its path any more.
func (s *Store) present() error {
	size, err := s.at.Check()
	if err == nil {
		s.at.Grow(size)
	}
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
