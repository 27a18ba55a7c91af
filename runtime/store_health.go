package runtime

import (
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
