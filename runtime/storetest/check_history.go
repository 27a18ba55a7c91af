package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// cycle makes the two commits of a cycle: its wave, and its end.
func (st *stack) cycle(changes ...graph.Change) (wave, end runtime.Commit) {
	st.cursor.Cycle++
	st.cursor.Open, st.cursor.CycleSeq = true, st.cursor.Seq+1
	wave = st.commit(3)
	wave.Records[0].Body = &journal.CycleStarted{Hash: "hash"}
	st.cursor.Open = false
	end = st.commit(2, changes...)
	end.Records[1].Body = &journal.CycleFinished{Waves: 1}
	end.Cursor = st.cursor
	st.records = append(st.records[:len(st.records)-5], append(append([]journal.Record{}, wave.Records...), end.Records...)...)
	return wave, end
}

// past is what the model knows of a stack at the end of a cycle.
type past struct{ cursor, state, records string }

func pastOf(c journal.Cursor, state map[string]any, records []journal.Record) past {
	return past{describe(c), value.String(state), needed(c, records)}
}

func (p *past) expect(t *testing.T, base journal.Snapshot) {
	t.Helper()
	got := pastOf(base.Cursor, base.State, base.Records)
	equal(t, "cursor of the base", got.cursor, p.cursor)
	equal(t, "state of the base", got.state, p.state)
	equal(t, "records of the base", got.records, p.records)
}

// checkHistory: what is beyond the history to keep goes, and what is left
// begins with a base from which it can be followed.
func checkHistory(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for _, keep := range []graph.History{{Cycles: 1}, {Cycles: 7}, {Cycles: 20}, {Age: 100 * time.Second}, {Cycles: 12, Age: 100 * time.Second}} {
		st := newStack(fmt.Sprintf("keep %+v", keep))
		must(t, s.Commit(ctx, st.commit(1, whole("log", []any{}), whole("n", nil), whole("long", nil), whole("object", map[string]any{}))))
		at := map[uint64]past{}
		for i := range 60 {
			st.step(t, s, keep, i)
			at[st.cursor.Cycle] = pastOf(st.cursor, st.state, st.records[st.cursor.CycleSeq-1:])
			if i%15 == 14 {
				s = again()
				st.expectBase(t, s, keep, at)
			}
		}
		must(t, s.Remove(ctx, st.name))
	}
}

// step commits a cycle that changes the state in all ways by and by.
func (st *stack) step(t *testing.T, s runtime.Store, keep graph.History, i int) {
	size := len(st.state["log"].([]any))
	changes := []graph.Change{whole("n", int64(i))}
	switch {
	case i%9 == 8:
		changes = append(changes, whole("log", []any{"all new", strings.Repeat("long", i*100)}))
	case size > 3:
		changes = append(changes, st.delta("log", 2, graph.Element{At: 0, Value: "changed"}, graph.Element{At: size - 2, Value: int64(i)}))
	default:
		changes = append(changes, st.delta("log", 0, graph.Element{At: size, Value: strings.Repeat("v", i*100)}))
	}
	switch object := map[string]any{fmt.Sprint(i % 11): int64(i), fmt.Sprint("new ", i): strings.Repeat("v", i*100)}; {
	case st.state["object"] == nil:
	case i%23 == 22:
		changes = append(changes, whole("object", object))
	case i%2 == 0:
		changes = append(changes, st.set("object", object))
	}
	if i%6 == 0 {
		changes = append(changes, whole("long", strings.Repeat(fmt.Sprint(i), 3000)))
	}
	wave, end := st.cycle(changes...)
	for _, c := range []runtime.Commit{wave, end} {
		c.Keep = keep
		must(t, s.Commit(ctx, c))
	}
}

