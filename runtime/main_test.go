package runtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds are set, as package nodes/std has it, and work, which tests script.
func kinds(t testing.TB) *nodes.Registry {
	t.Helper()
	r := nodes.NewRegistry()
	for _, s := range []nodes.Spec{
		{Kind: graph.Kind{Name: "set", Open: true, Inline: true, NoDefaults: true,
			Output: func(c graph.Config) *schema.Type {
				if c.Type == nil {
					return schema.ObjectOf()
				}
				return c.Type
			}}},
		{Kind: graph.Kind{Name: "work", Open: true}, Node: idle{}},
		{Kind: graph.Kind{Name: "caller", Open: true, Fields: []graph.Field{{Name: "tools", Type: "list(string)", Names: graph.NamesTools}}}, Node: idle{}},
		{Kind: graph.Kind{Name: "approval", Open: true, Waits: true, NoDefaults: true}},
		{Kind: graph.Kind{Name: "wait", Open: true, Waits: true, NoDefaults: true}},
		{Kind: graph.Kind{Name: "send", Open: true, Sends: true}},
		{Kind: graph.Kind{Name: "graph", Open: true, Runs: true, NoDefaults: true}},
	} {
		if err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// idle is the work of a node that no test has scripted.
type idle struct{}

func (idle) Run(context.Context, nodes.Task) (nodes.Result, error) {
	return nodes.Result{Output: map[string]any{}}, nil
}

// def is a definition as stores keep it: JSON.
func def(t testing.TB, text string) graph.Def {
	t.Helper()
	var d graph.Def
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("definition: %v", err)
	}
	return d
}

// one is a graph with a node `a` of kind work that runs in every cycle and
// adds its output to n, and ends when n has reached end.
func one(t testing.TB, end int, node, rest string) graph.Def {
	t.Helper()
	return def(t, fmt.Sprintf(`{"graphrun": 1, "name": "one",
		"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
		"nodes": [{"id": "a", "uses": "work", "writes": [{"key": "n", "expr": "output"}] %s}],
		"stop": [{"when": "state.n >= %d"}] %s}`, node, end, rest))
}

// start runs a definition in a kit.
func start(k *runtimetest.Kit, d graph.Def) *runtime.Stack {
	k.T.Helper()
	return k.Start(k.Compile(d), runtime.StartOptions{})
}
