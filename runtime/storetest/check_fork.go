package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

// forked is a stack that may be a fork, with its state after each of its commits.
type forked struct {
	*stack
	id   journal.Identity
	was  map[uint64]map[string]any // by the last record
	keep graph.History
}

// forest is the stacks of one store that are forked by chance.
type forest struct {
	rng  *rand.Rand
	all  map[string]*forked
	made int
}

// checkForksByChance has stacks continue, forks made of them and of their past, and stacks
// removed in any order: what a fork shares stays as it was.
func checkForksByChance(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for seed := range uint64(3) {
		f := &forest{rng: rand.New(rand.NewPCG(seed, 7)), all: map[string]*forked{}}
		for step := range 250 {
			s = f.step(t, s, again, step)
		}
		for _, name := range slices.Sorted(maps.Keys(f.all)) {
			f.expect(t, s, f.all[name])
		}
		s = again()
		for _, name := range slices.Sorted(maps.Keys(f.all)) {
			f.expect(t, s, f.all[name])
			must(t, s.Remove(t.Context(), name))
		}
	}
}

func (f *forest) step(t *testing.T, s runtime.Store, again func() runtime.Store, step int) runtime.Store {
	names := slices.Sorted(maps.Keys(f.all))
	if len(names) == 0 {
		f.start(t, s)
		return s
	}
	st := f.all[names[f.rng.IntN(len(names))]]
	switch n := f.rng.IntN(20); {
	case n == 0 && len(names) < 5:
		f.start(t, s)
	case n < 3 && len(names) < 5:
		f.fork(t, s, st)
	case n == 4 && len(names) > 1:
		must(t, s.Remove(t.Context(), st.name))
		delete(f.all, st.name)
	case n == 5:
		s = again()
	case n < 8:
		f.expect(t, s, st)
	default:
		f.commit(t, s, st)
	}
	return s
}

func (f *forest) name() string {
	f.made++
	return fmt.Sprint("tree", f.made)
}

func (f *forest) start(t *testing.T, s runtime.Store) {
	st := &forked{stack: newStack(f.name()), was: map[uint64]map[string]any{}}
	if f.rng.IntN(2) == 0 {
		st.keep = graph.History{Cycles: 1 + f.rng.IntN(4)}
	}
	c := st.commit(1, whole("list", []any{}), whole("object", map[string]any{}), whole("one", nil))
	st.id = *c.Create
	must(t, s.Commit(t.Context(), c))
	st.was[st.cursor.Seq] = maps.Clone(st.state)
	f.all[st.name] = st
}

// commit begins a cycle, continues it or ends it, and changes something.
func (f *forest) commit(t *testing.T, s runtime.Store, st *forked) {
	var body journal.Body
	switch end := f.rng.IntN(2) == 0; {
	case !st.cursor.Open:
		st.cursor.Cycle++
		st.cursor.Open, st.cursor.CycleSeq = true, st.cursor.Seq+1
		body = &journal.CycleStarted{}
	case end:
		st.cursor.Open = false
		body = &journal.CycleFinished{}
	default:
		body = &journal.TaskFinished{Node: "n", Attempt: 1, Status: "succeeded", Output: f.text()}
	}
	c := st.commit(1, f.changes(st)...)
	c.Records[0].Body = body
	st.records[len(st.records)-1].Body = body
	c.Keep = st.keep
	must(t, s.Commit(t.Context(), c))
	st.was[st.cursor.Seq] = maps.Clone(st.state)
}

// text is a value that is small or a blob.
func (f *forest) text() string {
	return strings.Repeat(fmt.Sprint(f.rng.IntN(5), " "), 1+f.rng.IntN(2)*1500)
}

func (f *forest) changes(st *forked) (all []graph.Change) {
	list, _ := st.state["list"].([]any)
	if f.rng.IntN(2) == 0 {
		drop := 0
		if len(list) > 0 {
			drop = f.rng.IntN(len(list)) * f.rng.IntN(2)
		}
		left := len(list) - drop
		put := []graph.Element{{At: left, Value: f.text()}}
		if left > 0 && f.rng.IntN(2) == 0 {
			put = append([]graph.Element{{At: f.rng.IntN(left), Value: f.text()}}, put...)
		}
		all = append(all, st.delta("list", drop, put...))
	} else if f.rng.IntN(6) == 0 {
		all = append(all, whole("list", []any{f.text(), f.text()}))
	}
	if f.rng.IntN(2) == 0 {
		all = append(all, st.set("object", map[string]any{fmt.Sprint("p", f.rng.IntN(6)): f.text()}))
	} else if f.rng.IntN(8) == 0 {
		all = append(all, whole("object", map[string]any{"p0": f.text()}))
	}
	if f.rng.IntN(3) == 0 {
		all = append(all, whole("one", f.text()))
	}
	if f.rng.IntN(10) == 0 {
		all = append(all, whole(fmt.Sprint("new", f.rng.IntN(3)), []any{f.text()}))
	}
	return all
}

