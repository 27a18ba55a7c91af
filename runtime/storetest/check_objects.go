package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime"
)

// checkObjects: properties are added and replaced, in an object that was stored
// whole too.
func checkObjects(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("objects")
	step := func(changes ...graph.Change) {
		t.Helper()
		must(t, s.Commit(ctx, st.commit(1, changes...)))
		s = again()
		st.expect(t, s)
	}
	long := strings.Repeat("long", 2000)
	step(whole("o", map[string]any{}), whole("ob", map[string]any{"x": int64(1)}))
	step(st.set("o", map[string]any{"a": "1"}))
	step(st.set("o", map[string]any{"": nil, "b": int64(2)}), st.set("ob", map[string]any{"x": "y"}))
	step(st.set("o", map[string]any{long: long, long + "r": "r", "\u00df \u0000": []any{}}))
	step(st.set("o", map[string]any{long: "short", "a": long, "b": map[string]any{"b": map[string]any{}}}))
	step(whole("o", map[string]any{"w": "whole", "a": nil}))
	step(st.set("o", map[string]any{"a": long}))
	step(st.set("o", map[string]any{"a": "", "c": int64(3)}))
	step(whole("o", map[string]any{}))
	step(st.set("o", map[string]any{"a": "again"}))
	step(whole("o", []any{"a list"}))
	step(st.delta("o", 0, graph.Element{At: 1, Value: "b"}))
	step(whole("o", nil))
	for n := range 70 { // names about as long as what stands for a long one
		step(whole("o", map[string]any{}))
		step(st.set("o", map[string]any{strings.Repeat("n", n): n%2 == 0}))
		if n > 0 {
			step(st.set("o", map[string]any{strings.Repeat("n", n-1): "shorter", strings.Repeat("n", n): nil}))
		}
	}
}

// checkObjectsByChance: long random histories of a few objects.
func checkObjectsByChance(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		st := newStack(fmt.Sprintf("chance-%d", seed))
		names := []string{"a", "ab", "b"}
		must(t, s.Commit(ctx, st.commit(1, whole("a", map[string]any{}), whole("ab", randomObject(rnd)), whole("b", randomObject(rnd)))))
		for i := range 120 {
			var changes []graph.Change
			for _, name := range names {
				switch rnd.IntN(12) {
				case 0, 1, 2, 3, 4, 5:
					changes = append(changes, st.set(name, randomObject(rnd)))
				case 6:
					changes = append(changes, whole(name, randomObject(rnd)))
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

func randomObject(rnd *rand.Rand) map[string]any {
	object := map[string]any{}
	for range rnd.IntN(6) {
		name := fmt.Sprint(rnd.IntN(20))
		if rnd.IntN(4) == 0 {
			name = strings.Repeat(name, 1+rnd.IntN(30))
		}
		object[name] = randomValue(rnd)
	}
	return object
}

// checkManyProperties: a large object, and what is left when it is replaced.
func checkManyProperties(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("many")
	must(t, s.Commit(ctx, st.commit(1, whole("o", map[string]any{}), whole("n", int64(1)))))
	large := map[string]any{}
	for i := range 10_000 {
		large[fmt.Sprint("property ", i)] = int64(i)
	}
	must(t, s.Commit(ctx, st.commit(1, st.set("o", large))))
	s = again()
	st.expect(t, s)
	must(t, s.Commit(ctx, st.commit(1, st.set("o", map[string]any{"property 77": "other", "one more": true}))))
	s = again()
	st.expect(t, s)
	must(t, s.Commit(ctx, st.commit(1, whole("o", map[string]any{"property 77": nil}))))
	must(t, s.Commit(ctx, st.commit(1, st.set("o", map[string]any{"property 78": nil}))))
	s = again()
	st.expect(t, s)
	must(t, s.Remove(ctx, "many"))
}
