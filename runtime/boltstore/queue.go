package boltstore

import (
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/runtime"
)

// request is a change of the store on its way into a transaction.
type request struct {
	apply func(*txn) error
	sync  bool
	err   error
	lost  error     // the answer when the write did not come back; err is not read then
	lead  chan bool // true asks to write the next group; false says that the answer is there
}

func (r *request) answer() error {
	if r.lost != nil {
		return r.lost
	}
	return r.err
}

// groupSize bounds how many requests share a transaction.
const groupSize = 1024

// submit brings a change into the store and waits for it. There is one writer
// at a time: whoever comes while nobody writes. It takes all that queue up
// until it begins, and then hands the pen to the first of those that came
// meanwhile. So a lonely request waits for no other goroutine, and a crowd
// shares its fsyncs.
func (s *Store) submit(sync bool, apply func(*txn) error) error {
	r := &request{apply: apply, sync: sync}
	s.mu.Lock()
	if err := s.unusable(); err != nil {
		s.mu.Unlock()
		return err
	}
	s.queue = append(s.queue, r)
	if s.writing {
		r.lead = make(chan bool, 1)
		s.mu.Unlock()
		if lead := <-r.lead; !lead {
			return r.answer()
		}
		s.mu.Lock()
	}
	s.writing = true
	group := s.queue[:min(len(s.queue), groupSize):min(len(s.queue), groupSize)]
	s.queue = s.queue[len(group):]
	s.mu.Unlock()

	lost := s.guarded(func() error {
		s.write(group)
		return nil
	})

	s.mu.Lock()
	if len(s.queue) > 0 {
		s.queue[0].lead <- true
	} else {
		s.queue, s.writing = nil, false
		s.idle.Broadcast()
	}
	s.mu.Unlock()
	for _, member := range group {
		if member.lost = lost; member != r {
			member.lead <- false
		}
	}
	return r.answer()
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
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
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
	s.mu.Lock()
	if s.failed != nil {
		err = s.failed
	}
	s.mu.Unlock()
	if err != nil {
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
