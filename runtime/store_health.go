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

// storage is the runtime's view of its store's health. While the store rejects commits
// (its disk is full), commits wait: nothing new starts, and running tasks continue and
// keep their results in memory. All waiting commits are tried again together.
type storage struct {
	timers *timer.Heap

	mu      sync.Mutex
	waiting int           // commits that failed and are to be tried again
	err     error         // of the last one that failed; nil while none waits
	since   time.Time     // of the trouble
	wait    time.Duration // the last
	retry   chan struct{} // closed when it is time to try again
	timer   *timer.Timer
}

// settled notes that a commit waits no longer. When it succeeded, the others are tried
// again. It returns since when the store was in trouble, when that is over now.
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

// trouble notes that a commit failed, and returns a channel that is closed when it is
// time to try again.
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

// nudge has all waiting commits tried again now.
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
