package machine

import (
	"github.com/graphrun/graphrun/graph/journal"
)

// Shape is what the records of a graph's stacks name again and again, for stores that keep
// them in the packed form: make it once for a graph.
func Shape(p *Plan) *journal.Shape {
	g := p.g
	nodes := make([]string, len(g.Nodes))
	joins := make([][]uint64, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		nodes[i] = n.ID
		for _, x := range n.In {
			if g.Edges[x].Counts() {
				joins[i] = append(joins[i], uint64(x))
			}
		}
	}
	names := []string{g.Name}
	for i := range g.Keys {
		names = append(names, g.Keys[i].Name)
	}
	for i := range g.Events {
		names = append(names, g.Events[i].Name)
	}
	return journal.NewShape(g.Hash, nodes, names, p.verdict, joins)
}
