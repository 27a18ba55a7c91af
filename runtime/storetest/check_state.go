package storetest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

var ctx = context.Background()

// checkValues: every shape comes back as it was, as a key and as an element,
// and integers are still integers.
func checkValues(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("values")
	var changes []graph.Change
	var all []any
	for name, v := range shapes {
		changes = append(changes, whole(name, v))
		all = append(all, v)
	}
	must(t, s.Commit(ctx, st.commit(2, append(changes, whole("all", all))...)))
	s = again()
	st.expect(t, s)
	snap, err := s.Load(ctx, "values")
	must(t, err)
	for name, want := range shapes {
		if got := snap.State[name]; fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			t.Errorf("%s came back as %T, want %T", name, got, want)
		}
	}
	if got := snap.State["max"]; got != int64(math.MaxInt64) {
		t.Errorf("got %v for the largest integer", got)
	}
}

// checkWhole: keys are replaced by values of any other shape and size, also
// lists that were stored by element.
func checkWhole(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("whole")
	must(t, s.Commit(ctx, st.commit(1, whole("a", []any{"1", "2", "3"}), whole("b", nil))))
	long := strings.Repeat("x", 5000)
	for i, v := range []any{int64(1), long, []any{"4"}, map[string]any{"k": long}, nil, []any{}, long + long, long} {
		must(t, s.Commit(ctx, st.commit(1, whole("a", v))))
		if i%3 == 0 {
			s = again()
		}
		st.expect(t, s)
	}
	must(t, s.Commit(ctx, st.commit(1, whole("later", "a key that was not there before"))))
	st.expect(t, again())
}

// checkLists: elements are appended, replaced and dropped, from a list that
// was stored whole too.
func checkLists(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("lists")
	el := func(at int, v any) graph.Element { return graph.Element{At: at, Value: v} }
	step := func(changes ...graph.Change) {
		t.Helper()
		must(t, s.Commit(ctx, st.commit(1, changes...)))
		s = again()
		st.expect(t, s)
	}
	step(whole("log", []any{}), whole("b", []any{"x"}))
	step(st.delta("log", 0, el(0, "a")))
	step(st.delta("log", 0, el(1, "b"), el(2, nil)), st.delta("b", 0, el(0, "y")))
	step(st.delta("log", 1, el(0, "B"), el(2, int64(3))))
	step(st.delta("log", 3))
	step(st.delta("log", 0, el(0, "again")))
	step(st.delta("log", 1, el(0, "all new"), el(1, "and more")))
	step(whole("log", []any{"w1", "w2", "w3"}))
	step(st.delta("log", 1, el(1, "W3"), el(2, "w4")))
	step(whole("log", []any{}))
	step(st.delta("log", 0, el(0, strings.Repeat("long", 2000))))
	step(st.delta("log", 0, el(0, "short")))
}

// checkListsByChance: long random histories of a few lists.
func checkListsByChance(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		st := newStack(fmt.Sprintf("chance-%d", seed))
		names := []string{"a", "ab", "b"}
		must(t, s.Commit(ctx, st.commit(1, whole("a", []any{}), whole("ab", []any{}), whole("b", []any{}))))
		for i := range 120 {
			var changes []graph.Change
			for _, name := range names {
				switch rnd.IntN(8) {
				case 0, 1, 2, 3:
					changes = append(changes, st.randomDelta(rnd, name))
				case 4:
					if rnd.IntN(4) == 0 {
						changes = append(changes, whole(name, randomList(rnd)))
					}
				}
			}
			must(t, s.Commit(ctx, st.commit(rnd.IntN(3)+1, changes...)))
			if i%40 == 39 {
				s = again()
				st.expect(t, s)
			}
		}
	}
}

func (st *stack) randomDelta(rnd *rand.Rand, name string) graph.Change {
	size := len(st.state[name].([]any))
	drop := 0
	if rnd.IntN(2) == 0 {
		drop = rnd.IntN(size + 1)
	}
	size -= drop
	var put []graph.Element
	for at := range size {
		if rnd.IntN(6) == 0 {
			put = append(put, graph.Element{At: at, Value: randomValue(rnd)})
		}
	}
	for i := range rnd.IntN(5) {
		put = append(put, graph.Element{At: size + i, Value: randomValue(rnd)})
	}
	return st.delta(name, drop, put...)
}

