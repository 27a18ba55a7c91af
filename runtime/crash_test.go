package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const scenario = `{"graphrun": 1, "name": "crashes",
	"state": [
		{"name": "todo", "type": "list(integer)", "default": [1, 2, 3]},
		{"name": "seen", "type": "list(integer)", "reduce": {"name": "append"}},
		{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
	"pools": [{"name": "default", "parallel": 2}],
	"nodes": [
		{"id": "plan", "uses": "set", "with": {"n": 1}, "writes": [{"key": "n", "expr": "output.n"}]},
		{"id": "each", "uses": "work", "for_each": {"in": "state.todo", "as": "it"}, "with": {"v": "${{ it }}"},
			"writes": [{"key": "seen", "expr": "output"}]},
		{"id": "flaky", "uses": "work", "retry": {"attempts": 3, "backoff": 1000000000}, "writes": [{"key": "n", "expr": "output"}]},
		{"id": "after", "uses": "work", "writes": [{"key": "n", "expr": "output"}]}],
	"edges": [{"from": ["plan"], "to": ["each", "flaky"]}, {"from": ["each", "flaky"], "to": ["after"]}],
	"stop": [{"when": "state.n >= 30"}]}`

// TestCrashAtEveryCommit uses outputs that depend on the task alone.
func TestCrashAtEveryCommit(t *testing.T) {
	t.Parallel()
	runtimetest.CrashAtEveryCommit(t, kinds(t), func(k *runtimetest.Kit) (graph.Def, runtime.StartOptions) {
		k.Node("each", runtimetest.Takes(time.Second, func(_ context.Context, t nodes.Task) (any, error) {
			return t.With.(map[string]any)["v"], nil
		}))
		k.Node("flaky", func(_ context.Context, t nodes.Task) (any, error) {
			if t.Attempt < 2 {
				return nil, nodes.Errorf("exit", "not yet")
			}
			return 10, nil
		})
		k.Node("after", runtimetest.Returns(1))
		return def(k.T, scenario), runtime.StartOptions{ID: "s"}
	})
}

func TestACrashKeepsKeysAndRaisesAttempts(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Nonce = func() string { return "nonce" }
		k.Reopen()
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		k.Crash()
		k.Wait(k.Resume("one", runtime.ResumeOptions{}))
		var got []string
		for _, r := range k.Runs("a") {
			got = append(got, fmt.Sprintf("%s attempt %d rerun %t", r.Key, r.Attempt, r.Rerun))
		}
		want := []string{"one.nonce/1/1/a/ attempt 1 rerun false", "one.nonce/1/1/a/ attempt 2 rerun true"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// TestTheTaskThatKillsTheEngineIsParked: the engine dies whenever bad has run
// for a while. What runs beside it, in its stack and in another one, comes to
// its end.
func TestTheTaskThatKillsTheEngineIsParked(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("bad", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
		for _, node := range []string{"good", "a"} {
			k.Node(node, runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		}
		start(k, one(k.T, 1, "", ""))
		start(k, def(k.T, `{"graphrun": 1, "name": "poisoned",
			"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
			"nodes": [{"id": "bad", "uses": "work"}, {"id": "good", "uses": "work", "writes": [{"key": "n", "expr": "output"}]}],
			"pause": {"none": true}, "limits": {"cycles": 1}}`))
		for crashes := range 5 {
			for tick := 0; len(k.Runs("bad")) == crashes; tick++ {
				if tick == 600 {
					t.Fatalf("after %d crashes the task does not run any more", crashes)
				}
				k.Forward(time.Second)
			}
			k.Forward(10 * time.Second)
			k.Crash()
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		k.Forward(9 * time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "poisoned")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range st.Tasks {
			if parked := task.State == runtime.TaskParked; parked != (task.Node == "bad") {
				t.Errorf("%s is %s, only bad should be parked", task.Node, task.State)
			}
		}
		k.Forward(10 * time.Minute)
		if n := state(k, "one")["n"]; n != int64(1) {
			t.Errorf("another stack: n = %v, want 1", n)
		}
		k.Forward(2 * time.Hour)
		if n := state(k, "poisoned")["n"]; n != int64(1) {
			t.Errorf("its own stack, when the engine lives: n = %v, want 1", n)
		}
	})
}
