package temporaldriver

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/std"
)

const lostGraph = `
graphrun: 1
name: lost
state: {log: {type: list(string), reduce: append}}
once: true
pools: {default: {parallel: 1}}
nodes:
  a: {uses: http, with: {url: "http://localhost/"}, writes: {log: "['a']"}}
  b: {uses: http, with: {url: "http://localhost/"}, writes: {log: "['b']"}}
`

// TestLostAttemptWaits: an attempt whose worker died waits for a slot that another task has, and
// the workflow moves to another process meanwhile, whose machine does not know of it. It runs
// again all the same, also when the workflow continues as another one in between.
func TestLostAttemptWaits(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]bool{"one workflow": false, "two workflows": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := std.Registry()
			g := compileText(t, lostGraph, k)
			w, err := newWorker(nil, Options{Kinds: k})
			if err != nil {
				t.Fatal(err)
			}
			w.probe.replays = func(_, _ *decision) {} // the machine is made again for each decision
			def, err := stored(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			var ran []string
			run := func(in Input, long bool) (next *Input) {
				var suite testsuite.WorkflowTestSuite
				env := suite.NewTestWorkflowEnvironment()
				env.SetTestTimeout(time.Minute)
				env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) {
					if long {
						env.SetCurrentHistoryLength(3 * drainAt)
					}
				})
				w.register(env)
				env.OnActivity(taskType, mock.Anything, mock.Anything).Return(func(_ context.Context, in taskInput) (taskResult, error) {
					ran = append(ran, in.Node)
					if in.Node == "a" && in.Attempt == 1 {
						return taskResult{}, temporal.NewHeartbeatTimeoutError()
					}
					out, err := value.Of(map[string]any{"status": 200})
					return taskResult{Output: out}, err
				})
				env.ExecuteWorkflow(WorkflowType, in)
				var again *workflow.ContinueAsNewError
				if err := env.GetWorkflowError(); errors.As(err, &again) {
					next = &Input{}
					if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, next); err != nil {
						t.Fatal(err)
					}
					return next
				} else if err != nil {
					t.Fatal(err)
				}
				var o Output
				if err := env.GetWorkflowResult(&o); err != nil || o.Status != journal.Completed {
					t.Errorf("%s %q %v", o.Status, o.Reason, err)
				}
				return nil
			}
			next := run(Input{Graph: def, Identity: journal.Identity{Stack: "lost", Graph: g.Name}}, long)
			want := []string{"a", "b", "a"}
			if long {
				if next == nil {
					t.Fatal("the workflow does not continue as another one")
				}
				if !slices.Equal(ran, want[:2]) {
					t.Errorf("in the first workflow ran %v", ran)
				}
				run(*next, false)
			}
			if !slices.Equal(ran, want) {
				t.Errorf("what ran: %v, want %v", ran, want)
			}
		})
	}
}
