package runtime

import (
	"errors"
	"sync"
	"time"

	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// How long a store in trouble is left alone before the next try.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// storage is what a runtime knows of its store's health. While the store is in
// trouble (a full disk), commits wait: nothing new starts, tasks that run go
// on and keep their results in memory. All that wait try again together.
type storage struct {
	timers *timer.Heap

	mu      sync.Mutex
	waiting int           // commits that failed and are to be tried again
	err     error         // of the last that failed; nil: none is waiting
	since   time.Time     // of the trouble
	wait    time.Duration // the last
	retry   chan struct{} // closed when it is time to try again
	timer   *timer.Timer
}

// StoreHealth says why commits wait for the store at present, and since when. err is
// nil when none waits. Small commits may still find room. Everything continues by
// itself once the cause is gone.
func (rt *Runtime) StoreHealth() (since time.Time, err error) {
	rt.storage.mu.Lock()
	defer rt.storage.mu.Unlock()
	return rt.storage.since, rt.storage.err
}

// Failed returns the fatal error of the store that has stopped everything, or nil.
// After such an error only what is reopened from disk can be trusted.
func (rt *Runtime) Failed() error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.failed
}

// store makes a commit durable, however long the store's trouble lasts.
func (s *Stack) store(c Commit) error {
	rt := s.rt
	waited := false
	for {
		if rt.isGone() {
			return ErrClosed
		}
		err := rt.cfg.Store.Commit(rt.base, c)
		if err == nil || !s.waitsOut(err, &c) {
			if waited {
				s.goOn(err == nil)
			}
			return err
		}
		retry, first := rt.storage.trouble(err, !waited)
		if first {
			rt.log.Error("the store takes no commits; trying again until it does", "error", err)
		}
		waited = true
		poke := s.stall(err)
		if !s.inAHurry() {
			select {
			case <-retry:
			case <-poke:
			}
		}
		if s.inAHurry() {
			s.goOn(false)
			return err
		}
	}
}

// waitsOut says whether a commit that failed is tried again. It is not where
// all there is to do is tell who asked: a stack was to be created, but for the
// child of a task, or was loaded for one command.
func (s *Stack) waitsOut(err error, c *Commit) bool {
	var se *StoreError
	switch {
	case !errors.As(err, &se), s.rt.cfg.FailOnStoreError:
		return false
	case se.Fatal:
		s.rt.fail(err)
		return false
	}
	return s.child || c.Create == nil && !s.visited
}

// stall tells who waits for a stack's loop that the loop waits for the store.
type stall struct {
	begun chan struct{} // closed when it does
	why   error         // then
}

// stall notes that the loop waits for the store. Who addresses the stack
// meanwhile may close poke, to have it try again at once.
func (s *Stack) stall(why error) (poke <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poke = make(chan struct{})
	if s.stalls != nil {
		s.stalls.why = why
		close(s.stalls.begun)
		s.stalls = nil
	}
	s.stalled = why
	return s.poke
}

// goOn ends what stall began.
func (s *Stack) goOn(well bool) {
	s.mu.Lock()
	s.stalled, s.poke = nil, nil
	s.mu.Unlock()
	if since := s.rt.storage.settled(well); !since.IsZero() {
		s.rt.log.Info("the store takes commits again", "after", time.Since(since).Round(time.Second))
	}
}

// nextStall is how the loop will tell that it has come to wait for the store;
// if it does so now, that it tried once more and waits on.
func (s *Stack) nextStall() *stall {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalls == nil {
		s.stalls = &stall{begun: make(chan struct{})}
	}
	if s.poke != nil {
		close(s.poke)
		s.poke = nil
	}
	return s.stalls
}

// hurry cuts off what a stopping stack still does, and waits for.
func (s *Stack) hurry() {
	s.mu.Lock()
	if !s.hurried && s.rush != nil {
		close(s.rush)
	}
	s.hurried = true
	s.mu.Unlock()
	s.post(s.cutOffAll)
	s.rt.storage.nudge()
}

// rushed is closed when what runs of the stack is to end at once.
func (s *Stack) rushed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rush == nil {
		s.rush = make(chan struct{})
		if s.hurried {
			close(s.rush)
		}
	}
	return s.rush
}

func (s *Stack) inAHurry() bool {
	s.mu.Lock()
	hurried := s.hurried
	s.mu.Unlock()
	s.rt.mu.Lock()
	defer s.rt.mu.Unlock()
	return hurried || s.rt.closed || s.rt.failed != nil
}

// settled notes that a commit waits no more. When it has found room, so may the
// others; the time is since when there was trouble, now that none is left.
func (st *storage) settled(well bool) (since time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.waiting--; st.waiting == 0 {
		if well {
			since = st.since
		}
		st.err, st.since, st.wait = nil, time.Time{}, 0
	}
	if well || st.waiting == 0 {
		st.again()
	}
	return since
}

// trouble notes that a commit failed, and says when to try again.
func (st *storage) trouble(err error, another bool) (retry <-chan struct{}, first bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if another {
		st.waiting++
	}
	if st.err == nil {
		first = true
		st.since = time.Now()
	}
	st.err = err
	if st.retry == nil {
		st.wait = min(max(firstRetry, 2*st.wait), lastRetry)
		st.retry = make(chan struct{})
		st.timer = st.timers.At(time.Now().Add(st.wait), st.nudge)
	}
	return st.retry, first
}

// nudge lets all that wait try again now.
func (st *storage) nudge() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.again()
}

func (st *storage) again() {
	if st.retry != nil {
		st.timers.Stop(st.timer)
		close(st.retry)
		st.retry, st.timer = nil, nil
	}
}
