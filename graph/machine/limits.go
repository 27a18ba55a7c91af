package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// expire notes when the duration of the stack is over.
func (m *Machine) expire() {
	m.cur.Expires = time.Time{}
	if d := m.g.Limits.Duration; d > 0 {
		m.cur.Expires = m.id.CreatedAt.Add(d)
	}
}

// expiry is when the duration of a stack between two cycles is over, or zero for
// never, or not now. In an open cycle the next wave or its end looks at it.
func (m *Machine) expiry() time.Time {
	if m.cur.Status != journal.Running || m.cur.Open {
		return time.Time{}
	}
	return m.cur.Expires
}

// overLimit names the first limit that is reached and is also looked at before
// a wave; "" for none.
func (m *Machine) overLimit() string {
	l, c := &m.g.Limits, &m.cur.Counts
	switch {
	case l.Duration > 0 && m.at.Sub(m.id.CreatedAt) >= l.Duration:
		return fmt.Sprintf("duration limit of %s reached", l.Duration)
	case l.NodeRuns > 0 && c.NodeRuns >= uint64(l.NodeRuns):
		return fmt.Sprintf("node_runs limit of %d reached", l.NodeRuns)
	case l.Tokens > 0 && c.Tokens >= int64(l.Tokens):
		return fmt.Sprintf("tokens limit of %d reached (%d used)", l.Tokens, c.Tokens)
	case l.Cost > 0 && c.Cost >= l.Cost:
		return fmt.Sprintf("cost limit of %g reached (%g spent)", l.Cost, c.Cost)
	}
	return ""
}

// overCycleLimit names the first limit that is reached at the end of a cycle.
func (m *Machine) overCycleLimit() string {
	l, c := &m.g.Limits, &m.cur.Counts
	switch {
	case l.Cycles > 0 && c.Cycles >= uint64(l.Cycles):
		return fmt.Sprintf("cycles limit of %d reached", l.Cycles)
	case l.Failures > 0 && m.cur.FailedInRow >= l.Failures:
		return fmt.Sprintf("failures limit reached: %d failed cycles in a row", m.cur.FailedInRow)
	}
	return m.overLimit()
}
