package runtime_test

import (
	"fmt"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestStartOnAFullDisk: a start that fails has left no stack, and one that has
// left a stack does not fail.
func TestStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	for room := range 5 {
		for _, rest := range []bool{false, true} {
			t.Run(fmt.Sprintf("room for %d, rest %t", room, rest), func(t *testing.T) {
				t.Parallel()
				reg, store := kinds(t), &filling{Store: memstore.New()}
				store.room.Store(int64(room))
				g, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "one", "nodes": [{"id": "n", "uses": "set"}], "pause": {"none": true}}`), reg)
				if err := problems.Err(); err != nil {
					t.Fatal(err)
				}
				rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: reg, FailOnStoreError: true})
				if err != nil {
					t.Fatal(err)
				}
				_, failed := rt.Start(t.Context(), g, runtime.StartOptions{Rest: rest})
				_, there := store.Stack(t.Context(), "one")
				if (failed == nil) != (there == nil) {
					t.Errorf("the start: %v; the stack: %v", failed, there)
				}
				_ = rt.Close(t.Context()) // fails for want of room, too
			})
		}
	}
}
