package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// Limits are those that the stack goes by: its graph's, but for those that were set when
// it was reopened.
func (m *Machine) Limits() graph.Limits {
	l := m.g.Limits
	if r := m.cur.Reopened; r != nil {
		set(&l.Cycles, r.Limits.Cycles)
		set(&l.NodeRuns, r.Limits.NodeRuns)
		set(&l.Tokens, r.Limits.Tokens)
		set(&l.Failures, r.Limits.Failures)
		set(&l.Duration, r.Limits.Duration)
		set(&l.FailedPause, r.Limits.FailedPause)
		set(&l.Cost, r.Limits.Cost)
	}
	return l
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// counted is what the limits count: once the stack was reopened, a limit that had
// ended it, or was set then, counts from there.
func (m *Machine) counted() journal.Counts {
	c := m.cur.Counts
	if r := m.cur.Reopened; r != nil {
		c.Cycles -= r.Before.Cycles
		c.NodeRuns -= r.Before.NodeRuns
		c.Tokens -= r.Before.Tokens
		c.Cost -= r.Before.Cost
	}
	return c
}

// since is when the duration of the stack began.
func (m *Machine) since() time.Time {
	if r := m.cur.Reopened; r != nil {
		return r.At
	}
	return m.id.CreatedAt
}

// expire notes when the duration of the stack is over.
func (m *Machine) expire() {
	m.cur.Expires = time.Time{}
	if d := m.Limits().Duration; d > 0 {
		m.cur.Expires = m.since().Add(d)
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
	if m.cur.Finally != nil {
		return ""
	}
	l, c := m.Limits(), m.counted()
	switch {
	case l.Duration > 0 && m.at.Sub(m.since()) >= l.Duration:
		return fmt.Sprintf("duration limit of %s reached", l.Duration)
	case l.NodeRuns > 0 && c.NodeRuns >= uint64(l.NodeRuns):
		return fmt.Sprintf("node_runs limit of %d reached", l.NodeRuns)
	}
	if why := m.overUsage(); why != "" {
		return why
	}
	switch m.cur.Refused {
	case "tokens":
		return fmt.Sprintf("tokens limit of %d reached (%d used, and a task needs more than what is left)", l.Tokens, c.Tokens)
	case "cost":
		return fmt.Sprintf("cost limit of %g reached (%g spent, and a task needs more than what is left)", l.Cost, c.Cost)
	}
	return ""
}

// overUsage names the limit of tokens or cost that is reached; "" for none. It also ends
// attempts that record steps.
func (m *Machine) overUsage() string {
	if m.cur.Finally != nil {
		return ""
	}
	l, c := m.Limits(), m.counted()
	switch {
	case l.Tokens > 0 && c.Tokens >= int64(l.Tokens):
		return fmt.Sprintf("tokens limit of %d reached (%d used)", l.Tokens, c.Tokens)
	case l.Cost > 0 && c.Cost >= l.Cost:
		return fmt.Sprintf("cost limit of %g reached (%g spent)", l.Cost, c.Cost)
	}
	return ""
}

// left is what the limits of tokens and cost leave; nil means no such limit.
func (m *Machine) left() (tokens *int64, cost *float64) {
	if m.cur.Finally != nil {
		return nil, nil
	}
	l, c := m.Limits(), m.counted()
	if l.Tokens > 0 {
		n := max(0, int64(l.Tokens)-c.Tokens)
		tokens = &n
	}
	if l.Cost > 0 {
		f := max(0, l.Cost-c.Cost)
		cost = &f
	}
	return tokens, cost
}

// overCycleLimit names the first limit that is reached at the end of a cycle. What
// models used comes first: it may be why the cycle has failed.
func (m *Machine) overCycleLimit() string {
	l, c := m.Limits(), m.counted()
	if over := m.overUsage(); over != "" {
		return over
	}
	switch {
	case l.Cycles > 0 && c.Cycles >= uint64(l.Cycles):
		return fmt.Sprintf("cycles limit of %d reached", l.Cycles)
	case l.Failures > 0 && m.cur.FailedInRow >= l.Failures:
		return fmt.Sprintf("failures limit reached: %d failed cycles in a row", m.cur.FailedInRow)
	}
	return m.overLimit()
}
