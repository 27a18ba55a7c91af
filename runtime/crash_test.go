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
