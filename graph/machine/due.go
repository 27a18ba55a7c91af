package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// arm sets the timer that the task's present state asks for.
func (m *Machine) arm(t *task, r *run) {
	n := &m.g.Nodes[r.node]
	var at time.Time
	switch t.state {
	case backoff:
		at = sooner(at, t.due)
	case running:
		if n.Timeout > 0 {
			at = sooner(at, t.startedAt.Add(n.Timeout))
		}
		fallthrough
	case queued, onHold:
		if n.Timeout > 0 && m.isHeldChild(t, r) {
			at = sooner(at, t.startedAt.Add(n.Timeout))
		}
		if n.Deadline > 0 && !t.firstAt.IsZero() {
			at = sooner(at, t.firstAt.Add(n.Deadline))
		}
	}
	if !at.IsZero() {
		r.w.timers.push(timer{at: at, task: r.first + t.index, turns: t.turns})
	}
}

// sooner is the earlier of two times; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due is what is to happen next without anybody's doing: at a time, in a task
// of a wave, or for a node that waits.
type due struct {
	at      time.Time
	wave    *wave
	task    int
	waiting *journal.Waiting
}

// nextDue finds it. At the same moment the open wave comes first, then the background,
// then what waits, in declaration order.
func (m *Machine) nextDue() (next due, ok bool) {
	look := func(w *wave) {
		if t, there := w.timers.first(w.tasks); there && (!ok || t.at.Before(next.at)) {
			next, ok = due{at: t.at, wave: w, task: t.task}, true
		}
	}
	look(&m.wave)
	for _, w := range m.alone {
		look(w)
	}
	for k := range m.cur.Background {
		if b := m.nodes[m.plan.index[m.cur.Background[k].Node]].apart; b != nil {
			look(b)
		}
	}
	for k := range m.cur.Waiting {
		w := &m.cur.Waiting[k]
		if at := w.Ends(); !w.Answered && !at.IsZero() && (!ok || at.Before(next.at)) {
			next, ok = due{at: at, waiting: w}, true
		}
	}
	return next, ok
}

// WakeAt is when the machine wants to be woken by Woke. The zero time means that it
// only waits for other inputs.
func (m *Machine) WakeAt() time.Time {
	if m.cur.Status.Ended() || m.cur.Closing != nil {
		return time.Time{}
	}
	next, _ := m.nextDue()
	next.at = sooner(next.at, m.finallyEnds())
	if m.cur.Open || m.cur.Status == journal.Paused || m.adopts || m.cur.Stopping != "" {
		return next.at
	}
	return sooner(sooner(next.at, m.cur.WakeAt), m.expiry())
}

// woke does what is due.
func (m *Machine) woke(early bool) {
	for !m.o.Rest && m.cur.Closing == nil {
		d, ok := m.nextDue()
		if !ok || d.at.After(m.at) {
			break
		}
		m.happen(d)
	}
	m.cutFinally()
	m.skipMissed(lateness)
	if early {
		m.hasten()
	}
	m.startCycleIfDue()
}

// happen does one thing that is due.
func (m *Machine) happen(d due) {
	switch {
	case d.waiting != nil:
		m.waitOver(d.waiting)
	default:
		d.wave.timers.pop()
		t := &d.wave.tasks[d.task]
		m.fire(t, &d.wave.runs[t.run])
	}
}

// fire is the end of a backoff, a timeout or a deadline.
func (m *Machine) fire(t *task, r *run) {
	n := &m.g.Nodes[r.node]
	if t.state == backoff {
		m.turn(t, r, idle)
		r.again = append(r.again, r.first+t.index)
		m.fill(r)
		return
	}
	f := journal.Failure{Kind: "timeout", Message: fmt.Sprintf("timeout of %s exceeded", n.Timeout)}
	if n.Deadline > 0 && !t.firstAt.Add(n.Deadline).After(m.at) {
		f = journal.Failure{Kind: "timeout", Message: fmt.Sprintf("deadline of %s exceeded", n.Deadline), Permanent: true}
	}
	m.fail(t, r, &f)
}

// fail ends a task, or its present attempt, with a failure: at once when nothing
// of it runs.
func (m *Machine) fail(t *task, r *run, f *journal.Failure) {
	if t.state == running || t.state == ending || m.isHeldChild(t, r) {
		m.endAttempt(t, r, f)
		return
	}
	if t.state == queued {
		m.out.cancel = append(m.out.cancel, m.key(t, r))
	}
	body := m.finished(t, r)
	body.Error = f
	m.finish(t, r, body)
}

// hasten ends the pause between two cycles.
func (m *Machine) hasten() {
	if at := m.cur.WakeAt; !m.cur.Open && (at.IsZero() || at.After(m.at)) {
		m.cur.WakeAt, m.out.moved = m.at, true
	}
}
