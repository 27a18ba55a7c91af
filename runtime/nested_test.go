package runtime_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// nested is a graph within a graph within a graph.
func nested(t testing.TB) graph.Def {
	t.Helper()
	return def(t, `{"graphrun": 1, "name": "top", "secrets": ["key"], "limits": {"cycles": 1},
		"nodes": [{"id": "mid", "uses": "graph", "with": {"file": "mid.yaml"}, "graph": {"graphrun": 1, "name": "mid",
			"nodes": [{"id": "low", "uses": "graph", "with": {"file": "low.yaml"}, "graph": {"graphrun": 1, "name": "low",
				"nodes": [{"id": "first", "uses": "work"}, {"id": "second", "uses": "work"}],
				"edges": [{"from": ["first"], "to": ["second"]}]}}]}}]}`)
}

func secondsOfWork(k *runtimetest.Kit) {
	second := runtimetest.Takes(time.Second, func(context.Context, nodes.Task) (any, error) { return 1, nil })
	k.Node("first", second)
	k.Node("second", second)
}

// TestInnerGraphsGoOnAtEveryDepth: a restart keeps what the graph of an inner graph has
// done, also where its parent cannot continue yet.
func TestInnerGraphsGoOnAtEveryDepth(t *testing.T) {
	t.Parallel()
	known := func(string) (string, bool) { return "value", true }
	for name, secrets := range map[string][]func(string) (string, bool){
		"at once":                       {known},
		"once the parent can be loaded": {nil, known},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				secondsOfWork(k)
				k.Config.Secret = known
				k.Reopen()
				start(k, nested(t))
				k.Forward(1500 * time.Millisecond)
				for _, secret := range secrets {
					k.Config.Secret = secret
					k.Crash()
					if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
						t.Fatal(err)
					}
					k.Forward(time.Minute)
				}
				if sum, err := k.Store.Stack(k.T.Context(), "top"); err != nil || !sum.Cursor.Status.Ended() || sum.Cursor.Counts.Failures > 0 {
					t.Errorf("the stack stands at %+v (%v), want its end", sum.Cursor, err)
				}
				if first, second := len(k.Runs("first")), len(k.Runs("second")); first != 1 || second != 2 {
					t.Errorf("the nodes ran %d and %d times, want 1 and 2", first, second)
				}
				if diff := cmp.Diff([]string{"top"}, stacksLeft(k)); diff != "" {
					t.Errorf("stacks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAChildGoesWithItsNode: a changed graph no longer has the node that ran it, whose
// end was not applied yet.
func TestAChildGoesWithItsNode(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]runtimetest.Reply{
		"over":          runtimetest.Returns(1),
		"between tries": runtimetest.Fails("exit", "no"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", runtimetest.Takes(time.Second, reply))
				start(k, def(t, `{"graphrun": 1, "name": "g", "pause": {"set": true, "active": 10000000000, "idle": 10000000000},
					"nodes": [{"id": "sub", "uses": "graph", "background": true, "retry": {"attempts": 2, "backoff": 3600000000000},
						"with": {"file": "one.yaml"}, "graph": {"graphrun": 1, "name": "one", "nodes": [{"id": "a", "uses": "work"}]}}]}`))
				if err := k.Runtime.Pause(k.T.Context(), "g"); err != nil {
					t.Fatal(err)
				}
				k.Forward(2 * time.Second)
				if diff := cmp.Diff([]string{"g", "g.sub.1.1"}, stacksLeft(k)); diff != "" {
					t.Fatalf("stacks (-want +got):\n%s", diff)
				}
				g := k.Compile(def(t, `{"graphrun": 1, "name": "g", "nodes": [{"id": "b", "uses": "set"}]}`))
				if err := k.Runtime.AddGraph(g, nil); err != nil {
					t.Fatal(err)
				}
				k.Forward(time.Minute)
				if diff := cmp.Diff([]string{"g"}, stacksLeft(k)); diff != "" {
					t.Errorf("stacks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAnInnerGraphThatDoesNotStop: the attempt is given up, and so is its child; the
// next attempt begins at the same moment.
func TestAnInnerGraphThatDoesNotStop(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("first", runtimetest.Ignores(time.Hour, runtimetest.Returns(1)), runtimetest.Returns(1))
		k.Node("second", runtimetest.Returns(1))
		d := outer(t, "", `"[output.v]"|, "timeout": 30000000000, "retry": {"attempts": 3, "backoff": 0}`, "")
		d.Pools = nil
		d.Nodes[0].Graph.Pools = nil
		r := k.Wait(start(k, d))
		if diff := cmp.Diff([]any{int64(2)}, r.State["got"]); diff != "" || r.Failures > 0 {
			t.Errorf("%d failures; got (-want +got):\n%s", r.Failures, diff)
		}
		k.Forward(2 * time.Hour) // until the work returns that ignores its end
	})
}

// slowly is a store that takes its time to remove a stack.
type slowly struct{ runtime.Store }

func (s slowly) Remove(ctx context.Context, stack string) error {
	<-time.After(20 * time.Second)
	return s.Store.Remove(ctx, stack)
}

// TestTheNextAttemptWaitsForTheChildOfTheOneBefore: the attempt before was
// given up while it removed it.
func TestTheNextAttemptWaitsForTheChildOfTheOneBefore(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("first", runtimetest.Takes(time.Hour, runtimetest.Returns(1)), runtimetest.Returns(1))
		k.Node("second", runtimetest.Returns(1))
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: slowly{k.Store}, Kinds: k.Kinds})
		if err != nil {
			t.Fatal(err)
		}
		d := outer(t, "", `"[output.v]"|, "timeout": 30000000000, "retry": {"attempts": 2, "backoff": 0}`, "")
		d.Pools[0].Parallel = 2 // the attempt that was given up still holds one
		s, err := rt.Start(k.T.Context(), k.Compile(d), runtime.StartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Wait(k.T.Context())
		if diff := cmp.Diff([]any{int64(2)}, r.State["got"]); diff != "" || err != nil || r.Failures > 0 {
			t.Errorf("%d failures (%v); got (-want +got):\n%s", r.Failures, err, diff)
		}
		if err := rt.Close(k.T.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatAnInnerGraphUsedCounts whichever comes first, its end or the timeout of its
// node.
func TestWhatAnInnerGraphUsedCounts(t *testing.T) {
	t.Parallel()
	for range 50 {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			spend := runtimetest.Takes(time.Second, func(ctx context.Context, _ nodes.Task) (any, error) {
				nodes.Spend(ctx, 100, 0)
				return 1, nil
			})
			k.Node("first", spend)
			k.Node("second", runtimetest.Returns(1))
			r := k.Wait(start(k, outer(t, "", `"[output.v]"|, "timeout": 1000000000`, "")))
			if got := r.Cursor.Counts.Tokens; got != 100 && len(k.Runs("first")) > 0 {
				t.Errorf("%d tokens are counted, want 100; %d failures", got, r.Failures)
			}
		})
	}
}

// TestAChildIsRemovedWhileTheRuntimeCloses: its node ends within the grace.
func TestAChildIsRemovedWhileTheRuntimeCloses(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		echoes(k)
		d := outer(t, "", `"[output.v]"|`, `, "pause": {"set": true, "active": 3600000000000}`)
		d.Limits.Cycles = 0
		start(k, d)
		k.Forward(1500 * time.Millisecond)
		k.Reopen()
		if diff := cmp.Diff([]any{int64(2)}, state(k, "outer")["got"]); diff != "" {
			t.Errorf("got (-want +got):\n%s", diff)
		}
		k.Resume("outer", runtime.ResumeOptions{})
		k.Forward(time.Second)
		if diff := cmp.Diff([]string{"outer"}, stacksLeft(k)); diff != "" {
			t.Errorf("stacks (-want +got):\n%s", diff)
		}
	})
}
