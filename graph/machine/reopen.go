package machine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// ErrNotEnded says that the stack has not ended, so it cannot be reopened.
var ErrNotEnded = errors.New("machine: the stack has not ended")

// A stack that has ended continues with its state when it is reopened, and the next cycle
// begins. What waited or ran at the end is over; what a pass of a graph with `once` has
// come to stays, but for what failed and what lies behind it.

// reopenStack continues a stack that has ended.
func (m *Machine) reopenStack(in Reopen) error {
	if !m.cur.Status.Ended() {
		return ErrNotEnded
	}
	m.at = in.At
	m.emit(&journal.StackReopened{By: in.By, Limits: in.Limits})
	return nil
}

func (m *Machine) applyReopened(b *journal.StackReopened) {
	m.countAnew(b.Limits)
	c := &m.cur
	c.Status, c.Reason, c.Failure = journal.Running, "", nil
	c.FailedInRow, c.Refused, c.Parked, c.Clean = 0, "", nil, false
	c.Inbox, c.WakeAt = len(m.inbox), m.at
	c.Last = settledDebts(c.Last)
	if m.schedule != nil && !m.g.Once {
		c.Due = m.schedule.Next(m.at) // what came while it had ended gets no cycle
	}
	m.out.ended = nil
	m.wave.close()
	m.closeEach()
	for i := range m.nodes {
		m.nodes[i].answer, m.nodes[i].apart = nil, nil
	}
	m.forgetPast()
	m.redo()
	m.expire()
	m.seeStack()
}

// settledDebts is how nodes settled, with no failure that the next cycle has to take: the
// one that was to take them may have been the last.
func settledDebts(last map[string]journal.Settled) map[string]journal.Settled {
	out := maps.Clone(last)
	for id, s := range out { // in any order: each has its name
		s.Owed = false
		out[id] = s
	}
	return out
}

// countAnew sets limits in place of those of the graph. What is counted begins at 0 for
// a limit that is set, and for one that is reached: it has ended the stack, or it would.
func (m *Machine) countAnew(set journal.Limits) {
	c, was, n := &m.cur, m.Limits(), m.counted()
	r := &journal.Reopened{At: m.at, Limits: set}
	if c.Reopened != nil {
		r.Before = c.Reopened.Before
	}
	c.Reopened = r
	now := m.Limits()
	reached := func(count uint64, limits ...int) bool {
		return slices.ContainsFunc(limits, func(l int) bool { return l > 0 && count >= uint64(l) })
	}
	if set.Cycles != nil || reached(n.Cycles, was.Cycles, now.Cycles) {
		r.Before.Cycles = c.Counts.Cycles
	}
	if set.NodeRuns != nil || reached(n.NodeRuns, was.NodeRuns, now.NodeRuns) {
		r.Before.NodeRuns = c.Counts.NodeRuns
	}
	if set.Tokens != nil || c.Refused == "tokens" || reached(uint64(max(0, n.Tokens)), was.Tokens, now.Tokens) {
		r.Before.Tokens = c.Counts.Tokens
	}
	if set.Cost != nil || c.Refused == "cost" || was.Cost > 0 && n.Cost >= was.Cost || now.Cost > 0 && n.Cost >= now.Cost {
		r.Before.Cost = c.Counts.Cost
	}
}

// redo forgets of a pass what is to be decided again.
func (m *Machine) redo() {
	pass := m.cur.Pass
	if pass == nil {
		return
	}
	again := m.again(pass.Nodes)
	isAgain := func(node string) bool {
		i, ok := m.plan.index[node]
		return ok && again.has(i)
	}
	m.cur.Pass = &journal.Pass{Nodes: slices.DeleteFunc(slices.Clone(pass.Nodes), func(s journal.Settled) bool { return isAgain(s.Node) })}
	m.cur.Latches = slices.DeleteFunc(slices.Clone(m.cur.Latches), func(l journal.Latch) bool { return l.Fault != "" || isAgain(l.From) })
	if len(m.cur.Latches) == 0 {
		m.cur.Latches = nil
	}
}

// again says which nodes of a pass are decided again when the stack is reopened: those
// whose failure no node took, those that a condition kept from running which could not be
// evaluated, and those that were skipped behind them.
func (m *Machine) again(pass []journal.Settled) nodeSet {
	set := make(nodeSet, (len(m.g.Nodes)+63)/64)
	settled := make([]*journal.Settled, len(m.g.Nodes))
	for k := range pass {
		if i, ok := m.plan.index[pass[k].Node]; ok {
			settled[i] = &pass[k]
		}
	}
	for _, i := range m.g.Order {
		switch s := settled[i]; {
		case s == nil:
		case s.Status == failed.String() && s.Owed,
			s.Status == skipped.String() && (s.Reason == "condition-error" || m.isBehind(i, set)):
			set[i/64] |= 1 << (i % 64)
		}
	}
	return set
}

// isBehind reports whether an edge leads to a node from one of a set.
func (m *Machine) isBehind(i int, set nodeSet) bool {
	return slices.ContainsFunc(m.g.Nodes[i].In, func(x int) bool {
		e := &m.g.Edges[x]
		return e.From != graph.Start && !e.After && !e.NextCycle && set.has(e.From)
	})
}

// ReadLimits reads limits as `limits` of a graph spells them, from canonical values.
func ReadLimits(given map[string]any) (l journal.Limits, err error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		v := given[name]
		whole := map[string]**int{"cycles": &l.Cycles, "node_runs": &l.NodeRuns, "tokens": &l.Tokens, "failures": &l.Failures}[name]
		switch {
		case whole != nil:
			n, ok := v.(int64)
			if !ok || n < 0 {
				return l, fmt.Errorf("%s: expected a whole number, 0 or more", name)
			}
			*whole = new(int(n))
		case name == "duration" || name == "failed_pause":
			text, _ := v.(string)
			d, err := graph.ParseDuration(text)
			if err != nil {
				return l, fmt.Errorf("%s: expected a duration as 500ms, 5s, 1m30s, 24h or 7d", name)
			}
			if name == "duration" {
				l.Duration = &d
			} else {
				l.FailedPause = &d
			}
		case name == "cost":
			f, ok := v.(float64)
			if n, isInt := v.(int64); isInt {
				f, ok = float64(n), true
			}
			if !ok || f < 0 {
				return l, fmt.Errorf("cost: expected a number, 0 or more")
			}
			l.Cost = &f
		default:
			return l, fmt.Errorf("unknown limit %q (limits: cycles, duration, failures, failed_pause, node_runs, tokens, cost)", name)
		}
	}
	return l, nil
}
