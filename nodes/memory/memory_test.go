package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

func TestRanking(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"berlin":  "Berlin is the capital of Germany. Berlin has a river.",
		"paris":   "Paris is the capital of France.",
		"long":    "This very long text mentions Paris once, and a lot of other things that nobody asked for, such as rivers, bridges, markets, trains and rain.",
		"tokyo":   "東京は日本の首都です",
		"kyoto":   "京都は古い都です",
		"strasse": "Die Straße nach Süden",
		"russian": "Столица России — Москва",
		"empty":   "!?",
	}
	for _, test := range []struct {
		query string
		limit int
		want  []string
	}{
		{"paris", 5, []string{"paris", "long"}}, // the shorter text says more of it
		{"BERLIN", 5, []string{"berlin"}},
		{"capital berlin", 5, []string{"berlin", "paris"}}, // both words before one
		{"capital", 1, []string{"paris"}},                  // as often, but in the shorter text
		{"東京", 5, []string{"tokyo"}},                       // not the 京 of Kyoto
		{"京", 5, []string{"kyoto", "tokyo"}},
		{"STRASSE", 5, []string{"strasse"}},
		{"москва", 5, []string{"russian"}},
		{"", 5, nil},
		{"???", 5, nil},
		{"nowhere", 5, nil},
	} {
		r, m := newRig(t, ""), &Memories{}
		for _, id := range []string{"berlin", "paris", "long", "tokyo", "kyoto", "strasse", "russian", "empty"} {
			r.commit(0, r.write(m, id, texts[id], nil))
		}
		if got := r.search(m, test.query, test.limit, nil); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, want %v", test.query, got, test.want)
		}
	}
}

// TestWordsAndVectors: an item that both find comes before one that only one of them finds.
func TestWordsAndVectors(t *testing.T) {
	t.Parallel()
	r, m := newRig(t, "p/letters"), &Memories{Embed: letters}
	r.commit(0, r.write(m, "both", "bad cafe", nil), r.write(m, "words", "cafe zzz hhhhhh gggggg", nil),
		r.write(m, "meaning", "dab face", nil), r.write(m, "neither", "ghhh", nil))
	if got, want := r.search(m, "bad cafe", 3, nil), []string{"both", "words", "meaning"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := r.search(m, "xyz", 3, nil); len(got) > 0 { // no words, and a vector without length
		t.Errorf("got %v", got)
	}
}

// TestIndexByChance: after any writes, deletes and drops a search finds what a search
// from nothing would, whenever it was last read.
func TestIndexByChance(t *testing.T) {
	t.Parallel()
	vocabulary := strings.Fields("a b ab cafe Bad FACE 東京 京都 ß x face,bad egg")
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		embed := map[bool]string{true: "p/letters"}[seed%2 == 0]
		r, m := newRig(t, embed), &Memories{Embed: letters}
		text := func() string {
			var list []string
			for range 1 + rnd.IntN(6) {
				list = append(list, vocabulary[rnd.IntN(len(vocabulary))])
			}
			return strings.Join(list, " ")
		}
		keep := 5 + rnd.IntN(40)
		for range 60 {
			for range rnd.IntN(6) {
				var list []journal.MemoryWrite
				for range 1 + rnd.IntN(3) {
					id := fmt.Sprint(rnd.IntN(60))
					if rnd.IntN(8) == 0 {
						list = append(list, journal.MemoryWrite{ID: id, Delete: true})
						continue
					}
					w := r.write(m, id, text(), map[string]any{"n": int64(rnd.IntN(4))})
					if rnd.IntN(5) == 0 {
						w.Vector, w.Model = "", ""
					}
					list = append(list, w)
				}
				r.commit(keep, list...)
			}
			q, limit := text(), 1+rnd.IntN(10)
			var where func(any) (bool, error)
			if rnd.IntN(2) == 0 {
				n := int64(rnd.IntN(4))
				where = func(data any) (bool, error) { return data.(map[string]any)["n"] == n, nil }
			}
			var vector []float32
			if embed != "" {
				list, _ := letters(t.Context(), nodes.Task{}, "", []string{q})
				vector = list[0]
			}
			want := naively(r.items, q, vector, limit, where)
			if d := cmp.Diff(want, r.search(m, q, limit, where)); d != "" {
				t.Fatalf("seed %d: %q among %d items: %s", seed, q, len(r.items), d)
			}
		}
	}
}

