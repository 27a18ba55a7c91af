package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// Explanation is why a node was decided as it was.
type Explanation struct {
	Decision *journal.NodeDecided
	Edges    []EdgeExplained // as Decision.Edges
}

// EdgeExplained is one verdict, with its condition taken apart.
type EdgeExplained struct {
	journal.Verdict
	Matched bool       // the source settled as the edge asks
	Part    *cond.Part // the condition's parts with their values; nil if it has none, or was not evaluated
}

// watch collects the parts of the conditions that are evaluated for a node.
type watch struct {
	parts map[int]cond.Part // by edge
}

// Explain takes the decisions of the present moment, and says how it came to the
// one over a node. The machine is one that Replayer.Before gave, standing before
// that decision; after Explain it is of no more use. It is an error when no
// decision over the node is due.
func (m *Machine) Explain(node string) (Explanation, error) {
	i, ok := m.plan.index[node]
	if !ok {
		return Explanation{}, &UnknownNodeError{Node: node, Known: m.g.NodeIDs()}
	}
	if !m.cur.Open || m.wave.open || m.nodes[i].decided {
		return Explanation{}, fmt.Errorf("machine: no decision over %q is due", node)
	}
	m.watch, m.stopBefore = &watch{parts: map[int]cond.Part{}}, 0
	clear(m.held)
	for k := range m.nodes {
		m.nodes[k].sure = nil
	}
	m.decide()
	if !m.nodes[i].decided {
		return Explanation{}, fmt.Errorf("machine: no decision over %q is due", node)
	}
	out := Explanation{Decision: m.nodes[i].decision}
	for _, v := range out.Decision.Edges {
		e := EdgeExplained{Verdict: v, Matched: m.matches(&m.g.Edges[v.Edge])}
		if p, ok := m.watch.parts[v.Edge]; ok {
			e.Part = &p
		}
		out.Edges = append(out.Edges, e)
	}
	return out, nil
}
