package memstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) runtime.Store { return memstore.New() }, nil)
}

func TestZeroStoreIsEmpty(t *testing.T) {
	t.Parallel()
	var s memstore.Store
	c := runtime.Commit{Stack: "s", Create: &journal.Identity{Stack: "s"}, Graph: &runtime.StoredGraph{Hash: "h", Name: "g", Def: []byte("{}")},
		Cursor: journal.Cursor{Hash: "h"}}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Error(err)
	}
	if _, err := s.Stack(t.Context(), "other"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

// BenchmarkCommit removes the stack now and then: else it measures how fast
// the system hands out fresh memory.
func BenchmarkCommit(b *testing.B) {
	ctx := context.Background()
	s := memstore.New()
	var c runtime.Commit
	begin := func() {
		_ = s.Remove(ctx, "s") // the first time there is none
		c = runtime.Commit{Stack: "s", Create: &journal.Identity{Stack: "s"}}
		if err := s.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
		c.Create = nil
		c.Records = make([]journal.Record, 4)
		c.Changes = []graph.Change{{Name: "n", Value: "x", Whole: true}}
	}
	body := &journal.WaveStarted{}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%1024 == 0 {
			begin()
		}
		for i := range c.Records {
			c.Cursor.Seq++
			c.Records[i] = journal.Record{Seq: c.Cursor.Seq, Stack: "s", Body: body}
		}
		if err := s.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
}
