package boltstore

import (
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime"
)

// request is a change of the store on its way into a transaction.
type request struct {
	apply func(*txn) error
	sync  bool
	err   error         // the answer
	done  chan struct{} // closed when the answer is there
}

// groupSize bounds how many requests share a transaction.
const groupSize = 1024

// submit brings a change into the store and waits for it, but not once bbolt's locks
// may be lost: the writer may then wait for one for ever, or still use what it shares
// with the caller.
func (s *Store) submit(sync bool, apply func(*txn) error) error {
	if s.opts.ReadOnly {
		return fmt.Errorf("database %q: %w", s.path, ErrReadOnly)
	}
	r := &request{apply: apply, sync: sync, done: make(chan struct{})}
	s.mu.Lock()
	if err := s.unusable(); err != nil {
		s.mu.Unlock()
		return err
	}
	if !s.writing && len(s.queue) == 0 && !sync && s.opts.Durability != runtime.DurabilityWave {
		s.writing, s.busy = true, true
		s.mu.Unlock()
		s.writeAlone(r)
		return r.err
	}
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
// shares its next transaction, so a crowd shares its fsyncs. It is one goroutine as long
// as the store is open, because its stack then stays as large as bbolt needs it.
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
// write. No reader begins meanwhile, so none can lose a lock that the write needs.
func (s *Store) writeAlone(r *request) {
	s.entry.Lock()
	faults := debug.SetPanicOnFault(true)
	s.write([]*request{r})
	debug.SetPanicOnFault(faults)
	s.entry.Unlock()

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

// write brings a group into one transaction and leaves each request its
// answer. A request that fails does not touch the others: when it had begun to
// write, the transaction starts over without it.
func (s *Store) write(group []*request) {
	for len(group) > 0 {
		rest, err := s.tryWrite(group)
		if err != nil {
			for _, r := range group {
				if r.err == nil {
					r.err = err
				}
			}
			return
		}
		group = rest
	}
}

// tryWrite gives back the requests to try again, without the one that spoilt
// the transaction. An error is the answer for all that were not refused.
func (s *Store) tryWrite(group []*request) (rest []*request, err error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	// A transaction would make a file that was cut off as long as it was.
	if err := s.present(); err != nil {
		return nil, err
	}
	var tx *bolt.Tx
	defer func() {
		if p := recover(); p != nil {
			rest, err = nil, s.panicked(p)
			abandon(tx)
		}
	}()
	if tx, err = s.db.Begin(true); err != nil {
		return nil, s.fail(s.fatal(err))
	}
	t, err := begin(tx)
	if err != nil {
		_ = tx.Rollback() // nothing was written
		return nil, s.fail(s.fatal(err))
	}
	sync := s.opts.Durability == runtime.DurabilityWave
	for i, r := range group {
		before := t.writes
		if r.err = s.wrap(r.apply(t)); r.err == nil {
			sync = sync || r.sync
			continue
		}
		if t.writes != before {
			_ = tx.Rollback()
			return without(group, i), nil
		}
	}
	if t.writes == 0 {
		_ = tx.Rollback()
		return nil, s.present()
	}
	s.db.NoSync = !sync
	if err := tx.Commit(); err != nil {
		return nil, s.commitFailed(err)
	}
	s.unsynced = !sync
	return nil, s.present() // what was written to a file that is gone is not acknowledged
}

// without is the group less request i and those before it that were refused.
func without(group []*request, i int) []*request {
	rest := make([]*request, 0, len(group)-1)
	for j, r := range group {
		if j > i || r.err == nil {
			rest = append(rest, r)
		}
	}
	return rest
}
