package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// An edge to a node with `latch` that was live stays live over cycles until the node has
// run. So sources that end in different cycles can meet in one join. Under `once` all
// verdicts hold, see pass.go.

// takeLatches finds at the beginning of a cycle the edges that stay live in it.
func (m *Machine) takeLatches() {
	m.latched = nil
	if m.g.Once || len(m.cur.Latches) == 0 {
		return
	}
	m.latched = make([]*journal.Latch, len(m.g.Edges))
	for k := range m.cur.Latches {
		if x, ok := m.plan.edgeOf(&m.cur.Latches[k]); ok {
			m.latched[x] = &m.cur.Latches[k]
		}
	}
}

// latchOver is the latch of an edge, nil if it has none.
func (m *Machine) latchOver(edge int) *journal.Latch {
	if m.latched == nil {
		return nil
	}
	return m.latched[edge]
}

// judgeLatched gives the verdict over an edge as its target sees it. An else edge
// beside it is the opposite of what judge gives.
func (m *Machine) judgeLatched(e *graph.Edge) (live bool, err string) {
	if m.latchOver(e.Index) != nil {
		return true, ""
	}
	return m.judge(e)
}

// noteLatches remembers at the end of a cycle which edges stay live.
func (m *Machine) noteLatches() {
	if m.g.Once || !m.plan.latches && m.cur.Latches == nil {
		return
	}
	var all []journal.Latch
	for x := range m.g.Edges {
		e := &m.g.Edges[x]
		d := m.nodes[e.To].decision
		if !m.g.Nodes[e.To].Latch || d != nil && d.Run && m.nodes[e.To].decided {
			continue
		}
		switch l := m.latchOver(x); {
		case l != nil:
			all = append(all, *l)
		case d != nil && slices.ContainsFunc(d.Edges, func(v journal.Verdict) bool { return v.Edge == x && v.Live }):
			l := m.plan.latch(x, false, "")
			if e.From != graph.Start && e.Outcome.TakesFailure() {
				l.Failure = m.failureOver(e)
			}
			all = append(all, l)
		}
	}
	m.cur.Latches = all
}

// failureOver is the failure of an edge's source, in the cycle that the edge looks at.
func (m *Machine) failureOver(e *graph.Edge) *journal.Failure {
	if e.NextCycle {
		return m.cur.Last[m.g.Nodes[e.From].ID].Error
	}
	return m.nodes[e.From].err
}
