package machine

import (
	"fmt"
	"time"
)

// timers is a heap of what is due for the tasks of the open wave, earliest
// first. A timer is void once its task has turned to another state.
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

// arm sets the timer that the task's present state asks for.
func (m *Machine) arm(t *task) {
	r := &m.wave.runs[t.run]
	n := &m.g.Nodes[r.node]
	var at time.Time
	sooner := func(other time.Time) {
		if at.IsZero() || other.Before(at) {
			at = other
		}
	}
	switch t.state {
	case backoff:
		sooner(t.due)
	case running:
		if n.Timeout > 0 {
			sooner(t.startedAt.Add(n.Timeout))
		}
		fallthrough
	case queued:
		if n.Deadline > 0 && !t.firstAt.IsZero() {
			sooner(t.firstAt.Add(n.Deadline))
		}
	}
	if !at.IsZero() {
		m.timers.push(timer{at: at, task: r.first + t.index, turns: t.turns})
	}
}

// earliest is the next timer that still counts.
func (m *Machine) earliest() (timer, bool) {
	for len(m.timers.heap) > 0 {
		t := m.timers.heap[0]
		if t.turns == m.wave.tasks[t.task].turns {
			return t, true
		}
		m.timers.pop()
	}
	return timer{}, false
}

// wakeAt is when the machine wants to be woken; zero: only by an event.
func (m *Machine) wakeAt() time.Time {
	switch {
	case m.cur.Status.Ended():
		return time.Time{}
	case m.cur.Open:
		t, _ := m.earliest()
		return t.at
	case m.cur.Status == Paused:
		return time.Time{}
	}
	return m.cur.WakeAt
}

// woke does what is due.
func (m *Machine) woke(early bool) {
	for m.cur.Open {
		t, ok := m.earliest()
		if !ok || t.at.After(m.at) {
			return
		}
		m.timers.pop()
		m.fire(&m.wave.tasks[t.task])
	}
	if early && m.cur.Status == Running {
		m.startCycle()
		return
	}
	m.startCycleIfDue()
}

// fire is the end of a backoff, a timeout or a deadline.
func (m *Machine) fire(t *task) {
	k := t.run
	r := &m.wave.runs[k]
	n := &m.g.Nodes[r.node]
	if t.state == backoff {
		m.turn(t, r, idle)
		r.again = append(r.again, r.first+t.index)
		m.fill(k)
		return
	}
	f := Failure{Kind: "timeout", Message: fmt.Sprintf("timeout of %s exceeded", n.Timeout)}
	if n.Deadline > 0 && !t.firstAt.Add(n.Deadline).After(m.at) {
		f = Failure{Kind: "timeout", Message: fmt.Sprintf("deadline of %s exceeded", n.Deadline), Permanent: true}
	}
	m.out.cancel = append(m.out.cancel, m.key(t, r))
	body := m.finished(t, r)
	body.Error = &f
	m.finish(t, r, body)
}
