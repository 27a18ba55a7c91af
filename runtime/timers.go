package runtime

import (
	"container/heap"
	"sync"
	"time"
)

// timers calls functions when their time has come: one heap and one timer for
// a whole runtime, and no goroutine while nothing is due.
type timers struct {
	mu     sync.Mutex
	due    dueHeap
	timer  *time.Timer
	closed bool
}

// timer is one function to be called. A timer that was stopped may still be
// in the act of calling.
type timer struct {
	at    time.Time
	fire  func()
	index int // in the heap; -1: not there
}

// at calls fire once, no earlier than t, on a goroutine of the timers. fire
// must not block.
func (ts *timers) at(t time.Time, fire func()) *timer {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	e := &timer{at: t, fire: fire, index: -1}
	if ts.closed {
		return e
	}
	heap.Push(&ts.due, e)
	if e.index == 0 {
		ts.rearm()
	}
	return e
}

// stop forgets a timer; nil is welcome.
func (ts *timers) stop(e *timer) {
	if e == nil {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if e.index >= 0 && !ts.closed {
		heap.Remove(&ts.due, e.index)
	}
}

// rearm sets the one timer for the first that is due.
func (ts *timers) rearm() {
	if len(ts.due) == 0 {
		return
	}
	wait := time.Until(ts.due[0].at)
	if ts.timer == nil {
		ts.timer = time.AfterFunc(wait, ts.run)
		return
	}
	ts.timer.Reset(wait)
}

// run calls all that is due.
func (ts *timers) run() {
	ts.mu.Lock()
	var fire []func()
	now := time.Now()
	for len(ts.due) > 0 && !ts.due[0].at.After(now) {
		fire = append(fire, heap.Pop(&ts.due).(*timer).fire)
	}
	ts.rearm()
	ts.mu.Unlock()
	for _, f := range fire {
		f()
	}
}

// close forgets all timers.
func (ts *timers) close() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.closed = true
	ts.due = nil
	if ts.timer != nil {
		ts.timer.Stop()
	}
}

type dueHeap []*timer

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	e := x.(*timer)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
