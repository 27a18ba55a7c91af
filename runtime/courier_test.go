package runtime_test

import (
	"context"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestAnEndedStackThatWroteToItself: earlier versions have left such a message in the
// store, which nobody can take any more.
func TestAnEndedStackThatWroteToItself(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		own := machine.Message{ID: "x", Node: "tell", To: "echo", Event: "line", Payload: []any{"1"}}
		g := k.Compile(def(t, box))
		k.Start(g, runtime.StartOptions{ID: "other"})
		err := k.Store.Commit(k.T.Context(), runtime.Commit{Stack: "echo", Create: &journal.Identity{Stack: "echo", Graph: g.Name},
			Changes: []graph.Change{machine.Undelivered([]machine.Message{own})},
			Graph:   &runtime.StoredGraph{Hash: g.Hash},
			Cursor:  journal.Cursor{Status: journal.Completed, Hash: g.Hash, Seq: 1, Outbox: 1}})
		if err != nil {
			t.Fatal(err)
		}
		k.Crash()
		recovered := make(chan error, 1)
		go func() {
			_, err := k.Runtime.Recover(context.Background(), runtime.RecoverOptions{})
			recovered <- err
		}()
		k.Forward(10 * time.Second)
		select {
		case err := <-recovered:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("Recover does not return")
		}
		if sum, err := k.Store.Stack(k.T.Context(), "echo"); err != nil || sum.Cursor.Outbox != 0 {
			t.Errorf("%d messages are left (%v)", sum.Cursor.Outbox, err)
		}
	})
}

// TestAMessageToItselfAtItsEnd: the wave that sends it is the last one of the stack.
func TestAMessageToItselfAtItsEnd(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("slow", runtimetest.Takes(10*time.Second, runtimetest.Returns(1)))
		start(k, def(t, `{"graphrun": 1, "name": "echo",
			"state": [{"name": "lines", "type": "list(string)", "reduce": {"name": "append"}}],
			"events": [{"name": "line", "to": "lines"}],
			"nodes": [{"id": "tell", "uses": "send", "with": {"to": "echo", "event": "line", "payload": ["x"]}}, {"id": "slow", "uses": "work"}]}`))
		k.Forward(time.Second)
		if err := k.Runtime.End(k.T.Context(), "echo"); err != nil {
			t.Fatal(err)
		}
		if sum, err := k.Store.Stack(k.T.Context(), "echo"); err != nil || !sum.Cursor.Status.Ended() || sum.Cursor.Outbox != 0 {
			t.Errorf("%s with %d messages left (%v)", sum.Cursor.Status, sum.Cursor.Outbox, err)
		}
	})
}
