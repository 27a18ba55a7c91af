package runtime

import (
	"time"

	"github.com/graphrun/graphrun/nodes"
)

// Causes of a task's cancelled context, for work that asks.
var (
	errReplaced = nodes.Errorf("cancelled", "cancelled")
	errShutdown = nodes.Errorf("cancelled", "cut off by a shutdown")
	errGoexit   = nodes.Errorf("panic", "the node ended its goroutine (runtime.Goexit)")
)

// drain begins to stop: tasks that wait for a slot leave their queues, running
// ones may go on for the runtime's grace. The stack itself does not end: what
// was cut off or not begun is in the store, and begins when it goes on.
func (s *Stack) drain() {
	if s.over || s.stopping {
		return
	}
	s.stopping = true
	s.rt.timers.Stop(s.wake)
	s.wake = nil
	for key, a := range s.attempts {
		if a.cancel == nil {
			a.void = true
			s.ended = append(s.ended, &a.ticket)
			delete(s.attempts, key)
		}
	}
	if s.away == 0 {
		return
	}
	if s.rt.cfg.Grace < 0 {
		s.cutOffAll()
		return
	}
	s.grace = s.rt.timers.At(time.Now().Add(s.rt.cfg.Grace), func() { s.post(s.cutOffAll) })
}

// cutOffNow stops driving a stack without any grace and waits until nothing of it
// runs any more. Its programs still have the time between TERM and KILL, until rush
// is closed.
func (s *Stack) cutOffNow(rush <-chan struct{}) {
	s.post(s.drain)
	s.post(s.cutOffAll)
	select {
	case <-s.done:
	case <-rush:
		s.hurry()
		<-s.done
	}
}

// cutOffAll ends the grace of a stopping stack.
func (s *Stack) cutOffAll() {
	s.stopClearing()
	s.mu.Lock()
	hurried := s.hurried
	s.mu.Unlock()
	for _, a := range s.attempts {
		if a.cancel == nil {
			continue
		}
		a.cut = true
		s.cutOff(a, errShutdown)
		if hurried {
			s.giveUpAfter(a, shortWait)
		}
	}
}

// fail stops driving a stack that cannot go on: the store has all that was
// acknowledged, and what runs is cancelled.
func (s *Stack) fail(err error) {
	if s.over {
		return
	}
	s.err, s.over = err, true
	s.log.Error("stack stopped", "error", err)
	s.endAll()
}

// endAll cancels every task of a stack that is over.
func (s *Stack) endAll() {
	s.rt.timers.Stop(s.wake)
	s.wake = nil
	s.stopClearing()
	for _, a := range s.attempts {
		s.end(a, errReplaced)
	}
}

// close ends the driving of a stack once nothing of it runs: with a last
// checkpoint that is on disk, whatever the store's durability.
func (s *Stack) close() {
	s.over = true
	s.rt.timers.Stop(s.grace)
	if s.err == nil {
		c := s.cursor
		c.Clean = c.Clean || !s.visited // what it cut off was cut off on purpose
		s.err = s.store(Commit{Stack: s.name, Cursor: c, Sync: true})
	}
	r := s.outcome()
	s.log.Debug("driven no further", "status", string(r.Status), "cycle", r.Cursor.Cycle, "wave", r.Cursor.Wave)
	s.result, s.closed = &r, true
	s.rt.leave(s)
	if r.Status.Ended() && len(s.outbox.waiting) > 0 {
		s.rt.deliverLater(s.name)
	}
	close(s.done)
}