// TestWhere: the condition is asked before ranking, so that the limit counts what holds.
func TestWhere(t *testing.T) {
	t.Parallel()
	r, m := newRig(t, ""), &Memories{}
	for i := range 20 {
		r.commit(0, r.write(m, fmt.Sprint(i), "word", map[string]any{"n": int64(i)}))
	}
	even := func(data any) (bool, error) { return data.(map[string]any)["n"].(int64)%2 == 0, nil }
	if got, want := r.search(m, "word", 3, even), []string{"18", "16", "14"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	_, err := m.search(t.Context(), r.task(), "facts", "word", 3, func(any) (bool, error) { return false, errors.New("no such field") })
	if err == nil || !strings.Contains(err.Error(), "no such field") || !strings.Contains(err.Error(), "item") {
		t.Errorf("got %v", err)
	}
}

// TestReplaceAndDelete: many replacements and deletions leave nothing behind.
func TestReplaceAndDelete(t *testing.T) {
	t.Parallel()
	r, m := newRig(t, "p/letters"), &Memories{Embed: letters}
	for i := range 4000 {
		r.commit(100, r.write(m, fmt.Sprint(i%150), fmt.Sprint("word", i, " face"), nil))
		if i%7 == 0 {
			r.search(m, "face", 1, nil)
		}
	}
	for i := 4000 - 100; i < 4000; i++ {
		if got := r.search(m, fmt.Sprint("word", i), 1, nil); !slices.Equal(got, []string{fmt.Sprint(i % 150)}) {
			t.Fatalf("word%d: %v", i, got)
		}
	}
	for _, e := range m.kept {
		x := e.Value.(*kept).index
		if len(x.ids) != 100 || len(x.items) > 1300 || x.n > 1300 || x.words != 200 {
			t.Errorf("%d ids, %d items, %d vectors, %d words", len(x.ids), len(x.items), x.n, x.words)
		}
	}
}

// TestOldMemoriesAreDropped: what stays in the process is bounded, and what was dropped is
// read again.
func TestOldMemoriesAreDropped(t *testing.T) {
	t.Parallel()
	m := &Memories{Bytes: 400_000}
	var rigs []*rig
	for range 10 {
		r := newRig(t, "")
		for i := range 10 {
			r.commit(0, r.write(m, fmt.Sprint(i), strings.Repeat(fmt.Sprint("word", i, " "), 1000), nil))
		}
		rigs = append(rigs, r)
	}
	for range 2 {
		for _, r := range rigs {
			if got := r.search(m, "word7", 1, nil); !slices.Equal(got, []string{"7"}) {
				t.Errorf("got %v", got)
			}
			if m.amount > m.Bytes || len(m.kept) != m.used.Len() || len(m.kept) == 10 {
				t.Errorf("%d bytes of %d memories", m.amount, len(m.kept))
			}
		}
	}
	m.Bytes = 1 // the one that is searched is there all the same
	if got := rigs[3].search(m, "word7", 1, nil); !slices.Equal(got, []string{"7"}) || len(m.kept) != 1 {
		t.Errorf("got %v, %d memories stay", got, len(m.kept))
	}
}

// TestConcurrentSearches: tasks search while others write; a search finds what was
// committed before it began.
func TestConcurrentSearches(t *testing.T) {
	t.Parallel()
	r, m := newRig(t, "p/letters"), &Memories{Embed: letters, Bytes: 50_000}
	other := newRig(t, "")
	other.commit(0, other.write(m, "1", strings.Repeat("face ", 1000), nil))
	task, others := r.task(), other.task()
	var wg sync.WaitGroup
	committed := make(chan int, 200)
	for range 4 {
		wg.Go(func() {
			for i := range committed {
				out, err := m.Search(context.Background(), task, "facts", fmt.Sprint("word", i, "x"), 200)
				found := false
				for _, v := range out.([]any) {
					found = found || v.(map[string]any)["id"] == fmt.Sprint(i)
				}
				if err != nil || !found {
					t.Errorf("item %d was committed and is not found: %v", i, err)
				}
				if _, err := m.Search(context.Background(), others, "facts", "face", 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 200 {
		w := r.write(m, fmt.Sprint(i), fmt.Sprint("word", i, "x face"), nil)
		list := []journal.MemoryWrite{w}
		if i%10 == 9 {
			list = append(list, journal.MemoryWrite{ID: "none of them"}, journal.MemoryWrite{ID: "none of them", Delete: true})
		}
		r.commit(0, list...)
		committed <- i
	}
	close(committed)
	wg.Wait()
}

func TestWrite(t *testing.T) {
	t.Parallel()
	r, m := newRig(t, ""), &Memories{}
	r.of.Data = anyMap
	one, two := r.write(m, "", "text", nil), r.write(m, "", "text", nil)
	_, other, _ := m.Write(t.Context(), r.task(), "facts", "", "another key", "text", nil)
	if one.ID == "" || one.ID != two.ID || one.ID == other.ID {
		t.Errorf("ids %q, %q, %q", one.ID, two.ID, other.ID)
	}
	if d := cmp.Diff(map[string]any{}, one.Data); d != "" {
		t.Error(d)
	}
	for _, test := range []struct {
		name, memory, id, text string
		data                   any
		want                   string
	}{
		{"unknown memory", "nobody", "1", "text", nil, "config!"},
		{"no text", "facts", "1", "", nil, "config!"},
		{"long text", "facts", "1", strings.Repeat("t", MaxText+1), nil, "limit!"},
		{"long id", "facts", strings.Repeat("t", MaxID+1), "text", nil, "limit!"},
		{"large data", "facts", "1", "text", map[string]any{"x": strings.Repeat("t", MaxData)}, "limit!"},
		{"data of another type", "facts", "1", "text", "x", "schema!"},
	} {
		_, _, err := m.Write(t.Context(), r.task(), test.memory, test.id, "key", test.text, test.data)
		if got := kindOfError(err); got != test.want {
			t.Errorf("%s: got %s (%v), want %s", test.name, got, err, test.want)
		}
	}
	for _, limit := range []int{-1, MaxLimit + 1} {
		if _, err := m.Search(t.Context(), r.task(), "facts", "x", limit); kindOfError(err) != "config!" {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	if _, err := m.Search(t.Context(), nodes.Task{}, "facts", "x", 1); kindOfError(err) != "config!" {
		t.Errorf("without memories: %v", err)
	}
	out, err := m.Search(t.Context(), r.task(), "facts", "x", 0)
	if list, ok := out.([]any); err != nil || !ok || len(list) != 0 || list == nil {
		t.Errorf("an empty memory: %v, %v", out, err)
	}
}

// TestAnotherModel: vectors of another model are an error that names both, for searches
// and writes, until all are replaced.
func TestAnotherModel(t *testing.T) {
	t.Parallel()
	r, m := newRig(t, "p/letters"), &Memories{Embed: letters}
	for i := range 300 {
		r.commit(0, r.write(m, fmt.Sprint(i), fmt.Sprint("face ", strings.Repeat("bad ", i%9), i), nil))
	}
	r.search(m, "face", 3, nil)
	short := func(ctx context.Context, texts []string) ([][]float32, error) {
		list, err := letters(ctx, nodes.Task{}, "", texts)
		for i := range list {
			list[i] = list[i][:5]
		}
		return list, err
	}
	other := *r
	other.of.Embed = "q/short"
	m2 := &Memories{Embed: func(ctx context.Context, _ nodes.Task, _ string, texts []string) ([][]float32, error) {
		return short(ctx, texts)
	}}
	_, err := m2.Search(t.Context(), other.task(), "facts", "face", 1)
	_, _, werr := m2.Write(t.Context(), other.task(), "facts", "1", "", "x", nil)
	for _, err := range []error{err, werr} {
		if kindOfError(err) != "config!" || !strings.Contains(err.Error(), "p/letters") || !strings.Contains(err.Error(), "q/short") || !strings.Contains(err.Error(), "reembed g facts") {
			t.Errorf("got %v", err)
		}
	}
	same := *r // the same name, other dimensions
	if _, err := m2.Search(t.Context(), same.task(), "facts", "face", 1); kindOfError(err) != "config!" || !strings.Contains(err.Error(), "8 dimensions") || !strings.Contains(err.Error(), "5 dimensions") {
		t.Errorf("got %v", err)
	}

	// It breaks off in the middle, and is done again.
	asked, fails := 0, true
	embed := func(ctx context.Context, texts []string) ([][]float32, error) {
		if asked += len(texts); fails && asked > 150 {
			return nil, errors.New("the provider is away")
		}
		return short(ctx, texts)
	}
	done, err := Reembed(t.Context(), r.store, r.ref, "q/short", embed)
	if err == nil || done.Items == 0 || done.Items > 150 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := other.search(m2, "face", 300, nil); len(got) != 300 { // words find them all
		t.Errorf("%d items are found while vectors are made", len(got))
	}
	if _, _, err := m.Write(t.Context(), r.task(), "facts", "late", "", "face", nil); kindOfError(err) != "config!" {
		t.Errorf("a write with the model before: %v", err)
	}
	first := done.Items
	fails = false
	done, err = Reembed(t.Context(), r.store, r.ref, "q/short", embed)
	if want := (Reembedded{Items: 300 - first, Kept: first, Dims: 5}); err != nil || done != want {
		t.Fatalf("%+v, %v; want %+v", done, err, want)
	}
	for i := range other.items {
		v, _ := short(t.Context(), []string{other.items[i].Text})
		other.items[i].Vector = rawOf(v[0])
	}
	q, _ := short(t.Context(), []string{"bad face"})
	want := naively(other.items, "bad face", q[0], 20, nil)
	if got := other.search(m2, "bad face", 20, nil); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := Reembed(t.Context(), r.store, journal.MemoryRef{Graph: "g", Name: "empty"}, "q/short", embed); err != nil {
		t.Error(err)
	}
}
