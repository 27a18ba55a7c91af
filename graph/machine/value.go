package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
)

// Graph is the graph that the machine runs under.
func (m *Machine) Graph() *graph.Graph { return m.g }

// Value evaluates an expression of the graph (graph.Graph.Expression) at a time, over the
// stack as it is now: the committed state, and every node as it stands. It changes
// nothing. The error is a *cond.Error.
func (m *Machine) Value(p *cond.Program, at time.Time) (any, error) {
	defer m.look(at)()
	return p.Eval(m.env)
}

// Condition is Value taken apart.
func (m *Machine) Condition(p *cond.Program, at time.Time) *Condition {
	defer m.look(at)()
	return m.explained(p)
}

// look shows expressions the stack as it is at a time, until the returned function is
// called.
func (m *Machine) look(at time.Time) (end func()) {
	m.begin()
	was, cycle := m.env.Slots[graph.SlotNow], m.env.Slots[graph.SlotCycle]
	m.env.Slots[graph.SlotNow] = at.UTC()
	if cycle == nil { // before the first one
		m.seeCycle(0, at, time.Time{})
	}
	m.view.ahead = func(i int) (seen, bool) { return m.seenAs(i), true }
	m.env.Reset()
	return func() {
		m.view.ahead = nil
		m.env.Slots[graph.SlotNow], m.env.Slots[graph.SlotCycle] = was, cycle
		m.env.Reset()
	}
}
