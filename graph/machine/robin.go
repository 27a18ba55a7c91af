package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const roundRobin = "round_robin"

// chooseMode decides how a cycle goes. A template that fails, or gives another
// word, makes the cycle a failed one, and it goes by the edges.
func (m *Machine) chooseMode(body *journal.CycleStarted) {
	if m.g.Mode == nil {
		return
	}
	m.see(m.at)
	v, err := m.g.Mode.Eval(m.env)
	switch {
	case err != nil:
		body.Faults = append(body.Faults, "mode: "+message(err))
	case v == roundRobin:
		body.Mode = roundRobin
	case v != "graph":
		err := at(m.g.Mode, fmt.Sprintf("mode is %s, expected graph or round_robin", value.String(v)))
		body.Faults = append(body.Faults, "mode: "+message(err))
	}
	m.cycle.robin = body.Mode == roundRobin
	m.cycle.fault = len(body.Faults) > 0
}

// decideTurn decides a whole cycle of `mode: round_robin`: the next node that
// does not wait runs, and no other.
func (m *Machine) decideTurn() {
	first := 0
	if i, ok := m.plan.index[m.cur.Turn]; ok {
		first = i + 1
	}
	next := -1
	for k := range m.nodes {
		if i := (first + k) % len(m.nodes); !m.nodes[i].decided && !m.g.Nodes[i].Final {
			next = i
			break
		}
	}
	for i := range m.nodes {
		if !m.nodes[i].decided && !m.g.Nodes[i].Final {
			m.order = append(m.order, i)
			m.applyDecided(i, m.decision(i, i == next, tally{}, nil))
		}
	}
}
