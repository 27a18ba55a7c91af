package temporaldriver

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

const itemsGraph = `
graphrun: 1
name: items
secrets: [KEY]
state:
  items: {type: list(string), reduce: append, keep: 100}
  loud:  {type: list(string), reduce: append, keep: 100}
  n: {type: integer, reduce: sum}
events: {item: {to: items}}
define: {fresh: "state.items[len(state.loud):]"}
nodes:
  shout:
    uses: shout
    for_each: {in: fresh, as: it, max: 2}
    with: {Text: "${{ it }}", Key: "${{ secrets.KEY }}"}
    writes: {loud: "map(output, .Loud)"}
  count: {uses: set, writes: {n: "1"}}
  flaky: {uses: flaky, retry: {attempts: 3, backoff: 2s}}
edges:
  - {to: shout, when: len(fresh) > 0}
  - {from: shout, to: count}
  - {from: count, to: flaky, when: state.n == 1}
pause: {active: 5s, idle: 1m, factor: 2}
stop: len(state.loud) >= 5
limits: {cycles: 100}
`

type shoutIn struct{ Text, Key string }
type shoutOut struct{ Loud string }

func testKinds(t testing.TB) *nodes.Registry {
	t.Helper()
	r := std.Registry()
	tries := 0
	for _, s := range []nodes.Spec{
		nodes.Func("shout", func(_ context.Context, i shoutIn) (shoutOut, error) {
			if i.Key != secretValue {
				return shoutOut{}, nodes.Errorf("config", "the secret is %q", i.Key)
			}
			return shoutOut{strings.ToUpper(i.Text) + " " + i.Key}, nil
		}),
		nodes.Func("flaky", func(context.Context, struct{}) (int, error) {
			if tries++; tries < 3 {
				return 0, nodes.Errorf("http", "503")
			}
			return 1, nil
		}),
	} {
		if err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

const secretValue = "hunter2-hunter2"

func compileText(t testing.TB, text string, k *nodes.Registry) *graph.Graph {
	t.Helper()
	d, problems := dsl.Parse("test.yaml", []byte(text))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	g, problems := graph.Compile(d, k)
	if g == nil {
		t.Fatal(problems)
	}
	return g
}

// TestStackOnTestEnvironment: a stack with events, elements, retries, a secret and pauses runs as
// a workflow, in one history and in many.
func TestStackOnTestEnvironment(t *testing.T) {
	t.Parallel()
	for name, events := range map[string]int{"one workflow": 0, "many workflows": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := testKinds(t)
			g := compileText(t, itemsGraph, k)
			w, err := newWorker(nil, Options{Kinds: k, EventsPerRun: events, Secret: func(string) (string, bool) { return secretValue, true }})
			if err != nil {
				t.Fatal(err)
			}
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			w.register(env)
			env.SetOnActivityStartedListener(func(_ *activity.Info, _ context.Context, args converter.EncodedValues) {
				var in taskInput
				if err := args.Get(&in); err != nil {
					t.Error(err)
				}
				if strings.Contains(value.String(in.With.Any()), secretValue) {
					t.Errorf("a secret is in the input of an activity: %s", value.String(in.With.Any()))
				}
			})
			for i, x := range []string{"a", "b", "c", "d", "e"} {
				for n := range 2 { // the second one is a repetition
					env.RegisterDelayedCallback(func() {
						payload, _ := value.Of([]any{x})
						env.SignalWorkflow(eventName, eventSignal{ID: x, Event: "item", Payload: payload})
					}, time.Duration(i+1)*30*time.Second+time.Duration(n))
				}
			}
			def, err := stored(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			env.ExecuteWorkflow(WorkflowType, Input{Graph: def, Identity: journal.Identity{Stack: "items", Graph: g.Name}})
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			dump(t, env)
			var o Output
			if err := env.GetWorkflowResult(&o); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s %q %+v %s", o.Status, o.Reason, o.Cursor.Counts, value.String(o.State.Any()))
		})
	}
}

func dump(t *testing.T, env *testsuite.TestWorkflowEnvironment) {
	t.Helper()
	v, err := env.QueryWorkflow(readName, readRequest{What: readRecords, Want: &journal.Want{Bulk: true}})
	if err != nil {
		t.Fatal(err)
	}
	var r readReply
	if err := v.Get(&r); err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Records {
		t.Logf("%.400s", l)
	}
}
