package graph

import (
	dag "github.com/dominikbraun/graph"
)

// DAG is the graph without its next_cycle edges as a value of
// dominikbraun/graph, for programs that want its algorithms: paths, transitive
// reduction, drawing. Vertices are the nodes' names; an edge leads from each node to
// those that wait for it, also by an else edge. It is built anew with each call
// and belongs to the caller: the engine itself works on Waits and Order.
func (g *Graph) DAG() (dag.Graph[string, *Node], error) {
	d := dag.New(func(n *Node) string { return n.ID }, dag.Directed())
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
