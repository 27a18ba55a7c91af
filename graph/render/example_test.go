package render_test

import (
	"fmt"
	"os"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/render"
)

// kinds has one kind, for graphs that are only drawn.
type kinds struct{}

func (kinds) Kind(name string) (graph.Kind, bool) { return graph.Kind{Name: name, Open: true}, true }
func (kinds) Names() []string                     { return nil }

func ExampleWrite() {
	names := func(s ...string) (all []diag.Text) {
		for _, n := range s {
			all = append(all, diag.Plain(n))
		}
		return all
	}
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: diag.Plain("demo"), Limits: graph.LimitsDef{Cycles: 1},
		Nodes: []graph.NodeDef{{ID: diag.Plain("fetch"), Uses: diag.Plain("http")}, {ID: diag.Plain("store"), Uses: diag.Plain("exec")}},
		Edges: []graph.EdgeDef{{To: names("fetch")}, {From: names("fetch"), To: names("store")}},
	}, kinds{})
	if g == nil {
		fmt.Println(problems)
		return
	}
	if err := render.Write(os.Stdout, g, "mermaid"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// flowchart TD
	//   start(["start"])
	//   n0["fetch<br/>http"]
	//   n1["store<br/>exec"]
	//   start --> n0
	//   n0 --> n1
}
