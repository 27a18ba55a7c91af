package machine

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// cause is what a skip goes back to. An edge with `outcome: unless_failed` is live after
// a plain one alone.
type cause uint8

const (
	plain     cause = iota
	byFailure       // a failure, of a node or of a condition
	byWaiting       // a node that has not ended yet
)

// causeOf is the cause of the skip of a node whose decision was taken just now: its own
// reason, or that of a node before it which was skipped too. A failure comes first.
func (m *Machine) causeOf(i int) cause {
	var own cause
	switch m.skipReason(i) {
	case "condition-error", "upstream-failed":
		return byFailure
	case "waiting":
		own = byWaiting
	}
	for _, x := range m.g.Nodes[i].In {
		e := &m.g.Edges[x]
		if e.From == graph.Start || e.After || e.NextCycle || m.settledAs(e) != skipped {
			continue
		}
		switch m.causeOver(e) {
		case byFailure:
			return byFailure
		case byWaiting:
			if !m.g.Once { // there a skip that what waits may change has that reason
				own = byWaiting
			}
		}
	}
	return own
}

// causeOver is the cause of the skip of an edge's source.
func (m *Machine) causeOver(e *graph.Edge) cause {
	if !e.NextCycle {
		return m.nodes[e.From].cause
	}
	switch m.cur.Last[m.g.Nodes[e.From].ID].Reason {
	case "upstream-failed":
		return byFailure
	case "waiting":
		return byWaiting
	}
	return plain
}

// lastReason is what the next cycle has to know of a node's skip: its cause as a reason. It
// is "" where no edge asks for it.
func (m *Machine) lastReason(i int) string {
	if n := &m.nodes[i]; n.status != skipped || !m.plan.unless {
		return ""
	}
	for _, x := range m.g.Nodes[i].Out {
		if e := &m.g.Edges[x]; e.NextCycle && e.Outcome == graph.UnlessFailed {
			return [...]string{plain: "", byFailure: "upstream-failed", byWaiting: "waiting"}[m.nodes[i].cause]
		}
	}
	return ""
}

// lastError is what the next cycle has to know of a node's failure. The cursor is written
// with every commit, so what the work had given out is in it only if an edge takes it.
func (m *Machine) lastError(i int) *journal.Failure {
	f := m.nodes[i].err
	if f == nil || f.Output == nil {
		return f
	}
	for _, x := range m.g.Nodes[i].Out {
		if e := &m.g.Edges[x]; e.NextCycle && e.Outcome.TakesFailure() {
			return f
		}
	}
	bare := *f
	bare.Output = nil
	return &bare
}
