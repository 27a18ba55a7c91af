package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// checkNames: what is there and what is not.
func checkNames(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st, twin := newStack("a"), newStack("a")
	twin.nonce = "another"
	must(t, s.Commit(ctx, st.commit(1, whole("n", int64(1)))))
	wantError(t, s.Commit(ctx, twin.commit(1, whole("n", int64(2)))), runtime.ErrExists)
	nobody := newStack("nobody")
	nobody.commit(1)
	wantError(t, s.Commit(ctx, nobody.commit(1)), runtime.ErrNotFound)
	s = again()
	for _, name := range []string{"nobody", "", "a\x00", "A"} {
		_, err := s.Load(ctx, name)
		wantError(t, err, runtime.ErrNotFound)
		wantError(t, s.Records(ctx, name, journal.Want{}, func(journal.Record) error { return nil }), runtime.ErrNotFound)
		wantError(t, s.Remove(ctx, name), runtime.ErrNotFound)
	}
	_, err := s.Graph(ctx, "nothing")
	wantError(t, err, runtime.ErrNotFound)
	st.expect(t, s)
}

func checkGraphs(t *testing.T, s runtime.Store, again func() runtime.Store) {
	graphs := []runtime.StoredGraph{
		{Hash: "h1", Name: "one", File: "one.yaml", Def: []byte(`{"name":"one"}`), Source: []byte("graphrun: 1\n")},
		{Hash: "h2", Name: "two", File: "", Def: []byte(`{}`)},
		{Hash: "h3", Name: "large", File: "l", Def: []byte(strings.Repeat("d", 100_000)), Source: []byte(strings.Repeat("s", 200_000))},
	}
	for i, g := range graphs {
		st := newStack(fmt.Sprint("g", i))
		for range 3 {
			c := st.commit(1, whole("n", int64(1)))
			c.Graph = &g
			must(t, s.Commit(ctx, c))
		}
	}
	s = again()
	for _, want := range graphs {
		got, err := s.Graph(ctx, want.Hash)
		must(t, err)
		equal(t, "graph", describe(got), describe(want))
	}
}

// checkMany: stacks with names in each other's way keep apart.
func checkMany(t *testing.T, s runtime.Store, again func() runtime.Store) {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("s%d", i), fmt.Sprintf("s%d-x", i))
	}
	names = append(names, "s", "S", "ß", "s 1", "s/1", strings.Repeat("n", 300))
	stacks := map[string]*stack{}
	for i, name := range names {
		st := newStack(name)
		stacks[name] = st
		must(t, s.Commit(ctx, st.commit(2, whole("log", []any{name}), whole("i", int64(i)))))
	}
	for _, name := range names {
		st := stacks[name]
		must(t, s.Commit(ctx, st.commit(1, st.delta("log", 0, graph.Element{At: 1, Value: "more"}))))
	}
	s = again()
	list := summaries(t, s)
	slices.Sort(names)
	var got []string
	for _, sum := range list {
		must(t, sum.Err)
		got = append(got, sum.Identity.Stack)
		equal(t, "cursor", describe(sum.Cursor), describe(stacks[sum.Identity.Stack].cursor))
	}
	if !slices.Equal(got, names) {
		t.Errorf("got stacks %q, want %q", got, names)
	}
	for _, st := range stacks {
		st.expect(t, s)
	}
}

