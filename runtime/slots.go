package runtime

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
)

// slots are the slots of an attempt whose work runs: that of its own ticket, and those
// that the work takes for what it does beside it. They are alike: whoever gives one back
// gives back any. The zero value has the slot of the attempt's ticket.
type slots struct {
	mu    sync.Mutex
	lent  bool           // the attempt's own ticket was given back, or is never to be
	more  []*pool.Ticket // that have a slot
	queue []*pool.Ticket // that wait for one
	over  bool
}

var errOver = nodes.Errorf("cancelled", "the attempt has ended")

// take waits for one more slot, like that of the attempt's own ticket.
func (s *slots) take(ctx context.Context, pools *pool.Pools, own *pool.Ticket, since time.Time) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	granted := make(taken)
	t := &pool.Ticket{Pool: own.Pool, Owner: own.Owner, Task: own.Task, Priority: own.Priority, Since: since, Node: own.Node, Index: own.Index,
		For: granted}
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return errOver
	}
	s.queue = append(s.queue, t)
	s.mu.Unlock()
	pools.Exchange("", nil, []*pool.Ticket{t})
	var err error
	select {
	case <-granted:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.mu.Lock()
	s.queue = slices.DeleteFunc(s.queue, func(q *pool.Ticket) bool { return q == t })
	if err == nil && s.over {
		err = errOver
	}
	if err == nil {
		s.more = append(s.more, t)
	}
	s.mu.Unlock()
	if err != nil { // it may have its slot all the same
		pools.Exchange("", []*pool.Ticket{t}, nil)
	}
	return err
}

// giveBack gives one slot back; false if there is none. own is the attempt's ticket.
func (s *slots) giveBack(pools *pool.Pools, own *pool.Ticket) bool {
	s.mu.Lock()
	var t *pool.Ticket
	switch {
	case s.over:
	case len(s.more) > 0:
		t = s.more[len(s.more)-1]
		s.more = s.more[:len(s.more)-1]
	case !s.lent:
		s.lent, t = true, own
	}
	s.mu.Unlock()
	if t == nil {
		return false
	}
	pools.GiveBack(t) // its lock stays with the attempt
	return true
}

// end appends the tickets that the work has not given back when it returns to left. None is
// taken afterwards.
func (s *slots) end(left []*pool.Ticket) []*pool.Ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	left = append(left, s.more...)
	left = append(left, s.queue...)
	s.more, s.queue = nil, nil
	return left
}

// taken is closed when a slot was taken.
type taken chan struct{}

func (t taken) Granted(bool) { close(t) }
