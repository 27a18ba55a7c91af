package memstore_test

import (
	"context"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) runtime.Store { return memstore.New() }, nil)
}

func BenchmarkCommit(b *testing.B) {
	ctx := context.Background()
	s := memstore.New()
	create := runtime.Commit{Stack: "s", Create: &machine.Identity{Stack: "s"}}
	if err := s.Commit(ctx, create); err != nil {
		b.Fatal(err)
	}
	c := runtime.Commit{
		Stack:   "s",
		Records: make([]machine.Record, 4),
		Changes: []graph.Change{{Name: "n", Value: "x", Whole: true}},
	}
	body := &machine.WaveStarted{}
	b.ReportAllocs()
	for b.Loop() {
		for i := range c.Records {
			c.Cursor.Seq++
			c.Records[i] = machine.Record{Seq: c.Cursor.Seq, Stack: "s", Body: body}
		}
		if err := s.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
}