// checkConcurrent: many stacks commit at once; refused commits among them
// harm nobody.
func checkConcurrent(t *testing.T, s runtime.Store, again func() runtime.Store) {
	const workers, commits = 16, 25
	stacks := make([]*stack, workers)
	var wg sync.WaitGroup
	for i := range stacks {
		stacks[i] = newStack(fmt.Sprint("c", i))
		wg.Go(func() {
			st := stacks[i]
			err := s.Commit(ctx, st.commit(1, whole("log", []any{})))
			for n := 0; n < commits && err == nil; n++ {
				err = s.Commit(ctx, st.commit(2, st.delta("log", 0, graph.Element{At: n, Value: fmt.Sprint(i, "/", n)})))
				twin := newStack(st.name)
				twin.nonce = "another"
				if refused := s.Commit(ctx, twin.commit(1, whole("log", nil))); !errors.Is(refused, runtime.ErrExists) {
					err = fmt.Errorf("the twin got %w", refused)
				}
			}
			if err != nil {
				t.Errorf("stack %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	s = again()
	for _, st := range stacks {
		st.expect(t, s)
	}
}

// checkReaders: whoever reads while others write sees whole commits only.
func checkReaders(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	st := newStack("busy")
	must(t, s.Commit(ctx, st.commit(1, whole("a", int64(0)), whole("b", int64(0)), whole("log", []any{}))))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := seesWhole(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 200 {
		n := int64(i + 1)
		must(t, s.Commit(ctx, st.commit(1, whole("a", n), whole("b", n), st.delta("log", 0, graph.Element{At: i, Value: n}))))
	}
	close(done)
	wg.Wait()
	st.expect(t, s)
}

func seesWhole(s runtime.Store) error {
	snap, err := s.Load(ctx, "busy")
	if err != nil {
		return err
	}
	n := int64(snap.Cursor.Seq) - 1
	log, _ := snap.State["log"].([]any)
	if snap.State["a"] != n || snap.State["b"] != n || len(log) != int(n) || uint64(len(snap.Records)) != snap.Cursor.Seq {
		return fmt.Errorf("half a commit: seq %d, a %v, b %v, %d elements, %d records",
			snap.Cursor.Seq, snap.State["a"], snap.State["b"], len(log), len(snap.Records))
	}
	return nil
}

// checkRemove: a removed stack is gone, its neighbours are not, and its name
// is free for another.
func checkRemove(t *testing.T, s runtime.Store, again func() runtime.Store) {
	before, gone, after := newStack("r1"), newStack("r2"), newStack("r3")
	long := strings.Repeat("shared", 1000)
	for _, st := range []*stack{before, gone, after} {
		must(t, s.Commit(ctx, st.commit(1, whole("log", []any{long, "x"}), whole("long", long))))
	}
	for i := range 700 {
		must(t, s.Commit(ctx, gone.commit(1, gone.delta("log", 0, graph.Element{At: i + 2, Value: int64(i)}))))
	}
	must(t, s.Remove(ctx, "r2"))
	wantError(t, s.Remove(ctx, "r2"), runtime.ErrNotFound)
	wantError(t, s.Commit(ctx, gone.commit(1)), runtime.ErrNotFound)
	s = again()
	_, err := s.Load(ctx, "r2")
	wantError(t, err, runtime.ErrNotFound)
	before.expect(t, s)
	after.expect(t, s)
	reborn := newStack("r2")
	must(t, s.Commit(ctx, reborn.commit(2, whole("log", []any{}))))
	s = again()
	reborn.expect(t, s)
	list := summaries(t, s)
	if len(list) != 3 {
		t.Errorf("got %d stacks, want 3", len(list))
	}
}

func checkCancelled(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	st := newStack("cancelled")
	must(t, s.Commit(ctx, st.commit(1, whole("a", nil))))
	over, cancel := context.WithCancel(ctx)
	cancel()
	wantError(t, s.Commit(over, newStack("never").commit(1)), context.Canceled)
	_, err := s.Load(over, "cancelled")
	wantError(t, err, context.Canceled)
	wantError(t, s.Stacks(over, func(runtime.Summary) error { return nil }), context.Canceled)
	wantError(t, s.Remove(over, "cancelled"), context.Canceled)
	wantError(t, s.Records(over, "cancelled", journal.Want{}, func(journal.Record) error { return nil }), context.Canceled)
	_, err = s.Load(ctx, "never")
	wantError(t, err, runtime.ErrNotFound)
	st.expect(t, s)
}

func checkClosed(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	st := newStack("closed")
	must(t, s.Commit(ctx, st.commit(1, whole("a", nil))))
	must(t, s.Close())
	must(t, s.Close())
	wantError(t, s.Commit(ctx, st.commit(1)), runtime.ErrClosed)
	_, err := s.Load(ctx, "closed")
	wantError(t, err, runtime.ErrClosed)
	wantError(t, s.Stacks(ctx, func(runtime.Summary) error { return nil }), runtime.ErrClosed)
	_, err = s.Graph(ctx, "h")
	wantError(t, err, runtime.ErrClosed)
	wantError(t, s.Remove(ctx, "closed"), runtime.ErrClosed)
	wantError(t, s.Records(ctx, "closed", journal.Want{}, func(journal.Record) error { return nil }), runtime.ErrClosed)
}
