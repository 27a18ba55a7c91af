package temporaldriver

import (
	"context"
	"strings"
	"testing"

	"go.temporal.io/sdk/testsuite"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

// TestTooLargeToTravel: a value that a cluster does not take fails its node, and the stack
// continues.
func TestTooLargeToTravel(t *testing.T) {
	t.Parallel()
	const head = `
graphrun: 1
name: large
state: {all: {type: any}, told: {type: string}, size: {type: integer, default: 0}}
pause: 0s
limits: {cycles: 1}
`
	for name, tt := range map[string]struct {
		graph string
		large bool // values have a store
		want  string
	}{
		"an output": {graph: `
nodes:
  big: {uses: text, with: {Size: 600000}, writes: {all: output}}
  after: {uses: set, with: {v: "${{ error.kind }}"}, writes: {told: output.v}}
edges: [{to: big}, {from: big, to: after, outcome: failure}]
`, want: "limit"},
		"an output that fits": {graph: `
nodes:
  big: {uses: text, with: {Size: 300000}, writes: {all: output}}
  after: {uses: set, with: {v: fine}, writes: {told: output.v}}
edges: [{to: big}, {from: big, to: after}]
`, want: "fine"},
		"an output with a store": {graph: `
nodes:
  big: {uses: text, with: {Size: 600000}, writes: {all: output}}
  after: {uses: set, with: {v: fine}, writes: {told: output.v}}
edges: [{to: big}, {from: big, to: after}]
`, large: true, want: "fine"},
		"many outputs in one write": {graph: `
nodes:
  big: {uses: text, for_each: {in: "1..20", as: n}, with: {Size: 100000}, writes: {all: output}}
  after: {uses: set, with: {v: "${{ error.kind }}"}, writes: {told: output.v}}
edges: [{to: big}, {from: big, to: after, outcome: failure}]
`, want: "limit"},
		"an input": {graph: `
nodes:
  a: {uses: text, with: {Size: 250000}, writes: {all: output}}
  big: {uses: text, with: {Size: 1, Text: "${{ state.all }}${{ state.all }}${{ state.all }}"}}
  after: {uses: set, with: {v: "${{ error.kind }}"}, writes: {told: output.v}}
edges: [{to: a}, {from: a, to: big}, {from: big, to: after, outcome: failure}]
`, want: "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := std.Registry()
			type in struct {
				Size int
				Text string `json:",omitempty"`
			}
			if err := k.Register(nodes.Func("text", func(_ context.Context, i in) (string, error) {
				return strings.Repeat("x", i.Size), nil
			})); err != nil {
				t.Fatal(err)
			}
			g := compileText(t, head+tt.graph, k)
			w, err := newWorker(nil, Options{Kinds: k, LargeValues: tt.large})
			if err != nil {
				t.Fatal(err)
			}
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			w.register(env)
			def, err := stored(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			env.ExecuteWorkflow(WorkflowType, Input{Graph: def, Identity: journal.Identity{Stack: "large", Graph: g.Name}})
			var o Output
			if err := env.GetWorkflowResult(&o); err != nil {
				t.Fatal(err)
			}
			state, _ := o.State.Any().(map[string]any)
			if state["told"] != tt.want {
				t.Errorf("told %q, want %q; %s %s", state["told"], tt.want, o.Status, o.Reason)
			}
		})
	}
}
