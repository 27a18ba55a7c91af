package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// listing is a store whose list of stacks is older than what happens before it is used.
type listing struct {
	runtime.Store
	during func() // once the list is read, before its first stack is given

}

func (l *listing) Stacks(ctx context.Context, fn func(runtime.Summary) error) error {
	var all []runtime.Summary
	if err := l.Store.Stacks(ctx, func(s runtime.Summary) error { all = append(all, s); return nil }); err != nil {
		return err
	}
	l.during()
	for _, s := range all {
		if err := fn(s); err != nil {
			return err
		}
	}

	return nil
}

// TestCommandWhileRecovering: a command that comes while Recover takes the stacks over is
// for a stack that runs afterwards. It neither keeps Recover from taking that over, nor
// lets it go by what the stack was before.
func TestCommandWhileRecovering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		open := func(s runtime.Store) *runtime.Runtime {
			rt, err := runtime.Open(t.Context(), runtime.Config{Store: s, Kinds: std.Registry(), Index: true})
			if err != nil {
				t.Fatal(err)
			}
			return rt
		}
		rt := open(store)
		g, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "g", "pause": {"active": 3600000000000, "set": true}, "nodes": [{"id": "a", "uses": "set", "with": {"n": 1}}]}`), std.Registry())
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := rt.Start(t.Context(), g, runtime.StartOptions{ID: "s"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := rt.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		l := &listing{Store: store}
		rt = open(l)
		woken := make(chan error, 1)
		l.during = func() {
			go func() { woken <- rt.Wake(t.Context(), "s") }()
			synctest.Wait()
		}
		if n, err := rt.Recover(t.Context(), runtime.RecoverOptions{}); n != 1 || err != nil {
			t.Fatalf("Recover takes over %d stacks: %v", n, err)
		}
		if err := <-woken; err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		synctest.Wait()
		st, err := store.Stack(t.Context(), "s")
		if err != nil || st.Cursor.Counts.Cycles != 2 || st.Cursor.Status != journal.Running {
			t.Errorf("%d cycles: %v", st.Cursor.Counts.Cycles, err)
		}
		if err := rt.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
