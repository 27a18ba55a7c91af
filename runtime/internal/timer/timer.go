package timer

import (
	"container/heap"
	"sync"
	"time"
)

// Heap holds functions by the time at which they are due. The zero value is ready
// to use. It is safe for concurrent use.
type Heap struct {
	mu     sync.Mutex
	due    byTime
	timer  *time.Timer
	closed bool
}

// Timer is one function that is due at some time.
type Timer struct {
	at    time.Time
	fire  func()
	index int // in the heap; -1: not in it
}

// Time returns when the function is due.
func (t *Timer) Time() time.Time { return t.at }

// At calls fire once, not before t, on a goroutine of the heap. fire must not block.
// After Close it is never called.
func (h *Heap) At(t time.Time, fire func()) *Timer {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := &Timer{at: t, fire: fire, index: -1}
	if h.closed {
		return e
	}
	heap.Push(&h.due, e)
	if e.index == 0 {
		h.rearm()
	}
	return e
}

// Stop drops a timer; a nil Timer is allowed. The function may still be called when
// its time has come already.
func (h *Heap) Stop(e *Timer) {
	if e == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.index >= 0 && !h.closed {
		heap.Remove(&h.due, e.index)
	}
}

// rearm sets the one timer for the first entry.
func (h *Heap) rearm() {
	if len(h.due) == 0 {
		return
	}
	wait := time.Until(h.due[0].at)
	if h.timer == nil {
		h.timer = time.AfterFunc(wait, h.run)
		return
	}
	h.timer.Reset(wait)
}

// run calls everything that is due.
func (h *Heap) run() {
	h.mu.Lock()
	var fire []func()
	now := time.Now()
	for len(h.due) > 0 && !h.due[0].at.After(now) {
		fire = append(fire, heap.Pop(&h.due).(*Timer).fire)
	}
	h.rearm()
	h.mu.Unlock()
	for _, f := range fire {
		f()
	}
}

// Close drops all timers.
func (h *Heap) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.due = nil
	if h.timer != nil {
		h.timer.Stop()
	}
}

type byTime []*Timer

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byTime) Push(x any) {
	e := x.(*Timer)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *byTime) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
