package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestStatusNamesWhatATaskIsBehind: the task that has the lock, with its element.
func TestStatusNamesWhatATaskIsBehind(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
		var d graph.Def
		if err := json.Unmarshal([]byte(`{"graphrun": 1, "name": "g", "once": true, "nodes": [
			{"id": "a", "uses": "exec", "with": {"command": ["true"]}, "lock": "printer", "for_each": {"in": "[\"x\"]", "as": "it", "key": "it"}},
			{"id": "b", "uses": "exec", "with": {"command": ["true"]}, "lock": "printer"}]}`), &d); err != nil {
			k.T.Fatal(err)
		}
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		k.Node("b", runtimetest.Returns(1))
		k.Start(k.Compile(d), runtime.StartOptions{ID: "s"})
		k.Forward(time.Second)
		s, err := clientOf(k).Status(k.T.Context(), "s")
		if err != nil {
			k.T.Fatal(err)
		}
		got := map[string]*api.Behind{}
		for _, task := range s.Tasks {
			got[task.Node] = task.Behind
		}
		if diff := cmp.Diff(map[string]*api.Behind{"a": nil, "b": {Stack: "s", Node: "a", Item: "x"}}, got); diff != "" {
			k.T.Errorf("behind (-want +got)\n%s", diff)
		}
		checkLive(k, "b", inspect.Wait{For: inspect.WaitsForPool, Text: "b waits for its lock, which s a[x] has", Node: "b", Pool: "default",
			Running: new(1), Parallel: new(4), By: []inspect.Behind{{Stack: "s", Node: "a", Item: "x"}}})
	})
}

// checkLive explains what a node waits for, over the API.
func checkLive(k *runtimetest.Kit, node string, want inspect.Wait) {
	k.T.Helper()
	c := clientOf(k)
	live, err := c.Live(k.T.Context(), "s")
	if err != nil {
		k.T.Fatal(err)
	}
	x, err := inspect.Explain(k.T.Context(), c.Store(), std.Registry(), "s", inspect.ExplainOptions{Nodes: []string{node}, Live: live, Now: time.Now()})
	if err != nil {
		k.T.Fatal(err)
	}
	if diff := cmp.Diff([]inspect.Wait{want}, x.Nodes[0].Waits); diff != "" {
		k.T.Errorf("%s waits (-want +got)\n%s", node, diff)
	}
}

// What a queued task waits for is the pool with those that have its slots, or that is on hold.
func TestExplainOverTheAPI(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
		var d graph.Def
		if err := json.Unmarshal([]byte(`{"graphrun": 1, "name": "g", "once": true, "pools": [{"name": "llm", "parallel": 1}], "nodes": [
			{"id": "a", "uses": "exec", "with": {"command": ["true"]}, "pool": "llm"},
			{"id": "b", "uses": "exec", "with": {"command": ["true"]}, "pool": "llm"}]}`), &d); err != nil {
			k.T.Fatal(err)
		}
		k.Node("a", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
		k.Node("b", runtimetest.Returns(1))
		k.Start(k.Compile(d), runtime.StartOptions{ID: "s"})
		k.Forward(10 * time.Second)
		checkLive(k, "a", inspect.Wait{For: inspect.WaitsForRun, Text: "a runs", Node: "a"})
		checkLive(k, "b", inspect.Wait{For: inspect.WaitsForPool, Text: "b waits for a slot of llm: 1 of 1 in use by s a", Node: "b", Pool: "llm",
			Running: new(1), Parallel: new(1), By: []inspect.Behind{{Stack: "s", Node: "a"}}})
		if err := k.Runtime.SetPool("g", "llm", 0); err != nil {
			k.T.Fatal(err)
		}
		checkLive(k, "b", inspect.Wait{For: inspect.WaitsForPool, Text: "b waits for a slot of llm: it is on hold", Node: "b", Pool: "llm",
			Running: new(1), Parallel: new(0), By: []inspect.Behind{}})
	})
}
