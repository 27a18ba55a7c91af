package machine

import "time"

// timers is a heap of what is due for the tasks of a wave, earliest first. A timer is void once its task has turned to another state.
type timers struct{ heap []timer }

type timer struct {
	at    time.Time
	task  int
	turns uint32
}

func (h *timers) clear() { h.heap = h.heap[:0] }

func (h *timers) push(t timer) {
	h.heap = append(h.heap, t)
	for i := len(h.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !before(h.heap[i], h.heap[up]) {
			return
		}
		h.heap[i], h.heap[up] = h.heap[up], h.heap[i]
		i = up
	}
}

func (h *timers) pop() {
	last := len(h.heap) - 1
	h.heap[0] = h.heap[last]
	h.heap = h.heap[:last]
	for i := 0; ; {
		low := 2*i + 1
		if low >= last {
			return
		}
		if low+1 < last && before(h.heap[low+1], h.heap[low]) {
			low++
		}
		if !before(h.heap[low], h.heap[i]) {
			return
		}
		h.heap[i], h.heap[low] = h.heap[low], h.heap[i]
		i = low
	}
}

// before orders timers; those of one moment go by task, so that every run of
// the machine handles them in the same order.
func before(a, b timer) bool {
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	return a.task < b.task
}

// first is the earliest timer that still counts.
func (h *timers) first(tasks []task) (timer, bool) {
	for len(h.heap) > 0 {
		t := h.heap[0]
		if t.turns == tasks[t.task].turns {
			return t, true
		}
		h.pop()
	}
	return timer{}, false
}
