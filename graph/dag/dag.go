package dag

import (
	library "github.com/dominikbraun/graph"

	"github.com/graphrun/graphrun/graph"
)

// Of returns g without its next_cycle edges. The vertices are the nodes, known
// by their names. An edge leads from each node to every node that waits for it,
// also where an `else` edge is the reason; several edges between two nodes are
// one. The result is new with each call and belongs to the caller; the nodes in
// it are those of g and must not be changed. A compiled graph gives no error.
func Of(g *graph.Graph) (library.Graph[string, *graph.Node], error) {
	d := library.New(func(n *graph.Node) string { return n.ID }, library.Directed())
	for i := range g.Nodes {
		if err := d.AddVertex(&g.Nodes[i]); err != nil {
			return nil, err
		}
	}
	for i := range g.Nodes {
		for _, before := range g.Nodes[i].Waits {
			if err := d.AddEdge(g.Nodes[before].ID, g.Nodes[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}
