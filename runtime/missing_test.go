package runtime_test

import (
	"errors"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestMissingKinds: a program that knows a kind and has no work for it checks a graph,
// and does not start stacks of it.
func TestMissingKinds(t *testing.T) {
	t.Parallel()
	reg, store := std.Registry(), memstore.New()
	g, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "asks", "memories": [{"name": "facts"}],
		"nodes": [{"id": "ask", "uses": "memory", "with": {"memory": "facts", "op": "search", "query": "x"}}], "pause": {"none": true}}`), reg)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close(t.Context())
	_, starting := rt.Start(t.Context(), g, runtime.StartOptions{})
	for what, err := range map[string]error{"start": starting, "graph": rt.AddGraph(g, nil)} {
		missing, ok := errors.AsType[*runtime.MissingError](err)
		if !ok || missing.Error() != `graph "asks" cannot run here: node "ask" uses memory` {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := store.Stack(t.Context(), "asks"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("the stack: %v", err)
	}
}
