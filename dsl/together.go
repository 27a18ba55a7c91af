package dsl

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
)

// Together checks graphs that one process may run: a shared pool should have the same
// limits in all of them, also in the graphs that their nodes and tools run. Each one that
// differs is compared with the first. Sources without a Graph do not count.
func Together(sources ...*Source) (problems diag.List) {
	first := map[string]*graph.PoolDef{}
	seen := map[*graph.Graph]bool{}
	var visit func(g *graph.Graph)
	visit = func(g *graph.Graph) {
		if g == nil || seen[g] {
			return
		}
		seen[g] = true
		for i := range g.Nodes {
			visit(g.Nodes[i].Inner)
		}
		for i := range g.Tools {
			visit(g.Tools[i].Inner)
		}
		for i := range g.Def.Pools {
			p := &g.Def.Pools[i]
			if !p.Shared {
				continue
			}
			known := first[p.Name.Value]
			if known == nil {
				first[p.Name.Value] = p
				continue
			}
			if p.Parallel != known.Parallel || p.Rate != known.Rate || p.RatePer != known.RatePer {
				problems.Add(diag.PoolDiffers, p.Name.Span, "give it the same limits everywhere: those of the graph that is loaded last hold",
					"the shared pool %q has other limits in %s", p.Name.Value, known.Name.Span)
			}
		}
	}
	for _, src := range sources {
		visit(src.Graph)
	}
	return problems
}
