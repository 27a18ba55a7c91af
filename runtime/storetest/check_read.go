package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// checkWants: of the records, a reader gets what it wants.
func checkWants(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("wants")
	must(t, s.Commit(ctx, st.commit(3, whole("log", []any{}), whole("n", nil), whole("long", nil), whole("object", map[string]any{}))))
	for i := range 12 {
		st.step(t, s, graph.History{}, i)
	}
	must(t, s.Commit(ctx, st.commit(2)))
	s = again()
	st.expect(t, s)
	state, err := s.State(ctx, st.name)
	must(t, err)
	whole, err := s.Load(ctx, st.name)
	must(t, err)
	whole.Records = nil
	equal(t, "state", describe(state), describe(whole))
	sum, err := s.Stack(ctx, st.name)
	must(t, err)
	equal(t, "stack", describe(sum), describe(summaries(t, s)[0]))
	for _, call := range []func() error{
		func() error { _, err := s.Stack(ctx, "nobody"); return err },
		func() error { _, err := s.State(ctx, "nobody"); return err },
		func() error { _, err := s.Base(ctx, "nobody", journal.Point{}); return err },
	} {
		wantError(t, call(), runtime.ErrNotFound)
	}
	types := []string{"cycle.started", "task.finished"}
	for _, want := range []journal.Want{
		{}, {From: 7}, {To: 7}, {From: 5, To: 11}, {From: 40, To: 20}, {From: 1000},
		{Types: types}, {Types: types, From: 9, To: 40}, {Types: []string{"nothing"}},
		{Last: 1}, {Last: 2}, {Last: 5, Types: types}, {Last: 12}, {Last: 1000}, {Last: 2, From: st.cursor.Seq - 1},
	} {
		for _, want.Bulk = range []bool{true, false} {
			got, model := read(t, s, st.name, want), st.wanted(want)
			if !want.Bulk { // it may be there
				got, model = bare(got), bare(model)
			}
			equal(t, fmt.Sprintf("records that %+v wants", want), lines(got), lines(model))
		}
	}
}

func bare(records []journal.Record) []journal.Record {
	out := slices.Clone(records)
	for i, r := range out {
		out[i] = r.WithBulk(nil)
	}
	return out
}

// wanted is what the model has of what is wanted.
func (st *stack) wanted(w journal.Want) []journal.Record {
	from, cycles := w.From, 0
	for i := len(st.records) - 1; w.Last > 0 && i >= 0; i-- {
		switch st.records[i].Body.(type) {
		case *journal.CycleStarted:
			cycles++
		case *journal.CycleFinished:
			if cycles >= w.Last {
				from = max(from, st.records[i].Seq+1)
				cycles = -len(st.records)
			}
		}
	}
	var list []journal.Record
	for _, r := range st.records {
		if r.Seq >= from && (w.To == 0 || r.Seq <= w.To) && (w.Types == nil || slices.Contains(w.Types, r.Body.Type())) {
			list = append(list, r)
		}
	}
	return list
}

// checkPoints: the base for a point of a stack's history is near, and right in every
// row.
func checkPoints(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for _, keep := range []graph.History{{}, {Cycles: 150}} {
		st := newStack(fmt.Sprintf("points %+v", keep))
		must(t, s.Commit(ctx, st.commit(1, whole("log", []any{}), whole("n", nil), whole("long", nil), whole("object", map[string]any{}))))
		at := map[uint64]past{}
		const cycles = 300
		for i := range cycles {
			st.step(t, s, keep, i%60)
			at[st.cursor.Cycle] = pastOf(st.cursor, st.state, st.records[st.cursor.CycleSeq-1:])
		}
		s = again()
		oldest, err := s.Base(ctx, st.name, journal.Beginning)
		must(t, err)
		if keep == (graph.History{}) && oldest.Cursor.Seq > 0 {
			t.Errorf("nothing was deleted, and the history begins at cycle %d", oldest.Cursor.Cycle)
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 40 {
			p := journal.Point{Cycle: rnd.Uint64N(cycles + 10), Wave: rnd.Uint64N(2)}
			base, err := s.Base(ctx, st.name, p)
			must(t, err)
			equal(t, "identity", describe(base.Identity), describe(*st.identity()))
			if c := base.Cursor.Cycle; !p.After(c) && c != oldest.Cursor.Cycle {
				t.Errorf("the base for %s is at the end of cycle %d", p, c)
			}
			if base.Cursor.Seq > 0 {
				want := at[base.Cursor.Cycle]
				want.expect(t, base)
			}
		}
		must(t, s.Remove(ctx, st.name))
	}
}
