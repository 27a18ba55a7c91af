package runtime_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// atWork is a store that is busy when the test says so. It notes what the commits of a stack
// said of its tasks.
type atWork struct {
	runtime.Store
	stack string

	mu      sync.Mutex
	busy    bool
	waiting []func()
	ends    []string // of the commits with ends of tasks: their nodes
}

func (w *atWork) Busy(free func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		w.waiting = append(w.waiting, free)
	}
	return w.busy
}

func (w *atWork) set(busy bool) {
	w.mu.Lock()
	w.busy = busy
	waiting := w.waiting
	if !busy {
		w.waiting = nil
	}
	w.mu.Unlock()
	for _, free := range waiting {
		if !busy {
			free()
		}
	}
}

func (w *atWork) Commit(ctx context.Context, c runtime.Commit) error {
	if err := w.Store.Commit(ctx, c); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var ends []string
	for _, r := range c.Records {
		if f, ok := r.Body.(*journal.TaskFinished); ok && c.Stack == w.stack {
			ends = append(ends, f.Node)
		}
	}
	if ends != nil {
		w.ends = append(w.ends, strings.Join(ends, " "))
	}
	return nil
}

func (w *atWork) ended() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ends
}

// working runs do with a kit on a store that can be busy. In its graph the nodes a, b, c and
// d run beside each other, a for a second, b for two and so on, and after them e.
func working(t *testing.T, do func(k *runtimetest.Kit, w *atWork, g *graph.Graph)) {
	t.Helper()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		_ = k.Runtime.Close(k.T.Context())
		w := &atWork{Store: memstore.New(), stack: "beside"}
		k.Store = w
		k.Reopen()
		for i, node := range []string{"a", "b", "c", "d", "e"} {
			k.Node(node, runtimetest.Takes(time.Duration(i+1)*time.Second, runtimetest.Returns(1)))
		}
		do(k, w, k.Compile(def(k.T, `{"graphrun": 1, "name": "beside", "pools": [{"name": "default", "parallel": 4}],
			"nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work"}, {"id": "c", "uses": "work"}, {"id": "d", "uses": "work"}, {"id": "e", "uses": "work"}],
			"edges": [{"from": ["a", "b", "c", "d"], "to": ["e"]}], "stop": [{"when": "true"}]}`)))
	})
}

// TestABusyStoreGetsOneCommit: what ends while the store writes something else is one commit
// when it is free, and nothing of it is shown before.
func TestABusyStoreGetsOneCommit(t *testing.T) {
	t.Parallel()
	working(t, func(k *runtimetest.Kit, w *atWork, g *graph.Graph) {
		s := k.Start(g, runtime.StartOptions{})
		w.set(true)
		k.Forward(3500 * time.Millisecond) // a, b and c have ended
		if got := w.ended(); len(got) > 0 {
			t.Errorf("committed while the store was busy: %q", got)
		}
		w.set(false)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a b c"}, w.ended()); diff != "" {
			t.Errorf("when the store is free (-want +got):\n%s", diff)
		}
		k.Wait(s)
		if diff := cmp.Diff([]string{"a b c", "d", "e"}, w.ended()); diff != "" {
			t.Errorf("commits with ends of tasks (-want +got):\n%s", diff)
		}
	})
}

// TestNobodyWaitsForNothing: when nothing more is to come, a commit is made ready for a busy
// store; it does not wait until the store is free.
func TestNobodyWaitsForNothing(t *testing.T) {
	t.Parallel()
	working(t, func(k *runtimetest.Kit, w *atWork, g *graph.Graph) {
		s := k.Start(g, runtime.StartOptions{})
		w.set(true) // and it is never free
		k.Wait(s)
		if diff := cmp.Diff([]string{"a b c d", "e"}, w.ended()); diff != "" {
			t.Errorf("commits with ends of tasks (-want +got):\n%s", diff)
		}
	})
}

// TestAWaitingStackGivesItsSlotsBack: what has ended needs no slot, also if that is not
// committed yet.
func TestAWaitingStackGivesItsSlotsBack(t *testing.T) {
	t.Parallel()
	working(t, func(k *runtimetest.Kit, w *atWork, g *graph.Graph) {
		first := k.Start(g, runtime.StartOptions{})
		second := k.Start(g, runtime.StartOptions{ID: "second"}) // the first has the slots
		w.set(true)
		k.Forward(1500 * time.Millisecond) // a has ended
		if runs, ends := len(k.Runs("a")), w.ended(); runs != 2 || len(ends) > 0 {
			t.Errorf("%d runs of a have begun, want 2; committed while the store was busy: %q", runs, ends)
		}
		w.set(false)
		k.Wait(first)
		k.Wait(second)
	})
}

// TestAStackThatIsStoppedWaitsNoLonger: a stack that is stopped or cancelled commits also if
// the store is never free.
func TestAStackThatIsStoppedWaitsNoLonger(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(k *runtimetest.Kit, s *runtime.Stack) error{
		"detached":  func(k *runtimetest.Kit, s *runtime.Stack) error { return s.Detach(k.T.Context()) },
		"cancelled": func(k *runtimetest.Kit, s *runtime.Stack) error { return s.Cancel(k.T.Context(), "enough") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			working(t, func(k *runtimetest.Kit, w *atWork, g *graph.Graph) {
				k.Node("d", func(ctx context.Context, _ nodes.Task) (any, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				})
				s := k.Start(g, runtime.StartOptions{})
				w.set(true)
				k.Forward(1500 * time.Millisecond)
				if err := stop(k, s); err != nil {
					t.Fatal(err)
				}
				k.Wait(s)
				if got := w.ended(); len(got) == 0 || !strings.HasPrefix(got[0], "a") {
					t.Errorf("commits with ends of tasks: %q, want that of a among them", got)
				}
			})
		})
	}
}
