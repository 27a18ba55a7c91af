package runtime_test

import (
	"context"
	"fmt"
	"sync/atomic"
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

// TestTheTaskThatKillsTheEngineIsParked: the engine dies whenever bad has run for ten
// seconds. Tasks that take a minute come to their ends nevertheless, in its stack and
// in another one.
func TestTheTaskThatKillsTheEngineIsParked(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		var bad atomic.Int64 // since when it runs
		k.Node("bad", func(ctx context.Context, t nodes.Task) (any, error) {
			bad.Store(time.Now().Unix())
			defer bad.Store(0)
			return runtimetest.Takes(time.Hour, runtimetest.Returns(1))(ctx, t)
		})
		for _, node := range []string{"good", "a"} {
			k.Node(node, runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		}
		start(k, one(k.T, 1, "", ""))
		start(k, def(k.T, `{"graphrun": 1, "name": "poisoned",
			"nodes": [{"id": "bad", "uses": "work"}, {"id": "good", "uses": "work"}],
			"pause": {"none": true}, "limits": {"cycles": 1}}`))
		crashes := 0
		for range 3600 {
			k.Forward(time.Second)
			if since := bad.Load(); since == 0 || time.Now().Unix()-since < 10 {
				continue
			}
			crashes++
			k.Crash()
			bad.Store(0)
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if crashes < 8 || crashes > 20 {
			t.Errorf("the engine died %d times in an hour, want some seven times in the first minutes and then every five to ten", crashes)
		}
		if n := state(k, "one")["n"]; n != int64(1) {
			t.Errorf("another stack: n = %v, want 1", n)
		}
		st, err := k.Runtime.Status(k.T.Context(), "poisoned")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range st.Tasks {
			if over := task.State == runtime.TaskOver; over != (task.Node == "good") {
				t.Errorf("%s is %s: only good should be over", task.Node, task.State)
			}
		}
	})
}
