package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// callingLong is a graph whose node a calls a tool that is a graph of three waves, with a
// last cycle of 15 s. Each node of it takes 2 s and spends 10 tokens.
func callingLong(k *runtimetest.Kit, rest string) *runtime.Stack {
	k.T.Helper()
	for _, id := range []string{"n1", "n2", "n3"} {
		k.Node(id, runtimetest.Takes(2*time.Second, func(ctx context.Context, _ nodes.Task) (any, error) {
			nodes.Spend(ctx, 10, 0.5)
			return 1, nil
		}))
	}
	k.Node("last", runtimetest.Takes(15*time.Second, runtimetest.Returns(1)))
	k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
		for _, s := range task.Steps {
			if s.Name == "tool:sub" {
				return s.Content.(map[string]any)["got"], nil
			}
		}
		_, err := task.Tools[0].Call(ctx, 1, map[string]any{}, task.Rerun)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		got := fmt.Sprint(err)
		if _, err := task.Record(ctx, nodes.StepRecord{Name: "tool:sub", Content: map[string]any{"number": 1, "got": got}}); err != nil {
			return nil, err
		}
		return got, nil
	})
	return start(k, def(k.T, `{"graphrun": 1, "name": "g", "once": true, "state": [{"name": "got", "type": "string?"}] `+rest+`,
		"tools": [{"name": "sub", "uses": "graph", "args": {"type": "object"}, "with": {"file": "x.yaml"},
			"graph": {"graphrun": 1, "name": "x", "finally": ["last"],
				"nodes": [{"id": "n1", "uses": "work"}, {"id": "n2", "uses": "work", "lock": "l"}, {"id": "n3", "uses": "work"}, {"id": "last", "uses": "work"}],
				"edges": [{"from": ["n1"], "to": ["n2"]}, {"from": ["n2"], "to": ["n3"]}]}}],
		"nodes": [{"id": "a", "uses": "caller", "lock": "l", "with": {"tools": ["sub"]}, "writes": [{"key": "got", "expr": "output"}]}]}`))
}

// TestTheUsageOfACall: what the graph of a call uses counts as it happens, and once, over
// restarts too. A lock that the calling task has is taken.
func TestTheUsageOfACall(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*runtimetest.Kit){
		"":        func(*runtimetest.Kit) {},
		"restart": func(k *runtimetest.Kit) { k.Reopen(); takeUp(k) },
		"crash":   func(k *runtimetest.Kit) { k.Crash(); takeUp(k) },
	} {
		for _, at := range []time.Duration{time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second} {
			t.Run(fmt.Sprint(name, at), func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					callingLong(k, `, "limits": {"tokens": 1000}`)
					k.Forward(at)
					runs := min(int64(at/(2*time.Second)), 3)
					if c := cursorOf(k, "g"); c.Counts.Tokens != 10*runs || c.Counts.NodeRuns != uint64(runs) {
						t.Errorf("after %s: %+v", at, c.Counts)
					}
					between(k)
					k.Forward(time.Minute)
					c := cursorOf(k, "g")
					cut := int64(0) // the last attempt of a node may have been cut off, after it spent
					for _, id := range []string{"n1", "n2", "n3"} {
						cut += int64(len(k.Runs(id)) - 1)
					}
					// n1, n2, n3, last, a
					if c.Status != journal.Completed || c.Counts.Tokens < 30 || c.Counts.Tokens > 30+10*cut || c.Counts.NodeRuns != 5 || c.Children != nil {
						t.Errorf("%d runs were cut off: %+v", cut, c)
					}
					if got := state(k, "g")["got"]; got != "<nil>" {
						t.Errorf("the call gives %v", got)
					}
				})
			})
		}
	}
}

// TestALimitReachesACall: it ends the graph of the call, which has its last cycle.
func TestALimitReachesACall(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		s := callingLong(k, `, "limits": {"tokens": 20}`)
		begin := time.Now()
		r := k.Wait(s)
		if got := time.Since(begin); r.Status != journal.Failed || got != 19*time.Second || r.Reason != "tokens limit of 20 reached (20 used)" {
			t.Errorf("%s after %s: %s", r.Status, got, r.Reason)
		}
		if len(k.Runs("n3")) > 1 || len(k.Runs("last")) != 1 {
			t.Errorf("%d runs after the limit, %d final ones", len(k.Runs("n3")), len(k.Runs("last")))
		}
	})
}

