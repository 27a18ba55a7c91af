package runtime_test

import (
	"context"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// reaper notes what it reads of the store, each time it ends what was left behind.
type reaper struct{ read []string }

func (*reaper) Run(context.Context, nodes.Task) (nodes.Result, error) { return nodes.Result{}, nil }

func (r *reaper) Reap(ctx context.Context, kept func(context.Context, string) (string, error)) error {
	text, err := kept(ctx, "left")
	r.read = append(r.read, text)
	return err
}

// TestReap: an engine ends what another one left behind on its store once, before it
// drives a stack, and not when it only looks.
func TestReap(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	if err := store.Keep(t.Context(), "left", "something"); err != nil {
		t.Fatal(err)
	}
	r := &reaper{}
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "k"}, Node: r}); err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.read) > 0 {
		t.Error("it did so when it was opened")
	}
	for range 2 {
		if _, err := rt.Recover(t.Context(), runtime.RecoverOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := rt.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.read) != 1 || r.read[0] != "something" {
		t.Errorf("it read %q, want once, and what the store keeps", r.read)
	}
}
