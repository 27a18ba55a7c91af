package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// remembered is what a store should have of a memory: written naively, for comparison.
type remembered struct {
	begun bool
	seq   uint64
	items []journal.MemoryItem // oldest first
	model string
	dims  int
}

func (m *remembered) apply(c runtime.MemoryWrites) {
	keep := c.Keep
	if keep == 0 {
		keep = graph.MaxMemoryItems
	}
	m.begun = true
	for _, w := range c.Writes {
		m.items = slices.DeleteFunc(slices.Clone(m.items), func(it journal.MemoryItem) bool { return it.ID == w.ID })
		if len(m.items) == 0 {
			m.model, m.dims = "", 0
		}
		if w.Delete {
			continue
		}
		m.seq++
		it := journal.MemoryItem{Seq: m.seq, ID: w.ID, Text: w.Text, Data: w.Data}
		if v, _ := base64.StdEncoding.DecodeString(w.Vector); len(v) > 0 {
			if m.model == "" {
				m.model, m.dims = w.Model, len(v)/4
			}
			if m.model == w.Model && m.dims == len(v)/4 {
				it.Vector = v
			}
		}
		m.items = append(m.items, it)
		if n := len(m.items) - keep; n > 0 {
			m.items = m.items[n:]
		}
	}
}

func vector(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func recall(t testing.TB, s runtime.Store, ref journal.MemoryRef, after uint64) ([]journal.MemoryItem, journal.MemoryState) {
	t.Helper()
	var items []journal.MemoryItem
	state, err := s.Memory(ctx, ref, after, func(it journal.MemoryItem) error {
		it.Epoch = 0 // the store's own
		it.Vector = bytes.Clone(it.Vector)
		items = append(items, it)
		return nil
	})
	must(t, err)
	return items, state
}

func (m *remembered) expect(t testing.TB, s runtime.Store, ref journal.MemoryRef) journal.MemoryState {
	t.Helper()
	items, state := recall(t, s, ref, 0)
	if d := cmp.Diff(m.items, items); d != "" && len(m.items)+len(items) > 0 {
		t.Fatalf("items of %+v differ:\n%s", ref, d)
	}
	want := journal.MemoryState{ID: state.ID, Seq: m.seq, Count: len(m.items), Deletes: state.Deletes, Model: m.model, Dims: m.dims, Epoch: state.Epoch}
	if len(m.items) > 0 {
		want.First = m.items[0].Seq
		middle := m.items[len(m.items)/2].Seq
		later, _ := recall(t, s, ref, middle)
		if d := cmp.Diff(m.items[len(m.items)/2+1:], later); d != "" && len(later) > 0 {
			t.Fatalf("items after %d differ:\n%s", middle, d)
		}
	}
	if state != want || (state.ID != "") != m.begun {
		t.Fatalf("got %+v, want %+v", state, want)
	}
	return state
}

func writes(ref journal.MemoryRef, keep int, list ...journal.MemoryWrite) runtime.MemoryWrites {
	for i := range list {
		list[i].Memory = ref.Name
	}
	return runtime.MemoryWrites{Ref: ref, Keep: keep, Writes: list}
}

// with is a commit with memories.
func with(c runtime.Commit, changes ...runtime.MemoryWrites) runtime.Commit {
	c.Memory = changes
	return c
}

// checkMemories: writes, replacements, deletes and keep, one by one.
func checkMemories(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("memories")
	must(t, s.Commit(ctx, st.commit(1, whole("n", nil))))
	ref := journal.MemoryRef{Stack: st.name, Name: "facts"}
	m := &remembered{}
	m.expect(t, s, ref)
	long := strings.Repeat("long id ", 20)
	for _, step := range []runtime.MemoryWrites{
		writes(ref, 0, journal.MemoryWrite{ID: "a", Text: "first"}, journal.MemoryWrite{ID: "b", Text: "ß 漢字 \u0000", Data: map[string]any{"n": int64(1), "x": 0.5}}),
		writes(ref, 0, journal.MemoryWrite{ID: "a", Text: "again"}),
		writes(ref, 0, journal.MemoryWrite{ID: long, Text: strings.Repeat("text ", 5000), Data: []any{nil, true}}),
		writes(ref, 0, journal.MemoryWrite{ID: long + "!", Text: ""}),
		writes(ref, 2, journal.MemoryWrite{ID: "c", Text: "two others go"}),
		writes(ref, 2, journal.MemoryWrite{ID: "nobody", Delete: true}),
		writes(ref, 2, journal.MemoryWrite{ID: "c", Delete: true}, journal.MemoryWrite{ID: "d", Text: "d"}),
		writes(ref, 1, journal.MemoryWrite{ID: "d", Text: "the only one"}),
		writes(ref, 1, journal.MemoryWrite{ID: "d", Delete: true}),
		writes(ref, 1, journal.MemoryWrite{ID: "e", Text: "e", Model: "p/m", Vector: vector(1, 2)}),
		writes(ref, 3, journal.MemoryWrite{ID: "f", Text: "of another model", Model: "p/other", Vector: vector(1, 2)}),
		writes(ref, 3, journal.MemoryWrite{ID: "g", Text: "of other dimensions", Model: "p/m", Vector: vector(1, 2, 3)}),
		writes(ref, 3, journal.MemoryWrite{ID: "h", Text: "fits", Model: "p/m", Vector: vector(3, 4)}),
		writes(ref, 3, journal.MemoryWrite{ID: "i", Text: "not base64", Model: "p/m", Vector: "?"}),
	} {
		c := with(st.commit(1), step)
		must(t, s.Commit(ctx, c))
		must(t, s.Commit(ctx, c)) // a repetition changes nothing
		m.apply(step)
		m.expect(t, s, ref)
		s = again()
		m.expect(t, s, ref)
	}
	for _, wrong := range []runtime.MemoryWrites{
		writes(journal.MemoryRef{Name: "x"}, 0),
		writes(journal.MemoryRef{Graph: "g", Stack: st.name, Name: "x"}, 0),
		writes(journal.MemoryRef{Stack: "another", Name: "x"}, 0),
		writes(journal.MemoryRef{Stack: st.name}, 0),
		writes(ref, 0, journal.MemoryWrite{Text: "no id"}),
	} {
		bad := newStack(st.name)
		bad.cursor = st.cursor
		if err := s.Commit(ctx, with(bad.commit(1), wrong)); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
	st.expect(t, again())
}

// checkMemoryDeletes: a reader that has read a memory learns from the state alone
// whether it has to read all again.
func checkMemoryDeletes(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("deletes")
	ref := journal.MemoryRef{Graph: "g", Name: "facts"}
	must(t, s.Commit(ctx, with(st.commit(1, whole("n", nil)), writes(ref, 0, journal.MemoryWrite{ID: "a"}, journal.MemoryWrite{ID: "b"}))))
	_, before := recall(t, s, ref, 0)
	must(t, s.Commit(ctx, with(st.commit(1), writes(ref, 0, journal.MemoryWrite{ID: "b"}, journal.MemoryWrite{ID: "none", Delete: true}))))
	_, replaced := recall(t, s, ref, 0)
	if before.ID == "" || replaced.ID != before.ID || replaced.Deletes != before.Deletes {
		t.Errorf("after a replacement: %+v, before: %+v", replaced, before)
	}
	must(t, s.Commit(ctx, with(st.commit(1), writes(ref, 0, journal.MemoryWrite{ID: "a", Delete: true}))))
	_, deleted := recall(t, s, ref, 0)
	if deleted.ID != before.ID || deleted.Deletes == before.Deletes || deleted.First != 3 {
		t.Errorf("after a delete: %+v, before: %+v", deleted, before)
	}
	must(t, s.Remove(ctx, st.name))
	_, left := recall(t, again(), ref, 0)
	if left.ID = deleted.ID; left != deleted {
		t.Errorf("after the stack was removed: %+v, want %+v", left, deleted)
	}
}

// checkMemoryScopes: a stack's memory is its own and goes with it; a graph's stays.
func checkMemoryScopes(t *testing.T, s runtime.Store, again func() runtime.Store) {
	a, b := newStack("a"), newStack("b")
	shared := journal.MemoryRef{Graph: "g", Name: "facts"}
	all := &remembered{}
	own := map[string]*remembered{"a": {}, "b": {}}
	for i := range 9 {
		for _, st := range []*stack{a, b} {
			ref := journal.MemoryRef{Stack: st.name, Name: "facts"}
			one, two := writes(shared, 0), writes(ref, 0)
			for j := range 100 { // more in all than a store deletes at once
				k := 100*i + j
				one.Writes = append(one.Writes, journal.MemoryWrite{ID: fmt.Sprint(st.name, k%700), Text: fmt.Sprint(k)})
				two.Writes = append(two.Writes, journal.MemoryWrite{ID: fmt.Sprint(k % 800), Text: st.name})
			}
			changes := []graph.Change{whole("n", int64(i))}
			must(t, s.Commit(ctx, with(st.commit(1, changes...), one, two)))
			all.apply(one)
			own[st.name].apply(two)
		}
	}
	s = again()
	all.expect(t, s, shared)
	for name, m := range own {
		m.expect(t, s, journal.MemoryRef{Stack: name, Name: "facts"})
	}

	fork := newStack("fork")
	c := fork.commit(1, whole("n", nil))
	c.MemoriesOf = "a"
	missing := newStack("other").commit(1, whole("n", nil))
	missing.MemoriesOf = "nobody"
	wantError(t, s.Commit(ctx, missing), runtime.ErrNotFound)
	_, err := s.Stack(ctx, "other")
	wantError(t, err, runtime.ErrNotFound)
	must(t, s.Commit(ctx, c))
	must(t, s.Commit(ctx, c))
	late := b.commit(1)
	late.MemoriesOf = "a"
	if err := s.Commit(ctx, late); err == nil {
		t.Error("a stack that is there got the memories of another one")
	}
	must(t, s.Remove(ctx, "a"))
	s = again()
	_, err = s.Memory(ctx, journal.MemoryRef{Stack: "a", Name: "facts"}, 0, nil)
	wantError(t, err, runtime.ErrNotFound)
	ref := journal.MemoryRef{Stack: "fork", Name: "facts"}
	copied := &remembered{begun: true, seq: own["a"].seq, items: own["a"].items}
	copied.expect(t, s, ref)
	one := writes(ref, 0, journal.MemoryWrite{ID: "7", Text: "the copy's own"})
	must(t, s.Commit(ctx, with(fork.commit(1), one)))
	copied.apply(one)
	copied.expect(t, s, ref)
	own["b"].expect(t, s, journal.MemoryRef{Stack: "b", Name: "facts"})
	all.expect(t, s, shared)

	next := newStack("a") // another stack of that name begins without memories
	must(t, s.Commit(ctx, next.commit(1, whole("n", nil))))
	(&remembered{}).expect(t, again(), journal.MemoryRef{Stack: "a", Name: "facts"})
}

// checkMemoriesByChance: long random histories of two stacks of one graph.
func checkMemoriesByChance(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for seed := range uint64(2) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		stacks := []*stack{newStack(fmt.Sprint("a", seed)), newStack(fmt.Sprint("b", seed))}
		refs := []journal.MemoryRef{{Graph: fmt.Sprint("g", seed), Name: "facts"}, {Stack: stacks[0].name, Name: "facts"}, {Stack: stacks[1].name, Name: "facts"}}
		model := map[journal.MemoryRef]*remembered{refs[0]: {}, refs[1]: {}, refs[2]: {}}
		keep := 1 + rnd.IntN(20)
		for i := range 100 {
			which := rnd.IntN(2)
			var changes []runtime.MemoryWrites
			for _, ref := range []journal.MemoryRef{refs[0], refs[1+which]} {
				var list []journal.MemoryWrite
				for range rnd.IntN(4) {
					w := journal.MemoryWrite{ID: fmt.Sprint(rnd.IntN(25)), Delete: rnd.IntN(5) == 0}
					if !w.Delete {
						w.Text, w.Data = strings.Repeat("t", rnd.IntN(30)), randomValue(rnd)
						if rnd.IntN(3) > 0 {
							w.Model, w.Vector = fmt.Sprint("p/", rnd.IntN(8)/7), vector(rnd.Float32(), rnd.Float32())
						}
					}
					list = append(list, w)
				}
				changes = append(changes, writes(ref, keep, list...))
			}
			c := with(stacks[which].commit(1, whole("n", int64(i))), changes...)
			must(t, s.Commit(ctx, c))
			if rnd.IntN(4) == 0 {
				must(t, s.Commit(ctx, c))
			}
			for _, ch := range changes {
				model[ch.Ref].apply(ch)
			}
			if i%50 == 49 {
				s = again()
			}
			if i%10 == 9 {
				for _, ref := range refs {
					if ref.Stack == "" || stackIsThere(s, ref.Stack) {
						model[ref].expect(t, s, ref)
					}
				}
			}
		}
	}
}

func stackIsThere(s runtime.Store, name string) bool {
	_, err := s.Stack(ctx, name)
	return err == nil
}

// checkReembed: other vectors void those before them, and later writes follow.
func checkReembed(t *testing.T, s runtime.Store, again func() runtime.Store) {
	st := newStack("reembed")
	ref := journal.MemoryRef{Stack: st.name, Name: "facts"}
	m := &remembered{}
	step := func(list ...journal.MemoryWrite) {
		t.Helper()
		c := writes(ref, 0, list...)
		must(t, s.Commit(ctx, with(st.commit(1, whole("n", nil)), c)))
		m.apply(c)
	}
	step(journal.MemoryWrite{ID: "a", Text: "a", Model: "p/m", Vector: vector(1, 2)}, journal.MemoryWrite{ID: "b", Text: "b", Model: "p/m", Vector: vector(3, 4)},
		journal.MemoryWrite{ID: "c", Text: "c"}, journal.MemoryWrite{ID: "d", Text: "d"})
	items, before := recall(t, s, ref, 0)
	step(journal.MemoryWrite{ID: "d", Text: "is another one by now"})
	made := func(v ...float32) []byte {
		b, _ := base64.StdEncoding.DecodeString(vector(v...))
		return b
	}
	for i := range items {
		items[i].Vector = made(float32(i), 1, 2)
	}
	if _, err := s.Reembed(ctx, ref, "", items); err == nil {
		t.Error("vectors without a model were taken")
	}
	if _, err := s.Reembed(ctx, ref, "p/n", []journal.MemoryItem{items[0], {Seq: items[1].Seq, ID: "b", Vector: made(1)}}); err == nil {
		t.Error("vectors of different lengths were taken")
	}
	m.expect(t, s, ref)
	reembed := func(items []journal.MemoryItem, want int) {
		t.Helper()
		n, err := s.Reembed(ctx, ref, "p/n", items)
		must(t, err)
		if n != want {
			t.Fatalf("%d items have other vectors, want %d", n, want)
		}
	}
	reembed(items[:1], 1)
	m.items = slices.Clone(m.items)
	m.model, m.dims = "p/n", 3
	m.items[0].Vector, m.items[1].Vector = items[0].Vector, nil // void until it has one of this model
	s = again()
	m.expect(t, s, ref)
	step(journal.MemoryWrite{ID: "late", Text: "of the model before", Model: "p/m", Vector: vector(5, 6)})
	reembed(items[1:], 2) // d was written again
	m.items[1].Vector, m.items[2].Vector = items[1].Vector, items[2].Vector
	after := m.expect(t, s, ref)
	if after.Deletes == before.Deletes {
		t.Error("a reader does not learn of the other vectors")
	}
	step(journal.MemoryWrite{ID: "e", Text: "e", Model: "p/n", Vector: vector(7, 8, 9)})
	s = again()
	m.expect(t, s, ref)
	n, err := s.Reembed(ctx, journal.MemoryRef{Graph: "g", Name: "never written"}, "p/n", items)
	if n != 0 || err != nil {
		t.Errorf("got %d, %v of a memory without items", n, err)
	}
	_, err = s.Reembed(ctx, journal.MemoryRef{Stack: "nobody", Name: "facts"}, "p/n", items)
	wantError(t, err, runtime.ErrNotFound)
}

// checkMemoryReading: the function may use the store, and its error ends the reading.
func checkMemoryReading(t *testing.T, s runtime.Store, _ func() runtime.Store) {
	st := newStack("reading")
	ref := journal.MemoryRef{Stack: st.name, Name: "facts"}
	var list []journal.MemoryWrite
	text := strings.Repeat("x", 10_000)
	for i := range 1500 { // more than a store reads at once
		list = append(list, journal.MemoryWrite{ID: fmt.Sprint(i), Text: text})
	}
	must(t, s.Commit(ctx, with(st.commit(1, whole("n", nil)), writes(ref, 0, list...))))
	n := 0
	state, err := s.Memory(ctx, ref, 0, func(it journal.MemoryItem) error {
		if n++; n == 1 { // an item that is read already, and one that is yet to be read
			return s.Commit(ctx, with(st.commit(1), writes(ref, 0,
				journal.MemoryWrite{ID: "0", Delete: true}, journal.MemoryWrite{ID: "1400", Text: "again"})))
		}
		return nil
	})
	must(t, err)
	if n < 1500 || n > 1501 {
		t.Errorf("%d items were read", n)
	}
	if later, now := recall(t, s, ref, state.Seq); now.Deletes == state.Deletes {
		t.Errorf("a reader does not learn of what was deleted while it read: %+v, %+v, %d more", state, now, len(later))
	}
	enough := errors.New("enough")
	_, err = s.Memory(ctx, ref, 5, func(journal.MemoryItem) error { return enough })
	wantError(t, err, enough)
}

// checkKept: small texts for the whole store.
func checkKept(t *testing.T, s runtime.Store, again func() runtime.Store) {
	for _, step := range []struct{ name, text string }{
		{"a", "one"}, {"b", "ß\u0000"}, {"a", "two"}, {"b", ""}, {strings.Repeat("n", runtime.MaxKeptName), strings.Repeat("t", runtime.MaxKeptText)},
	} {
		must(t, s.Keep(ctx, step.name, step.text))
		s = again()
		got, err := s.Kept(ctx, step.name)
		must(t, err)
		equal(t, "kept text", got, step.text)
	}
	got, err := s.Kept(ctx, "never")
	must(t, err)
	equal(t, "kept text", got, "")
	for _, wrong := range []struct{ name, text string }{{"", "x"}, {strings.Repeat("n", runtime.MaxKeptName+1), "x"}, {"a", strings.Repeat("t", runtime.MaxKeptText+1)}} {
		if err := s.Keep(ctx, wrong.name, wrong.text); err == nil {
			t.Errorf("a name of %d bytes with a text of %d was taken", len(wrong.name), len(wrong.text))
		}
	}
	got, err = s.Kept(ctx, "a")
	must(t, err)
	equal(t, "kept text", got, "two")
}
