package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(testing.TB) runtime.Store { return &memstore.Store{Cycles: -1} }, nil)
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

// TestKeepsLittleHistory by default, whatever the graph says; Cycles is another bound.
func TestKeepsLittleHistory(t *testing.T) {
	t.Parallel()
	const cycles = 500
	for name, test := range map[string]struct {
		store *memstore.Store
		keep  graph.History
		want  int
	}{
		"by default":          {memstore.New(), graph.History{Cycles: 400}, memstore.DefaultCycles},
		"without a bound":     {memstore.New(), graph.History{}, memstore.DefaultCycles},
		"less than that":      {memstore.New(), graph.History{Cycles: 8}, 8},
		"another bound":       {&memstore.Store{Cycles: 100}, graph.History{Cycles: 400}, 100},
		"what the graph says": {&memstore.Store{Cycles: -1}, graph.History{Cycles: 400}, 400},
		"all":                 {&memstore.Store{Cycles: -1}, graph.History{}, cycles},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := runtime.Commit{Stack: "s", Create: &journal.Identity{Stack: "s"}, Keep: test.keep}
			for range cycles {
				c.Cursor.Cycle++
				c.Cursor.CycleSeq = c.Cursor.Seq + 1
				c.Records = nil
				for _, body := range []journal.Body{&journal.CycleStarted{}, &journal.CycleFinished{}} {
					c.Cursor.Seq++
					c.Records = append(c.Records, journal.Record{Seq: c.Cursor.Seq, Stack: "s", Cycle: c.Cursor.Cycle, Body: body})
				}
				if err := test.store.Commit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				c.Create = nil
			}
			kept := 0
			if err := test.store.Records(t.Context(), "s", journal.Want{}, func(journal.Record) error { kept++; return nil }); err != nil {
				t.Fatal(err)
			}
			if kept /= 2; kept < test.want || kept > test.want+test.want/4+1 {
				t.Errorf("%d cycles are kept, want %d and at most a quarter more", kept, test.want)
			}
		})
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

// TestImage: another store that gets a stack as an image continues it, with its history or
// with the end of it only.
func TestImage(t *testing.T) {
	t.Parallel()
	for name, shorten := range map[string]bool{"whole": false, "shortened": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := memstore.New(), memstore.New()
			c := runtime.Commit{Stack: "s", Create: &journal.Identity{Stack: "s"}, Keep: graph.History{Cycles: 8},
				Graph: &runtime.StoredGraph{Hash: "h", Name: "g", Def: []byte("{}")}}
			cycle := func(s *memstore.Store) {
				c.Cursor.Hash = "h"
				c.Cursor.Cycle++
				c.Cursor.CycleSeq = c.Cursor.Seq + 1
				c.Records = nil
				for _, body := range []journal.Body{&journal.CycleStarted{}, &journal.CycleFinished{}} {
					c.Cursor.Seq++
					c.Records = append(c.Records, journal.Record{Seq: c.Cursor.Seq, Stack: "s", Cycle: c.Cursor.Cycle, Body: body})
				}
				c.Changes = []graph.Change{{Name: "n", Value: int64(c.Cursor.Cycle), Whole: true}}
				id := fmt.Sprint(c.Cursor.Cycle % 3)
				c.Memory = []runtime.MemoryWrites{{Ref: journal.MemoryRef{Stack: "s", Name: "notes"}, Writes: []journal.MemoryWrite{{Memory: "notes", ID: id, Text: "cycle " + id}}}}
				if err := s.Commit(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				c.Create, c.Graph = nil, nil
			}
			for range 20 {
				cycle(first)
			}
			m, err := first.Image(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			if shorten {
				m.Shorten(time.Time{})
			}
			if err := second.Put(m); err != nil {
				t.Fatal(err)
			}
			if err := second.Put(m); !errors.Is(err, runtime.ErrExists) {
				t.Errorf("a second time: %v, want ErrExists", err)
			}
			cycle(first)
			c.Cursor.Cycle, c.Cursor.Seq = c.Cursor.Cycle-1, c.Cursor.Seq-2
			cycle(second)
			a, err := first.Load(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			b, err := second.Load(t.Context(), "s")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(a, b); d != "" {
				t.Errorf("-first +second\n%s", d)
			}
			remembers := func(s *memstore.Store) (items []journal.MemoryItem) {
				_, err := s.Memory(t.Context(), journal.MemoryRef{Stack: "s", Name: "notes"}, 0, func(it journal.MemoryItem) error {
					items = append(items, it)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				return items
			}
			if d := cmp.Diff(remembers(first), remembers(second)); d != "" || len(remembers(first)) != 3 {
				t.Errorf("what they remember: -first +second\n%s", d)
			}
			if _, err := second.Graph(t.Context(), "h"); err != nil {
				t.Error(err)
			}
			base, err := second.Base(t.Context(), "s", journal.Point{Cycle: 1})
			if err != nil || base.Cursor.Seq == 0 || base.State["n"] != int64(base.Cursor.Cycle) {
				t.Errorf("the history begins with %+v, %v", base.Cursor, err)
			}
		})
	}
}
