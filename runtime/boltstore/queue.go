package boltstore

import (
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime"
)

// request is a change of the store on its way into the log.
type request struct {
	apply func(*txn) error
	alone func() error // instead of apply: what only whoever writes may do
	sync  bool
	err   error         // the answer
	done  chan struct{} // closed when the answer is there
}

// groupSize bounds how many requests are forced to disk together.
const groupSize = 1024

// submit brings a change into the store and waits for it, but not once bbolt's locks
// may be lost: the writer may then wait for one for ever, or still use what it shares
// with the caller. sync says that it is to be on disk then, if anything is.
func (s *Store) submit(sync bool, apply func(*txn) error) error {
	return s.enqueue(&request{apply: apply, sync: s.forces(sync)})
}

// alone runs fn while nobody writes.
func (s *Store) alone(fn func() error) error { return s.enqueue(&request{alone: fn, sync: true}) }

func (s *Store) enqueue(r *request) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("database %q: %w", s.path, ErrReadOnly)
	}
	s.mu.Lock()
	if err := s.unusable(); err != nil {
		s.mu.Unlock()
		return err
	}
	if !s.writing && len(s.queue) == 0 && !r.sync && s.bringing.TryLock() {
		s.writing, s.busy = true, true
		s.mu.Unlock()
		s.writeAlone(r)
		return r.err
	}
	r.done = make(chan struct{})
	s.queue = append(s.queue, r)
	s.work.Signal()
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-s.wedged:
		return s.failure()
	}
}

// writeAll is the writer, until the store is closed. All that queues up while it writes
// is its next group, so a crowd shares its fsyncs.
func (s *Store) writeAll() {
	defer close(s.written)
	debug.SetPanicOnFault(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for s.writing || len(s.queue) == 0 {
			if s.closed && !s.writing {
				return
			}
			s.work.Wait()
		}
		n := min(len(s.queue), groupSize)
		group := s.queue[:n:n]
		if s.queue = s.queue[n:]; len(s.queue) == 0 {
			s.queue = nil
		}
		s.writing, s.busy = true, true
		s.mu.Unlock()
		s.write(group)
		for _, r := range group {
			close(r.done)
		}
		if s.isFree() {
			s.letIn()
		}
		s.mu.Lock()
		s.writing = false
	}
}

// writeAlone writes a request that waits for no disk on the goroutine of its caller: to
// wake the writer, and to be woken by it, would take as long as a good part of the
// write. No reader begins meanwhile, and no transaction of bbolt, so that nobody can lose a
// lock that the write needs.
func (s *Store) writeAlone(r *request) {
	s.entry.Lock()
	faults := debug.SetPanicOnFault(true)
	s.exclusive = true
	s.write([]*request{r})
	s.exclusive = false
	debug.SetPanicOnFault(faults)
	s.entry.Unlock()
	s.bringing.Unlock()

	s.isFree()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	if s.closed || len(s.queue) > 0 {
		s.work.Signal()
	}
}

// unusable says why the store takes nothing any more. Call with s.mu held.
func (s *Store) unusable() error {
	if s.failed != nil {
		return s.failed
	}
	if s.closed {
		return runtime.ErrClosed
	}
	return nil
}

// write brings a group into the log and leaves each request its answer.
func (s *Store) write(group []*request) {
	for i, r := range group {
		if r.alone == nil {
			continue
		}
		s.writeGroup(group[:i])
		r.err = r.alone()
		s.write(group[i+1:])
		return
	}
	s.writeGroup(group)
}

func (s *Store) writeGroup(group []*request) {
	if len(group) == 0 {
		return
	}
	err := s.tryWrite(group)
	if err == nil {
		return
	}
	for _, r := range group {
		if r.err == nil {
			r.err = err
		}
	}
}

// tryWrite writes a group. A request that fails does not touch the others. An error is the
// answer for all that were not refused.
func (s *Store) tryWrite(group []*request) error {
	if err := s.failure(); err != nil {
		return err
	}
	defer s.stage.clear()
	sync, err := s.prepare(group)
	if err != nil {
		return err
	}
	if len(s.frames) == 0 {
		return s.present()
	}
	if err := s.makeRoom(); err != nil {
		s.heads.drop()
		return err
	}
	if err := s.log.Load().Append(s.frames, sync); err != nil {
		s.heads.drop()
		return s.logFailed(err)
	}
	s.unsynced = !sync
	s.tail.publish(s.stage.ops)
	if s.tail.full() {
		if err := s.freeze(); err == nil { // else the next group finds out
			go func() { _ = s.bring() }() // as does whoever comes next
		}
	}
	s.arm(applyEvery)
	return s.present() // what was written to a file that is gone is not acknowledged
}

// prepare has the requests of a group put their rows into the stage.
func (s *Store) prepare(group []*request) (sync bool, err error) {
	clear(s.frames)
	s.frames = s.frames[:0]
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(p)
		}
	}()
	t := &txn{over: s.staged(), stage: &s.stage, heads: &s.heads, shapes: &s.shapes, buf: s.headBuf}
	t.open = func() (*bolt.Tx, error) { return s.db.Begin(false) }
	t.index, t.stacks = &rows{t: t, of: indexTable}, &rows{t: t, of: stacksTable}
	defer func() {
		s.headBuf = t.buf
		if t.tx != nil {
			_ = t.tx.Rollback() // it only read
		}
	}()
	for _, r := range group {
		s.stage.begin()
		if r.err = s.wrap(r.apply(t)); r.err != nil {
			s.stage.undo()
			s.heads.drop()
			continue
		}
		if frame := s.stage.frame(); len(frame) > 0 {
			s.frames = append(s.frames, frame)
			sync = sync || r.sync
		}
	}
	return sync, nil
}

// staged are the layers that the writer sees.
func (s *Store) staged() []*layer {
	t := &s.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	over := []*layer{&s.stage.layer, t.active}
	if t.frozen != nil {
		over = append(over, t.frozen)
	}
	return over
}

// makeRoom sees to it that the log is there, and that bbolt can follow it. When bbolt has
// found no room, it is tried again, and nothing is taken as long as there is none.
func (s *Store) makeRoom() error {
	bring := s.bring
	if s.exclusive {
		bring = s.bringFrozen
	}
	switch {
	case s.log.Load() == nil:
		return s.beginLog(bring)
	case s.want.Load() != nil || s.tail.heavy():
		return bring()
	}
	return nil
}