// expectBase compares what is left of a history with the model.
func (st *stack) expectBase(t *testing.T, s runtime.Store, keep graph.History, at map[uint64]past) {
	t.Helper()
	base, err := s.Base(ctx, st.name, journal.Beginning)
	must(t, err)
	equal(t, "identity of the base", describe(base.Identity), describe(*st.identity()))
	first := uint64(1)
	if base.Cursor.Seq > 0 {
		want := at[base.Cursor.Cycle]
		want.expect(t, base)
		first = base.Cursor.CycleSeq
	}
	behind := int(st.cursor.Cycle - base.Cursor.Cycle)
	within := keep.Cycles
	if keep.Age > 0 { // five records, one a second, in each cycle
		within = int(keep.Age / (5 * time.Second))
		if keep.Cycles > 0 {
			within = min(within, keep.Cycles)
		}
	}
	if behind < min(within, int(st.cursor.Cycle)) || behind > within+within/4+3 {
		t.Errorf("%s: the history goes back %d cycles at cycle %d, want %d and little more", st.name, behind, st.cursor.Cycle, within)
	}
	equal(t, "kept records", lines(read(t, s, st.name, journal.Want{Bulk: true})), lines(st.records[first-1:]))
	snap, err := s.Load(ctx, st.name)
	must(t, err)
	now := pastOf(snap.Cursor, snap.State, snap.Records)
	equal(t, "state", now.state, at[st.cursor.Cycle].state)
	equal(t, "records", now.records, at[st.cursor.Cycle].records)
}

// checkStacks: the list of stacks without having them all at once.
func checkStacks(t *testing.T, s runtime.Store, again func() runtime.Store) {
	const n = 700
	for i := range n {
		must(t, s.Commit(ctx, newStack(fmt.Sprintf("s%03d", i)).commit(1, whole("n", nil))))
	}
	s = again()
	i := 0
	must(t, s.Stacks(ctx, func(sum runtime.Summary) error {
		if want := fmt.Sprintf("s%03d", i); sum.Identity.Stack != want || sum.Err != nil || sum.Cursor.Seq != 1 {
			t.Errorf("got %+v, want %s", sum, want)
		}
		if i++; i == n/2 {
			return s.Remove(ctx, "s000")
		}
		return nil
	}))
	if i != n {
		t.Errorf("got %d stacks, want %d", i, n)
	}
	var after []string
	must(t, inspect.StacksAfter(ctx, s, "s6975", func(sum runtime.Summary) error {
		after = append(after, sum.Identity.Stack)
		return nil
	}))
	equal(t, "stacks after one", strings.Join(after, " "), "s698 s699")
	must(t, inspect.StacksAfter(ctx, s, "s699", func(sum runtime.Summary) error {
		t.Errorf("%s comes after the last stack", sum.Identity.Stack)
		return nil
	}))
	enough := errors.New("enough")
	wantError(t, s.Stacks(ctx, func(runtime.Summary) error { return enough }), enough)
}

// checkDefinitions: a definition is there as long as a stack or its kept
// history needs it.
func checkDefinitions(t *testing.T, s runtime.Store, again func() runtime.Store) {
	keep := graph.History{Cycles: 4}
	a, b := newStack("a"), newStack("b")
	adopt := func(st *stack, hash string) {
		t.Helper()
		c := st.commit(0)
		if st.cursor.Seq == 0 {
			c = st.commit(1, whole("log", []any{}))
		}
		c.Cursor.Hash = hash
		c.Graph = &runtime.StoredGraph{Hash: hash, Name: "of " + hash, Def: []byte("{}"), Source: []byte(strings.Repeat(hash, 5000))}
		must(t, s.Commit(ctx, c))
	}
	there := func(hash string, want bool) {
		t.Helper()
		g, err := s.Graph(ctx, hash)
		if want {
			must(t, err)
			equal(t, "source", string(g.Source), strings.Repeat(hash, 5000))
		} else {
			wantError(t, err, runtime.ErrNotFound)
		}
	}
	wantError(t, s.Commit(ctx, under(newStack("c").commit(1), "h1")), runtime.ErrNoGraph)
	adopt(a, "h1")
	must(t, s.Commit(ctx, under(b.commit(1, whole("log", []any{})), "h1")))
	adopt(b, "h1")
	adopt(a, "h2")
	for i := range 20 {
		if i == 10 {
			there("h1", true)
			must(t, s.Remove(ctx, "b"))
			there("h1", false)
			there("h2", true)
			adopt(a, "h3")
		}
		if i == 12 {
			there("h2", true)
		}
		a.step(t, s, keep, i)
	}
	s = again()
	there("h2", false)
	there("h3", true)
	must(t, s.Remove(ctx, "a"))
	there("h3", false)
}

// under is a commit under a definition that the store has.
func under(c runtime.Commit, hash string) runtime.Commit {
	c.Cursor.Hash, c.Graph = hash, &runtime.StoredGraph{Hash: hash}
	return c
}
