package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// branches is a graph of 100 nodes, each behind another one under a condition over the state.
func branches(b *testing.B, kinds *nodes.Registry) *graph.Graph {
	b.Helper()
	const count, keys = 100, 10
	t := diag.Plain
	def := graph.Def{Version: 1, Name: t("branches"), Pause: graph.PauseDef{None: true}}
	for k := range keys {
		def.State = append(def.State, graph.KeyDef{Name: t(fmt.Sprint("k", k)), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: t("sum")}})
	}
	for i := range count {
		key := fmt.Sprint("k", i%keys)
		n := graph.NodeDef{ID: t(fmt.Sprint("n", i)), Uses: t("set"), With: tree.Of(map[string]any{"one": 1})}
		if i < keys {
			n.Writes = []graph.WriteDef{{Key: t(key), Expr: t("output.one")}}
		}
		def.Nodes = append(def.Nodes, n)
		e := graph.EdgeDef{To: []diag.Text{n.ID}}
		if i > 0 {
			e.From = []diag.Text{t(fmt.Sprint("n", (i-1)/3))}
			e.When = t(fmt.Sprintf("state.%s > %d || state.k0 >= 0", key, 10*i))
		}
		def.Edges = append(def.Edges, e)
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return g
}

// BenchmarkExplain explains a node of a stack that has gone through 1,000 cycles: in the last
// one, and in the one that is farthest from a checkpoint. The file is opened and the graph
// compiled each time, as a command does.
func BenchmarkExplain(b *testing.B) {
	const cycles = 1000
	r := open(b, runtime.DurabilityNone)
	g := branches(b, r.kinds)
	r.run(b, g, cycles)
	if err := r.rt.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := r.store.Close(); err != nil {
		b.Fatal(err)
	}
	for _, cycle := range []uint64{cycles, 543, 512} {
		b.Run(fmt.Sprint("cycle=", cycle), func(b *testing.B) {
			var opening time.Duration
			for range b.N {
				began := time.Now()
				store, err := boltstore.Open(r.store.Path(), boltstore.Options{ReadOnly: true})
				if err != nil {
					b.Fatal(err)
				}
				opening += time.Since(began)
				x, err := inspect.Explain(b.Context(), store, r.kinds, g.Name, inspect.ExplainOptions{Nodes: []string{"n77"}, Cycle: cycle, Now: time.Now()})
				if err != nil || x.Nodes[0].Edges[0].Condition == nil {
					b.Fatal(err)
				}
				if err := store.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "ms/opening")
		})
	}
}
