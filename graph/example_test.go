package graph_test

import (
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
)

// A program that builds its graph in Go fills in a Def and compiles it. What is
// wrong with it is reported as for a file, without places.
func ExampleCompile() {
	def := graph.Def{
		Version: 1,
		Name:    diag.Plain("counter"),
		State:   []graph.KeyDef{{Name: diag.Plain("count"), Type: tree.Of("integer")}},
		Nodes: []graph.NodeDef{{
			ID:     diag.Plain("add"),
			Uses:   diag.Plain("set"),
			With:   tree.Of(map[string]any{"count": "${{ state.count + 1 }}"}),
			Writes: []graph.WriteDef{{Key: diag.Plain("count"), Expr: diag.Plain("output.count")}},
		}},
		Edges: []graph.EdgeDef{{To: []diag.Text{diag.Plain("add")}, When: diag.Plain("state.count < 3")}},
		Stop:  []graph.StopDef{{When: diag.Plain("state.count == 3")}},
	}
	g, problems := graph.Compile(def, std.Registry())
	if g == nil {
		fmt.Println(problems.Err())
		return
	}
	fmt.Println(g.Name, len(g.Nodes), g.Keys[0].Type, g.Keys[0].Initial)

	def.Edges[0].When = diag.Plain("state.cuont < 3")
	_, problems = graph.Compile(def, std.Registry())
	fmt.Println(problems.Err())
	for _, p := range problems {
		fmt.Println("help:", p.Help)
	}
	// Output:
	// counter 1 integer 0
	// error: "state" has no property "cuont" [unknown-property]
	// help: did you mean "count"?
}
