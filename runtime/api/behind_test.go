package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
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
	})
}
