package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// calling is a graph whose node a may call the tool sub: a graph of two waves that doubles
// its argument.
const calling = `{"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "state": [{"name": "n", "type": "integer"}],
	"tools": [{"name": "sub", "uses": "graph", "timeout": 60000000000, "args": {"type": "object", "required": ["n"], "properties": {"n": "integer"}},
		"with": {"file": "x.yaml", "params": {"n": "${{ args.n }}"}},
		"graph": {"graphrun": 1, "name": "x", "params": [{"name": "n", "type": "integer"}],
			"state": [{"name": "v", "type": "integer", "reduce": {"name": "sum"}}],
			"nodes": [{"id": "first", "uses": "work", "with": {"n": "${{ params.n }}"}, "writes": [{"key": "v", "expr": "output"}]},
				{"id": "second", "uses": "work", "with": {"n": "${{ state.v }}"}, "writes": [{"key": "v", "expr": "output"}]}],
			"edges": [{"from": ["first"], "to": ["second"]}]}}],
	"nodes": [{"id": "a", "uses": "caller", "with": {"tools": ["sub"]}, "writes": [{"key": "n", "expr": "output"}]}]}`

// calls makes a call of sub, records it, and takes three more seconds.
func calls(ctx context.Context, task nodes.Task) (any, error) {
	for _, s := range task.Steps {
		if s.Name == "tool:sub" {
			return s.Content.(map[string]any)["v"], nil
		}
	}
	res, err := task.Tools[0].Call(ctx, 1, map[string]any{"n": int64(3)}, task.Rerun)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	v := res.Output.(map[string]any)["v"]
	if _, err := task.Record(ctx, nodes.StepRecord{Name: "tool:sub", Content: map[string]any{"number": 1, "v": v}}); err != nil {
		return nil, err
	}
	select {
	case <-time.After(3 * time.Second):
		return v, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestAToolThatIsAGraph: its stack is continued after a kill or a shutdown, and is gone
// when the step of its call is recorded.
func TestAToolThatIsAGraph(t *testing.T) {
	t.Parallel()
	kill, reopen := (*runtimetest.Kit).Crash, (*runtimetest.Kit).Reopen
	for name, tt := range map[string]struct {
		at    time.Duration
		does  func(*runtimetest.Kit)
		runs  map[string]int
		there []string // at that moment
	}{
		"undisturbed":                   {500 * time.Millisecond, nil, map[string]int{"first": 1, "second": 1}, []string{"g", "g.a.1.1.call.1"}},
		"killed in its first wave":      {500 * time.Millisecond, kill, map[string]int{"first": 2, "second": 1}, []string{"g", "g.a.1.1.call.1"}},
		"killed in its second wave":     {1500 * time.Millisecond, kill, map[string]int{"first": 1, "second": 2}, []string{"g", "g.a.1.1.call.1"}},
		"killed when its step is there": {2500 * time.Millisecond, kill, map[string]int{"first": 1, "second": 1}, []string{"g"}},
		"a shutdown that lets it end":   {1500 * time.Millisecond, reopen, map[string]int{"first": 1, "second": 1}, []string{"g", "g.a.1.1.call.1"}},
		"a shutdown after it has ended": {2500 * time.Millisecond, reopen, map[string]int{"first": 1, "second": 1}, []string{"g"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				echoes(k)
				k.Node("a", calls)
				s := start(k, def(t, calling))
				k.Forward(tt.at)
				if diff := cmp.Diff(tt.there, stacksLeft(k)); diff != "" {
					k.T.Errorf("stacks after %s (-want +got)\n%s", tt.at, diff)
				}
				if tt.does != nil {
					tt.does(k)
					s = k.Resume("g", runtime.ResumeOptions{})
				}
				r := k.Wait(s)
				k.Forward(time.Second)
				got := map[string]int{"first": len(k.Runs("first")), "second": len(k.Runs("second"))}
				if diff := cmp.Diff(tt.runs, got); diff != "" || r.State["n"] != int64(6) {
					k.T.Errorf("n is %v; runs (-want +got)\n%s", r.State["n"], diff)
				}
				if diff := cmp.Diff([]string{"g"}, stacksLeft(k)); diff != "" {
					k.T.Errorf("stacks that are left (-want +got)\n%s", diff)
				}
			})
		})
	}
}

// TestAToolThatIsAGraphFails: a failure is one of the call, and the stack of a task that is
// cancelled is gone with it.
func TestAToolThatIsAGraphFails(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("first", runtimetest.Takes(time.Second, func(context.Context, nodes.Task) (any, error) { return nil, errors.New("no") }))
		var failed *nodes.Error
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			_, err := task.Tools[0].Call(ctx, 1, map[string]any{"n": int64(3)}, false)
			errors.As(err, &failed)
			return 1, nil
		})
		r := k.Wait(start(k, def(t, calling)))
		if failed == nil || failed.Kind != "error" || r.State["n"] != int64(1) {
			k.T.Errorf("%v, n is %v", failed, r.State["n"])
		}
		k.Forward(time.Second)
		if diff := cmp.Diff([]string{"g"}, stacksLeft(k)); diff != "" {
			k.T.Errorf("stacks that are left (-want +got)\n%s", diff)
		}
	})
}

// TestAToolThatIsAGraphIsCancelled: the stack of a task that is cancelled after a kill is
// gone with it.
func TestAToolThatIsAGraphIsCancelled(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		echoes(k)
		k.Node("a", calls)
		start(k, def(t, calling))
		k.Forward(500 * time.Millisecond)
		k.Crash()
		if err := k.Runtime.Cancel(k.T.Context(), "g", ""); err != nil {
			k.T.Fatal(err)
		}
		if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
			k.T.Fatal(err)
		}
		k.Forward(time.Second)
		if diff := cmp.Diff([]string{"g"}, stacksLeft(k)); diff != "" {
			k.T.Errorf("stacks that are left after a cancel (-want +got)\n%s", diff)
		}
		for _, rec := range k.Records("g") {
			if b, ok := rec.Body.(*journal.TaskFinished); ok && b.Error != nil && b.Error.Kind != "cancelled" {
				k.T.Errorf("%+v", b.Error)
			}
		}
	})
}