// TestWhatReachesACall: pause, its end, stop and cancel reach the graph of a call.
func TestWhatReachesACall(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		callingLong(k, "")
		k.Forward(time.Second)
		if err := k.Runtime.Pause(k.T.Context(), "g"); err != nil {
			k.T.Fatal(err)
		}
		k.Forward(30 * time.Second) // the tool has a minute
		if len(k.Runs("n2")) != 0 {
			t.Error("a paused graph begins a wave")
		}
		if err := k.Runtime.Unpause(k.T.Context(), "g"); err != nil {
			k.T.Fatal(err)
		}
		k.Forward(time.Second)
		if len(k.Runs("n2")) != 1 {
			t.Error("it does not go on")
		}
		begin := time.Now()
		if err := k.Runtime.End(k.T.Context(), "g"); err != nil {
			k.T.Fatal(err)
		}
		if got := time.Since(begin); got != 16*time.Second || len(k.Runs("n3")) != 0 || len(k.Runs("last")) != 1 {
			t.Errorf("stopped after %s, %d and %d runs", got, len(k.Runs("n3")), len(k.Runs("last")))
		}
		if got, want := state(k, "g")["got"], `graph "x" was cancelled: stopped`; got != want {
			t.Errorf("the call gives %q, want %q", got, want)
		}
	})
}

// TestACallIsCancelled with the task that makes it: its last cycle runs before the task
// ends, also over a restart in its midst, and at rest.
func TestACallIsCancelled(t *testing.T) {
	t.Parallel()
	cancel := func(k *runtimetest.Kit) { _ = k.Runtime.Cancel(k.T.Context(), "g", "enough") }
	for name, tt := range map[string]struct {
		does  func(*runtimetest.Kit)
		after time.Duration
		runs  int
	}{
		"":        {func(k *runtimetest.Kit) { go cancel(k) }, 15 * time.Second, 1},
		"twice":   {func(k *runtimetest.Kit) { go cancel(k); k.Forward(time.Second); go cancel(k) }, 0, 1},
		"restart": {func(k *runtimetest.Kit) { go cancel(k); k.Forward(time.Second); k.Reopen(); takeUp(k) }, 15 * time.Second, 2},
		"crash":   {func(k *runtimetest.Kit) { go cancel(k); k.Forward(time.Second); k.Crash(); takeUp(k) }, 15 * time.Second, 2},
		"at rest": {func(k *runtimetest.Kit) { k.Crash(); cancel(k); k.Forward(time.Hour); takeUp(k) }, 15 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				callingLong(k, "")
				k.Forward(3 * time.Second)
				tt.does(k)
				if tt.after > 0 {
					k.Forward(tt.after - time.Second)
					if c := cursorOf(k, "g"); c.Status.Ended() {
						t.Errorf("it ends as %s before the last cycle is over", c.Status)
					}
				}
				k.Forward(2 * time.Second)
				if c := cursorOf(k, "g"); c.Status != journal.Cancelled || c.Reason != "enough" || c.Counts.Tokens != 10 || len(k.Runs("last")) != tt.runs {
					t.Errorf("%s (%s) with %d tokens after %d final runs", c.Status, c.Reason, c.Counts.Tokens, len(k.Runs("last")))
				}
				if left := allStacks(k); len(left) != 1 {
					t.Errorf("%d stacks are left", len(left))
				}
			})
		})
	}
}

// TestCommandsAtRestReachCalls: pause and its end reach the graph of a call whose attempt
// a crash cut off.
func TestCommandsAtRestReachCalls(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		callingLong(k, "")
		k.Forward(3 * time.Second)
		k.Crash()
		if err := k.Runtime.Pause(k.T.Context(), "g"); err != nil {
			k.T.Fatal(err)
		}
		for _, stack := range []string{"g", "g.a.1.1.call.1"} {
			if c := cursorOf(k, stack); c.Status != journal.Paused {
				t.Errorf("%s is %s", stack, c.Status)
			}
		}
		if err := k.Runtime.Unpause(k.T.Context(), "g"); err != nil {
			k.T.Fatal(err)
		}
		takeUp(k)
		k.Forward(time.Minute)
		if c := cursorOf(k, "g"); c.Status != journal.Completed || state(k, "g")["got"] != "<nil>" {
			t.Errorf("%s with %v", c.Status, state(k, "g")["got"])
		}
	})
}
