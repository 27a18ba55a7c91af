package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
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

// stuck is a store in which a target cannot be loaded, and that then no longer answers
// who asks for the stack with the message.
type stuck struct {
	runtime.Store
	hangs atomic.Bool
	asked atomic.Bool
	over  chan struct{}
}

func (s *stuck) Load(ctx context.Context, id string) (journal.Snapshot, error) {
	if id == "other" {
		return journal.Snapshot{}, &runtime.StoreError{Err: errors.New("no room")}
	}
	return s.Store.Load(ctx, id)
}

func (s *stuck) State(ctx context.Context, id string) (journal.Snapshot, error) {
	if id == "echo" && s.hangs.Load() {
		s.asked.Store(true)
		<-s.over
	}
	return s.Store.State(ctx, id)
}

// TestCloseWhileAMessageIsStuck: Close does not outstay its context.
func TestCloseWhileAMessageIsStuck(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		g := k.Compile(def(t, box))
		k.Start(g, runtime.StartOptions{ID: "other"})
		err := k.Store.Commit(k.T.Context(), runtime.Commit{Stack: "echo", Create: &journal.Identity{Stack: "echo", Graph: g.Name},
			Changes: []graph.Change{machine.Undelivered([]machine.Message{{ID: "x", Node: "tell", To: "other", Event: "line", Payload: []any{"1"}}})},
			Graph:   &runtime.StoredGraph{Hash: g.Hash},
			Cursor:  journal.Cursor{Status: journal.Completed, Hash: g.Hash, Seq: 1, Outbox: 1}})
		if err != nil {
			t.Fatal(err)
		}
		s := &stuck{Store: k.Store, over: make(chan struct{})}
		k.Store = s
		k.Crash()
		if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
			t.Fatal(err)
		}
		s.hangs.Store(true)
		k.Forward(10 * time.Second)
		if !s.asked.Load() {
			t.Fatal("nobody tries to deliver the message again")
		}
		now, cancel := context.WithCancel(k.T.Context())
		cancel()
		begin := time.Now()
		if err := k.Runtime.Close(now); !errors.Is(err, context.Canceled) || time.Since(begin) > 2*time.Second {
			t.Errorf("closed after %s: %v", time.Since(begin), err)
		}
		close(s.over)
	})
}
