package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cron"
	"github.com/graphrun/graphrun/graph/journal"
)

// With a schedule, Cursor.Due is the first moment that has not had its cycle. The cycle that
// begins when it has come is for that moment, or, when more of them have, for the one that
// `catch_up` chooses. A cycle that begins before is for none, and Due stays as it is.

// lateness is how late a cycle may begin under `catch_up: none`: a moment of a schedule is a
// minute.
const lateness = time.Minute

// scheduleOf is the schedule of a stack that was started with these params; nil for none.
func scheduleOf(g *graph.Graph, given map[string]any) (*cron.Schedule, error) {
	if g.Schedule == nil {
		return nil, nil
	}
	params, err := fitParams(g, given)
	if err != nil {
		return nil, err
	}
	return g.Schedule.For(params)
}

// firstDue is the moment of the first cycle.
func (m *Machine) firstDue() time.Time {
	if m.g.Schedule.AtStart {
		return m.id.CreatedAt.UTC()
	}
	return m.schedule.Next(m.id.CreatedAt)
}

// momentDue is the moment that a cycle which begins now is for; zero for none. A replay
// takes what is recorded: it does not know when a changed graph was adopted, and earlier
// versions recorded no moments.
func (m *Machine) momentDue() time.Time {
	if m.dueThen != nil {
		if due, ok := m.dueThen(); ok && (due.IsZero() || m.isMoment(due)) {
			return due
		}
	}
	if m.cur.Due.IsZero() || m.cur.Due.After(m.at) {
		return time.Time{}
	}
	if m.isFirst() {
		return m.cur.Due
	}
	n := 1
	if m.g.Schedule.CatchUp == graph.CatchUpAll {
		n = graph.MostCaughtUp
	}
	return m.schedule.Latest(m.cur.Due.Add(-1), m.at, n)[0]
}

// isFirst reports that the next cycle is the one that begins when the stack is created.
func (m *Machine) isFirst() bool { return m.cur.Cycle == 0 && m.g.Schedule.AtStart }

// isMoment reports whether a cycle can be for a moment.
func (m *Machine) isMoment(due time.Time) bool {
	switch {
	case m.schedule == nil || due.After(m.at):
		return false
	case m.isFirst():
		return due.Equal(m.firstDue())
	}
	return m.schedule.Next(due.Add(-1)).Equal(due)
}

// dueAfter is the first moment without a cycle once one has begun. Under `all` the moments
// after the one that the cycle is for are still to come; otherwise it makes up for all
// before.
func (m *Machine) dueAfter(b *journal.CycleStarted, at time.Time) time.Time {
	switch {
	case m.schedule == nil || m.g.Once || b.Finally:
		return time.Time{}
	case m.g.Schedule.CatchUp == graph.CatchUpAll && !b.Due.IsZero():
		return m.schedule.Next(b.Due)
	}
	return m.schedule.Next(at)
}

// untilDue is how long it is from the end of a cycle to the next moment. What came while the
// cycle ran is due at once, and under `none` not at all.
func (m *Machine) untilDue() time.Duration {
	due := m.cur.Due
	if m.g.Schedule.CatchUp == graph.CatchUpNone && due.Before(m.at) {
		due = m.schedule.Next(m.at.Add(-1))
	}
	return max(0, due.Sub(m.at))
}

// afterPause moves Due over what comes in the pause after a cycle. Under `all` nothing is
// lost by it.
func (m *Machine) afterPause(b *journal.CycleFinished, at time.Time) {
	if m.schedule == nil || m.cur.Due.IsZero() || m.g.Schedule.CatchUp == graph.CatchUpAll {
		return
	}
	if next := at.Add(b.Pause); next.After(m.cur.Due) && (b.Failed && b.Pause > 0 || m.g.Schedule.CatchUp == graph.CatchUpNone) {
		m.cur.Due = m.schedule.Next(next.Add(-1))
	}
}

// skipMissed gives up moments under `catch_up: none` that have come while no cycle could
// begin. One that is no later than late still gets its cycle.
func (m *Machine) skipMissed(late time.Duration) {
	c := &m.cur
	switch {
	case m.schedule == nil || m.g.Schedule.CatchUp != graph.CatchUpNone || m.o.Rest || c.Open || c.Status != journal.Running:
		return
	case c.Due.IsZero() || c.Due.Add(late).After(m.at) || m.isFirst():
		return
	}
	next := m.schedule.Next(m.at.Add(-1))
	if c.WakeAt.Equal(c.Due) && !m.expects() {
		c.WakeAt = next
	}
	c.Due, m.out.moved = next, true
}

// reschedule goes over to the schedule of a changed graph. One with other moments counts
// from now, and makes up for what the old one has missed by its own moments since.
func (m *Machine) reschedule(old *cron.Schedule) {
	c := &m.cur
	switch {
	case m.schedule == nil && old == nil:
		return
	case m.g.Once && c.Cycle > 0:
		c.Due = time.Time{}
		return
	case m.schedule == nil:
		c.Due = time.Time{}
		m.hasten()
		return
	case c.Cycle == 0:
		c.Due = m.firstDue()
	case m.schedule.Equal(old):
		return
	case !c.Due.IsZero() && !c.Due.After(m.at):
		c.Due = m.schedule.Next(c.Due.Add(-1))
	default:
		c.Due = m.schedule.Next(m.at)
	}
	if c.WakeAt = c.Due; m.expects() {
		c.WakeAt = m.at
	}
}

// restoreDue completes a cursor of a version that kept no moment.
func (m *Machine) restoreDue() {
	c := &m.cur
	if m.schedule == nil || !c.Due.IsZero() || c.Status.Ended() || c.Finally != nil || m.g.Once && (c.Cycle > 0 || c.Reopened != nil) {
		return
	}
	switch {
	case c.Cycle == 0:
		c.Due = m.firstDue()
	case c.Open:
		c.Due = m.schedule.Next(m.cycle.startedAt)
	default:
		c.Due = m.schedule.Next(c.WakeAt.Add(-1))
	}
}
