package runtime_test

import (
	"context"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/storetest"
)

// TestWhatEndsTogetherSharesACommit: a cycle with waves of one, three and one nodes takes
// a commit for the end of each wave, whenever the three nodes end at nearly the same time:
// the last one begins the next cycle.
func TestWhatEndsTogetherSharesACommit(t *testing.T) {
	t.Parallel()
	reg := nodes.NewRegistry()
	work := func(context.Context, map[string]any) (map[string]any, error) { return map[string]any{}, nil }
	if err := reg.Register(nodes.Func("work", work)); err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "diamond",
		"nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work"}, {"id": "c", "uses": "work"}, {"id": "d", "uses": "work"}, {"id": "e", "uses": "work"}],
		"edges": [{"from": ["a"], "to": ["b", "c", "d"]}, {"from": ["b", "c", "d"], "to": ["e"]}],
		"pause": {"set": true}, "limits": {"cycles": 500}}`), reg)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	store := storetest.Count(memstore.New())
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: reg})
	if err != nil {
		t.Fatal(err)
	}
	s, err := rt.Start(t.Context(), g, runtime.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a := float64(store.Commits()) / float64(r.Cycles); a > 4 {
		t.Errorf("%.2f commits a cycle, want little more than 3", a)
	}
	if err := rt.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