// fork makes a fork of a stack as it is, or as it was at a checkpoint.
func (f *forest) fork(t *testing.T, s runtime.Store, p *forked) {
	point := journal.Point{Cycle: 1 + f.rng.Uint64N(p.cursor.Cycle+1), Wave: f.rng.Uint64N(2)}
	base, err := s.Base(t.Context(), p.name, point)
	must(t, err)
	n := &forked{stack: newStack(f.name()), was: map[uint64]map[string]any{}, keep: p.keep}
	maps.Copy(n.keys, p.keys)
	fork := &runtime.Fork{Stack: p.name, Nonce: p.nonce, Base: base.Cursor.Seq, State: p.cursor.Seq, Now: true}
	at := p.cursor
	switch past := f.rng.IntN(2) == 0 && base.Cursor.Seq > 0; {
	case past: // the end of a cycle of the past, with another value
		at = base.Cursor
		fork.State, fork.Now = fork.Base, false
		fork.BaseChanges = []graph.Change{whole("one", "then")}
		n.state = maps.Clone(p.was[at.Seq])
		n.state["one"] = "then"
	case at.Open:
		if fork.From, fork.To = 1, at.Seq; fork.Base > 0 {
			fork.From = max(base.Cursor.CycleSeq, 1)
		}
		n.state = maps.Clone(p.state)
	default:
		fork.Base = fork.State
		n.state = maps.Clone(p.state)
	}
	first := at.Seq + 1
	if fork.To == 0 {
		c := at
		c.CycleSeq = c.Seq + 1
		fork.BaseCursor = &c
		n.was[at.Seq] = maps.Clone(n.state)
		n.cursor = c
	} else {
		first, n.cursor = at.CycleSeq, at
		for seq, state := range p.was { // in any order
			if seq <= at.Seq {
				n.was[seq] = state
			}
		}
		for _, r := range p.records {
			if r.Seq >= fork.From && r.Seq <= fork.To {
				r.Stack = n.name
				n.records = append(n.records, r)
			}
		}
	}
	id := *n.identity()
	id.Origins = []journal.Origin{{From: journal.From{Stack: p.name}, Nonce: p.nonce, CreatedAt: began, Seq: at.Seq + 1, First: first}}
	n.id = id
	c := n.commit(1, whole("one", "forked"))
	c.Create, c.Fork, c.Keep, c.MemoriesOf = &id, fork, n.keep, p.name
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatalf("%v: %+v base %+v P %+v keep %v origins %v", err, *fork, base.Cursor, p.cursor, p.keep, p.id.Origins)
	}
	must(t, s.Commit(t.Context(), c)) // once more, as after an answer that was lost
	n.was[n.cursor.Seq] = maps.Clone(n.state)
	f.all[n.name] = n
}

// expect compares a stack with the model: now, and at its checkpoints.
func (f *forest) expect(t *testing.T, s runtime.Store, st *forked) {
	t.Helper()
	snap, err := s.Load(t.Context(), st.name)
	must(t, err)
	equal(t, "state of "+st.name, value.String(snap.State), value.String(st.state))
	equal(t, "cursor of "+st.name, describe(snap.Cursor), describe(st.cursor))
	equal(t, "identity of "+st.name, describe(snap.Identity), describe(st.id))
	for _, at := range []journal.Point{journal.Beginning, {Cycle: 1 + f.rng.Uint64N(st.cursor.Cycle+1)}} {
		base, err := s.Base(t.Context(), st.name, at)
		must(t, err)
		if seq := base.Cursor.Seq; seq > 0 {
			if base.Cursor.Open {
				t.Fatalf("the base of %s at %v has an open cycle", st.name, at)
			}
			equal(t, fmt.Sprintf("base of %s at record %d", st.name, seq), value.String(base.State), value.String(st.was[seq]))
		}
		from := base.Cursor.Seq + 1
		got := read(t, s, st.name, journal.Want{From: from, Bulk: true})
		i := slices.IndexFunc(st.records, func(r journal.Record) bool { return r.Seq == from })
		if len(got) == 0 && i < 0 {
			continue
		}
		equal(t, "records of "+st.name, lines(got), lines(st.records[i:]))
	}
	if first := st.id.First(); first > 0 {
		got := read(t, s, st.name, journal.Want{})
		if len(got) == 0 || got[0].Seq < first || got[len(got)-1].Seq != st.cursor.Seq {
			t.Fatalf("records of %s begin at %d, want %d or later", st.name, got[0].Seq, first)
		}
	}
}

// checkForkMoved has forks of what is not there any more refused, and nothing done.
func checkForkMoved(t *testing.T, s runtime.Store, again func() runtime.Store) {
	p := newStack("moved")
	must(t, s.Commit(t.Context(), p.commit(1, whole("one", int64(1)))))
	fork := func(name string, change func(*runtime.Fork)) error {
		n := newStack(name)
		n.cursor = p.cursor
		n.cursor.CycleSeq = p.cursor.Seq + 1
		f := &runtime.Fork{Stack: p.name, Nonce: p.nonce, Base: p.cursor.Seq, State: p.cursor.Seq, Now: true, BaseCursor: &p.cursor}
		change(f)
		c := n.commit(1)
		c.Create, c.Fork = n.identity(), f
		return s.Commit(t.Context(), c)
	}
	for name, change := range map[string]func(*runtime.Fork){
		"nonce":      func(f *runtime.Fork) { f.Nonce = "another" },
		"stack":      func(f *runtime.Fork) { f.Stack = "unknown" },
		"now":        func(f *runtime.Fork) { f.Base, f.State = 7, 7 },
		"checkpoint": func(f *runtime.Fork) { f.Base, f.State, f.Now = 7, 7, false },
		"records":    func(f *runtime.Fork) { f.From, f.To = 1, 7 },
	} {
		wantError(t, fork(name, change), runtime.ErrMoved)
	}
	s = again()
	if all := summaries(t, s); len(all) != 1 {
		t.Fatalf("%d stacks, want 1", len(all))
	}
	must(t, fork("fits", func(*runtime.Fork) {}))
	snap, err := s.Load(t.Context(), "fits")
	must(t, err)
	equal(t, "state", value.String(snap.State), `{"one":1}`)
}
