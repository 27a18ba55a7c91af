package temporaldriver

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
)

const waitGraph = `graphrun: 1
name: waiting
state: {ok: boolean?}
nodes: {hold: {uses: hold, writes: {ok: "true"}}}
edges: [{to: hold, when: state.ok == nil}]
pause: none
`

// TestHurry: where there is no time for a grace, a running attempt is cut off, and runs again.
func TestHurry(t *testing.T) {
	t.Parallel()
	hurry, now := context.WithCancel(t.Context())
	defer now()
	k := std.Registry()
	if err := k.Register(nodes.Func("hold", func(ctx context.Context, _ struct{}) (int, error) {
		now() // the second signal
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})); err != nil {
		t.Fatal(err)
	}
	w, err := newWorker(nil, Options{Kinds: k, Hurry: hurry, Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	g := compileText(t, waitGraph, k)
	if _, err := w.defs.of(g); err != nil {
		t.Fatal(err)
	}
	with, err := g.Carry(0, map[string]any{}, graph.Bound{})
	if err != nil {
		t.Fatal(err)
	}
	given, err := value.Of(with)
	if err != nil {
		t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silentLog{})
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(w.task, activity.RegisterOptions{Name: taskType})
	v, err := env.ExecuteActivity(taskType, taskInput{Identity: journal.Identity{Stack: "s"}, Hash: g.Hash, Cycle: 1, Wave: 1, Node: "hold", Attempt: 1, With: given})
	if err != nil {
		t.Fatal(err)
	}
	var r taskResult
	if err := v.Get(&r); err != nil {
		t.Fatal(err)
	}
	if !r.CutOff || r.Failure == nil || r.Failure.Kind != "cancelled" {
		t.Errorf("it ended as %+v, failure %+v", r, r.Failure)
	}
}