func randomList(rnd *rand.Rand) []any {
	list := []any{}
	for range rnd.IntN(10) {
		list = append(list, randomValue(rnd))
	}
	return list
}

func randomValue(rnd *rand.Rand) any {
	switch rnd.IntN(6) {
	case 0:
		return rnd.Int64()
	case 1:
		return rnd.NormFloat64() + 0.5
	case 2:
		return strings.Repeat("long ", rnd.IntN(1500))
	case 3:
		return []any{rnd.Int64(), nil}
	case 4:
		return map[string]any{"id": fmt.Sprint(rnd.IntN(100)), "done": rnd.IntN(2) == 0}
	}
	return fmt.Sprint("text ", rnd.IntN(1000))
}

// checkLarge: values of many sizes, the same one in many places, and their
// going away.
func checkLarge(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st, other := newStack("large"), newStack("other")
	sizes := []int{1000, 2000, 2040, 2041, 2042, 2043, 2044, 2045, 2046, 2047, 2048, 2049, 4096, 65535, 65536, 300_000, 3_000_000}
	var changes []graph.Change
	for _, n := range sizes {
		changes = append(changes, whole(fmt.Sprintf("k%d", n), strings.Repeat("v", n)))
	}
	must(t, s.Commit(ctx, st.commit(1, changes...)))
	same := strings.Repeat("v", 65536)
	must(t, s.Commit(ctx, other.commit(1, whole("list", []any{same, same}), whole("one", same))))
	s = again()
	st.expect(t, s)
	other.expect(t, s)
	must(t, s.Commit(ctx, st.commit(1, whole("k65536", "gone"))))
	must(t, s.Commit(ctx, other.commit(1, other.delta("list", 1, graph.Element{At: 1, Value: same}))))
	s = again()
	st.expect(t, s)
	other.expect(t, s)
	must(t, s.Remove(ctx, "large"))
	s = again()
	other.expect(t, s)
}

// checkMisfit: a change that does not fit what is stored is refused whole.
// Stores that keep whole values need not notice; they must not take harm.
func checkMisfit(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("misfit")
	must(t, s.Commit(ctx, st.commit(1, whole("log", []any{"a", "b"}), whole("object", map[string]any{"a": "b"}), whole("n", "x"))))
	one := graph.Element{At: 0, Value: "c"}
	for _, bad := range []graph.Change{
		{Name: "log", Value: []any{"c"}, Drop: 5},
		{Name: "log", Value: map[string]any{"c": "d"}, Set: []graph.Property{{Name: "c", Value: "d"}}},
		{Name: "object", Value: []any{"c"}, Put: []graph.Element{one}},
		{Name: "object", Value: []any{}, Drop: 1},
		{Name: "n", Value: "c", Put: []graph.Element{one}},
		{Name: "nothing", Value: map[string]any{"c": "d"}, Set: []graph.Property{{Name: "c", Value: "d"}}},
	} {
		before := *st
		before.state = maps.Clone(st.state)
		if err := s.Commit(ctx, st.commit(1, bad)); err != nil {
			*st = before
		}
		s = again()
		st.expect(t, s)
	}
}

// checkIsolation: a snapshot does not follow later commits.
func checkIsolation(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	st := newStack("isolation")
	must(t, s.Commit(ctx, st.commit(2, whole("log", []any{"a"}), whole("n", int64(1)))))
	snap, err := s.Load(ctx, "isolation")
	must(t, err)
	before := describe(snap)
	must(t, s.Commit(ctx, st.commit(2, st.delta("log", 0, graph.Element{At: 1, Value: "b"}), whole("n", int64(2)))))
	if after := describe(snap); after != before {
		t.Errorf("the snapshot changed:\n got %s\nwant %s", after, before)
	}
	snap.State["n"] = int64(99) // the map is the caller's own
	st.expect(t, s)
}
