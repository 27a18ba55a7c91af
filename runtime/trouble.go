package runtime

import (
	"errors"
	"sync"
	"time"
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
	timers *timers

	mu    sync.Mutex
	err   error         // nil: well
	since time.Time     // of the trouble
	wait  time.Duration // the last
	retry chan struct{} // closed when it is time to try again
	timer *timer
}

// Trouble is why the store takes no commits at present, and since when; nil
// when it does. Everything goes on by itself when the cause is gone.
func (rt *Runtime) Trouble() (since time.Time, err error) {
	rt.storage.mu.Lock()
	defer rt.storage.mu.Unlock()
	return rt.storage.since, rt.storage.err
}

// Failed is why the runtime works no more: after a fatal error of its store
// everything stops, and only what is reopened from disk can be trusted. nil
// while it works.
func (rt *Runtime) Failed() error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.failed
}

// store makes a commit durable, however long the store's trouble lasts.
func (s *Stack) store(c Commit) error {
	rt := s.rt
	for {
		err := rt.cfg.Store.Commit(rt.base, c)
		if err == nil {
			if since := rt.storage.well(); !since.IsZero() {
				rt.log.Info("the store takes commits again", "after", time.Since(since).Round(time.Second))
			}
			return nil
		}
		var se *StoreError
		switch {
		case !errors.As(err, &se):
			return err
		case se.Fatal && !rt.cfg.FailOnStoreError:
			rt.fail(err)
			return err
		case se.Fatal || rt.cfg.FailOnStoreError || c.Create != nil:
			return err
		}
		retry, first := rt.storage.trouble(err)
		if first {
			rt.log.Error("the store takes no commits; trying again until it does", "error", err)
		}
		if s.inAHurry() {
			return err
		}
		<-retry
		if s.inAHurry() {
			return err
		}
	}
}

// hurry cuts off what a stopping stack still does, and waits for.
func (s *Stack) hurry() {
	s.mu.Lock()
	s.hurried = true
	s.mu.Unlock()
	s.post(s.cutOffAll)
	s.rt.storage.nudge()
}

func (s *Stack) inAHurry() bool {
	s.mu.Lock()
	hurried := s.hurried
	s.mu.Unlock()
	s.rt.mu.Lock()
	defer s.rt.mu.Unlock()
	return hurried || s.rt.closed || s.rt.failed != nil
}

// well notes that a commit succeeded; the time is since when none had.
func (st *storage) well() (since time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err == nil {
		return time.Time{}
	}
	since = st.since
	st.err, st.since, st.wait = nil, time.Time{}, 0
	st.again()
	return since
}

// trouble notes that a commit failed, and says when to try again.
func (st *storage) trouble(err error) (retry <-chan struct{}, first bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err == nil {
		first = true
		st.since = time.Now()
	}
	st.err = err
	if st.retry == nil {
		st.wait = min(max(firstRetry, 2*st.wait), lastRetry)
		st.retry = make(chan struct{})
		st.timer = st.timers.at(time.Now().Add(st.wait), st.nudge)
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
		st.timers.stop(st.timer)
		close(st.retry)
		st.retry, st.timer = nil, nil
	}
}
