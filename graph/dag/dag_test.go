package dag_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	library "github.com/dominikbraun/graph"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/dag"
)

// kinds has the one kind of these tests.
type kinds struct{}

func (kinds) Kind(name string) (graph.Kind, bool) { return graph.Kind{Name: name, Open: true}, true }
func (kinds) Names() []string                     { return []string{"work"} }

// compile makes a graph of edges that are written "a b"; "a b later" is an edge
// to the next cycle.
func compile(nodes string, edges ...string) (*graph.Graph, error) {
	def := graph.Def{Version: 1, Name: diag.Plain("example"), Limits: graph.LimitsDef{Cycles: 1}}
	for _, id := range strings.Fields(nodes) {
		def.Nodes = append(def.Nodes, graph.NodeDef{ID: diag.Plain(id), Uses: diag.Plain("work")})
	}
	for _, e := range edges {
		words := strings.Fields(e)
		def.Edges = append(def.Edges, graph.EdgeDef{From: []diag.Text{diag.Plain(words[0])}, To: []diag.Text{diag.Plain(words[1])}, NextCycle: len(words) > 2})
	}
	g, problems := graph.Compile(def, kinds{})
	return g, problems.Err()
}

func ExampleOf() {
	g, err := compile("fetch parse check store", "fetch parse", "parse check", "check store", "parse store")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dag.Of(g)
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := library.ShortestPath(d, "fetch", "store")
	fmt.Println(strings.Join(path, " -> "), err)
	// Output: fetch -> parse -> store <nil>
}

// Edges to the next cycle are left out, and several edges are one.
func TestOf(t *testing.T) {
	t.Parallel()
	g, err := compile("a b", "start a", "a b", "b a later")
	if err != nil {
		t.Fatal(err)
	}
	d, err := dag.Of(g)
	if err != nil {
		t.Fatal(err)
	}
	path, err := library.ShortestPath(d, "a", "b")
	if size, _ := d.Size(); err != nil || size != 1 || !slices.Equal(path, []string{"a", "b"}) {
		t.Error(size, path, err)
	}
	if n, err := d.Vertex("b"); err != nil || n != &g.Nodes[1] {
		t.Errorf("vertex b is %v, %v", n, err)
	}
}
