package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/graphrun/graphrun/runtime"
)

// wrap makes a damaged row an error of the store; other errors, as a stack
// that is not there, stay what they are.
func (s *Store) wrap(err error) error {
	var d *Damage
	var known *runtime.StoreError
	if err == nil || !errors.As(err, &d) || errors.As(err, &known) {
		return err
	}
	return &runtime.StoreError{Path: s.path, Err: fmt.Errorf("database %q: %w", s.path, err)}
}

func (s *Store) fatal(err error) *runtime.StoreError {
	return &runtime.StoreError{Path: s.path, Err: fmt.Errorf("database %q: %w", s.path, err), Fatal: true}
}

// broken is the error for a panic within bbolt, or for memory of the map that
// could not be read: the file is not what it was when it was opened.
func (s *Store) broken(p any) *runtime.StoreError {
	return s.fatal(fmt.Errorf("the file is damaged or cannot be read: %v", p))
}

// fail remembers a fatal error: from then on the store does nothing but repeat it.
func (s *Store) fail(err *runtime.StoreError) error {
	if err.Fatal {
		s.mu.Lock()
		if s.failed == nil {
			s.failed = err
			for _, tell := range s.onStop {
				go tell(err)
			}
			for _, free := range s.waiting {
				go free()
			}
			s.waiting = nil
			s.opts.Logger.Error("the store has stopped", "path", s.path, "error", err.Err)
		}
		s.mu.Unlock()
	}
	return err
}

// OnStop has tell called, on a goroutine of its own, when a fatal error stops
// the store. See runtime.StoppingStore.
func (s *Store) OnStop(tell func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		go tell(s.failed)
		return
	}
	s.onStop = append(s.onStop, tell)
}

// panicked is fail for a panic within bbolt, which may have left its locks
// taken: nobody waits for bbolt any more.
func (s *Store) panicked(p any) error {
	err := s.present() // which may know why
	if err == nil {
		err = s.fail(s.broken(p))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isWedged() {
		close(s.wedged)
	}
	return err
}

func (s *Store) isWedged() bool {
	select {
	case <-s.wedged:
		return true
	default:
		return false
	}
}

// guarded calls use, which reads with bbolt, on a goroutine of its own and
// waits for it, but not once bbolt's locks may be lost: another goroutine that
// waits for one would wait for ever. After an error that is in s.failed, use
// may still be running, and what it shares with the caller must be left alone.
func (s *Store) guarded(use func() error) error {
	done := make(chan error, 1)
	go func() { done <- use() }()
	select {
	case err := <-done:
		return err
	case <-s.wedged:
		return s.failure()
	}
}

// failure is the fatal error that has stopped the store, or nil.
func (s *Store) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		return nil
	}
	return s.failed
}

// commitFailed decides what a failed transaction means. A write that found no
// room has changed nothing and may be tried again. Anything else may or may
// not have reached the disk, and after a failed fsync the system may have
// dropped what it could not write; then only reading the file again shows it.
func (s *Store) commitFailed(err error) error {
	e := s.fatal(err)
	e.Fatal = !noRoom(err)
	return s.fail(e)
}

func noRoom(err error) bool {
	if errors.Is(err, berrors.ErrMaxSizeReached) {
		return true
	}
	// bbolt keeps the cause of a failed truncate only as text.
	text := err.Error()
	for _, cause := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		var failed *os.PathError
		if errors.As(err, &failed) && errors.Is(failed, cause) {
			return true
		}
		if strings.HasPrefix(text, "file resize error: ") && strings.HasSuffix(text, cause.Error()) {
			return true
		}
	}
	return false
}

// abandon ends a transaction in which something panicked, as far as bbolt can.
func abandon(tx *bolt.Tx) {
	defer func() { _ = recover() }() // it may well panic again
	if tx != nil {
		_ = tx.Rollback() // ErrTxClosed when bbolt has done it already
	}
}

// view runs fn in a read transaction. What fn gives out must be copied, and
// must not be used after an error.
func (s *Store) view(ctx context.Context, fn func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.unusable()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.present(); err != nil {
		return err
	}
	return s.guarded(func() error { return s.read(fn) })
}

func (s *Store) read(fn func(*txn) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(p)
		}
	}()
	tx, over, err := s.snapshot()
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return runtime.ErrClosed
	}
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it only read
	t, err := begin(tx, over...)
	if err == nil {
		t.shapes = &s.shapes
		err = fn(t)
	}
	return s.wrap(err)
}

// snapshot is the store at one moment: a read transaction of bbolt, and what it lacks.
func (s *Store) snapshot() (*bolt.Tx, []*layer, error) {
	for {
		over, live := s.tail.layers()
		tx, err := s.beginRead()
		if err != nil {
			return nil, nil, err
		}
		if !s.tail.stale(live) {
			return tx, over, nil
		}
		_ = tx.Rollback() // it only read
	}
}

// beginRead begins a read transaction. It is where bbolt loses its locks when it cannot
// read the file; whoever has entry next knows of that.
func (s *Store) beginRead() (tx *bolt.Tx, err error) {
	s.entry.Lock()
	defer s.entry.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(p)
		}
	}()
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.db.Begin(false)
}
