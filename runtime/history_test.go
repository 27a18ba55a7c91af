package runtime_test

import (
	"context"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// The state at a point of the history is there from where it is kept on; for
// what was deleted, the error says from which cycle.
func TestAtWhatIsKept(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Wait(start(k, one(k.T, 40, "", `, "history": {"cycles": 8}`)))
		ctx := context.Background()
		base, err := k.Store.Base(ctx, "one", journal.Beginning)
		if err != nil || base.Cursor.Cycle < 28 || base.Cursor.Cycle > 32 {
			t.Fatalf("the history begins after cycle %d (%v)", base.Cursor.Cycle, err)
		}
		for cycle := uint64(1); cycle <= 40; cycle++ {
			past, err := inspect.At(ctx, k.Store, k.Kinds, "one", journal.Point{Cycle: cycle})
			if cycle < base.Cursor.Cycle {
				if err == nil || !strings.Contains(err.Error(), "history before the end of cycle") {
					t.Errorf("cycle %d: got %v", cycle, err)
				}
				continue
			}
			if err != nil || past.State["n"] != int64(cycle) || past.Point.Cycle != cycle {
				t.Errorf("cycle %d: got n %v, cycle %d (%v)", cycle, past.State["n"], past.Point.Cycle, err)
			}
		}
	})
}
