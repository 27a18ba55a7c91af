package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// checkJoins: a history is kept and cut off as ever where the ends of cycles share their
// commits with the beginnings of the next ones, as long as the store says that they may.
func checkJoins(t *testing.T, s runtime.Store, again func() runtime.Store) {
	if _, ok := s.(runtime.JoiningStore); !ok {
		return // each end of a cycle is a commit of its own
	}
	for _, keep := range []graph.History{{}, {Cycles: 1}, {Cycles: 7}, {Cycles: 40}, {Age: 100 * time.Second}, {Cycles: 12, Age: 100 * time.Second}} {
		st := newStack(fmt.Sprintf("joins %+v", keep))
		must(t, s.Commit(ctx, st.commit(1, whole("n", nil), whole("log", []any{}))))
		at, joined := map[uint64]past{}, 0
		for i := range 120 {
			if !st.cursor.Open {
				st.commitOf(t, s, keep, st.begins())
			}
			size := len(st.state["log"].([]any))
			end := st.ends(whole("n", int64(i)), st.delta("log", min(1, size), graph.Element{At: max(0, size-1), Value: int64(i)}))
			at[st.cursor.Cycle] = pastOf(st.cursor, st.state, st.records[st.cursor.CycleSeq-1:])
			if s.(runtime.JoiningStore).Joins(st.name) {
				joined++
				begin := st.begins()
				end.Records, end.Cursor = append(end.Records, begin.Records...), begin.Cursor
			}
			st.commitOf(t, s, keep, end)
			if i%30 == 29 {
				s = again()
				st.expectKept(t, s, keep, at)
			}
		}
		if keep == (graph.History{}) && joined < 100 || keep.Cycles == 40 && joined < 80 {
			t.Errorf("%s: %d of 120 ends of cycles share a commit", st.name, joined)
		}
	}
}

// begins is a commit that begins a cycle, ends one that ends it.
func (st *stack) begins() runtime.Commit {
	st.cursor.Cycle++
	st.cursor.Open, st.cursor.CycleSeq = true, st.cursor.Seq+1
	return st.withBody(st.commit(2), 0, &journal.CycleStarted{Hash: "hash"})
}

func (st *stack) ends(changes ...graph.Change) runtime.Commit {
	st.cursor.Open = false
	return st.withBody(st.commit(2, changes...), 1, &journal.CycleFinished{Waves: 1})
}

// withBody gives record i of the newest commit another body.
func (st *stack) withBody(c runtime.Commit, i int, body journal.Body) runtime.Commit {
	c.Records[i].Body = body
	st.records[len(st.records)-len(c.Records)+i].Body = body
	return c
}

func (st *stack) commitOf(t *testing.T, s runtime.Store, keep graph.History, c runtime.Commit) {
	t.Helper()
	c.Keep = keep
	must(t, s.Commit(ctx, c))
}

// expectKept compares what is left of the history, and where it begins, with the model.
func (st *stack) expectKept(t *testing.T, s runtime.Store, keep graph.History, at map[uint64]past) {
	t.Helper()
	st.expectNow(t, s)
	base, err := s.Base(ctx, st.name, journal.Beginning)
	must(t, err)
	first := uint64(1)
	if base.Cursor.Seq > 0 {
		want := at[base.Cursor.Cycle]
		want.expect(t, base)
		first = base.Cursor.CycleSeq
	}
	equal(t, "kept records", lines(read(t, s, st.name, journal.Want{Bulk: true})), lines(st.records[first-1:]))
	if keep == (graph.History{}) {
		return
	}
	behind, within := int(st.cursor.Cycle-base.Cursor.Cycle), keep.Cycles
	if keep.Age > 0 { // four records, one a second, in each cycle
		within = int(keep.Age / (4 * time.Second))
		if keep.Cycles > 0 {
			within = min(within, keep.Cycles)
		}
	}
	// A store that was opened may have joined one that it would not have.
	if behind < min(within, int(st.cursor.Cycle)) || behind > within+within/4+4 {
		t.Errorf("%s: the history goes back %d cycles at cycle %d, want %d and little more", st.name, behind, st.cursor.Cycle, within)
	}
}

// expectNow compares the stack as it is with the model.
func (st *stack) expectNow(t *testing.T, s runtime.Store) {
	t.Helper()
	snap, err := s.Load(ctx, st.name)
	must(t, err)
	want := pastOf(st.cursor, st.state, st.records[st.cursor.CycleSeq-1:])
	want.expect(t, snap)
}
