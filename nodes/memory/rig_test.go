package memory

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// rig is a memory of a graph in a store, to which a stack writes.
type rig struct {
	t     testing.TB
	store runtime.Store
	of    graph.Memory
	ref   journal.MemoryRef
	seq   uint64
	items []journal.MemoryItem // what is there, oldest first
}

func newRig(t testing.TB, embed string) *rig {
	r := &rig{t: t, store: memstore.New(), of: graph.Memory{Name: "facts", Graph: true, Embed: embed},
		ref: journal.MemoryRef{Graph: "g", Name: "facts"}}
	r.commit(0)
	return r
}

func (r *rig) commit(keep int, list ...journal.MemoryWrite) {
	r.t.Helper()
	c := runtime.Commit{Stack: "s", Memory: []runtime.MemoryWrites{{Ref: r.ref, Keep: keep, Writes: list}}}
	if r.seq++; r.seq == 1 {
		c.Create, c.Memory = &journal.Identity{Stack: "s"}, nil
	}
	c.Cursor.Seq = r.seq
	c.Records = []journal.Record{{Seq: r.seq, Stack: "s", Body: &journal.WaveStarted{}}}
	if err := r.store.Commit(context.Background(), c); err != nil {
		r.t.Fatal(err)
	}
	for _, w := range list {
		r.items = slices.DeleteFunc(r.items, func(it journal.MemoryItem) bool { return it.ID == w.ID })
		if w.Delete {
			continue
		}
		v, _ := base64.StdEncoding.DecodeString(w.Vector)
		r.items = append(r.items, journal.MemoryItem{ID: w.ID, Text: w.Text, Data: w.Data, Vector: v})
		if n := len(r.items) - keep; keep > 0 && n > 0 {
			r.items = r.items[n:]
		}
	}
}

// Read is nodes.Memories.
func (r *rig) Read(ctx context.Context, memory string, after uint64, item func(nodes.MemoryItem) error) (nodes.MemoryState, error) {
	return r.store.Memory(ctx, r.ref, after, item)
}

func (r *rig) task() nodes.Task {
	g := *compiled()
	g.Memories = []graph.Memory{r.of}
	return nodes.Task{Graph: "g", Key: "the key", Memories: r, Of: &g}
}

// compiled is a graph that has providers.
var compiled = sync.OnceValue(func() *graph.Graph {
	kinds := nodes.NewRegistry()
	if err := kinds.Register(nodes.Func("work", func(context.Context, struct{}) (int, error) { return 0, nil })); err != nil {
		panic(err)
	}
	text := func(s string) diag.Text { return diag.Text{Value: s} }
	provider := func(name string) graph.ProviderDef { return graph.ProviderDef{Name: text(name), API: text("openai")} }
	g, problems := graph.Compile(graph.Def{Name: text("g"), Providers: []graph.ProviderDef{provider("p"), provider("q")},
		Nodes: []graph.NodeDef{{ID: text("a"), Uses: text("work")}}}, kinds)
	if err := problems.Err(); err != nil {
		panic(err)
	}
	return g
})

func (r *rig) search(m *Memories, text string, limit int, where func(any) (bool, error)) []string {
	r.t.Helper()
	out, err := m.search(context.Background(), r.task(), "facts", text, limit, where)
	if err != nil {
		r.t.Fatal(err)
	}
	var ids []string
	last := math.Inf(1)
	for _, v := range out.([]any) {
		o := v.(map[string]any)
		if o["score"].(float64) > last {
			r.t.Errorf("search %q: %v is not sorted", text, out)
		}
		last = o["score"].(float64)
		i := slices.IndexFunc(r.items, func(it journal.MemoryItem) bool { return it.ID == o["id"] })
		if i < 0 || r.items[i].Text != o["text"] {
			r.t.Fatalf("search %q: found %v, which is not there", text, o)
		}
		ids = append(ids, o["id"].(string))
	}
	return ids
}

// letters is a model: it counts the letters a to h.
func letters(_ context.Context, _ nodes.Task, _ string, texts []string) ([][]float32, error) {
	var out [][]float32
	for _, text := range texts {
		v := make([]float32, 8)
		for _, c := range strings.ToLower(text) {
			if 'a' <= c && c <= 'h' {
				v[c-'a']++
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *rig) write(m *Memories, id, text string, data any) journal.MemoryWrite {
	r.t.Helper()
	_, w, err := m.Write(context.Background(), r.task(), "facts", id, "key of "+id, text, data)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// naively computes the search from nothing: the rules, written for the reader.
func naively(items []journal.MemoryItem, q string, vector []float32, limit int, where func(any) (bool, error)) []string {
	var texts [][]string
	lengths, total := make([]int, len(items)), 0
	for i, it := range items {
		var list []string
		words(it.Text, true, func(w []byte, counts bool) {
			if list = append(list, string(w)); counts {
				lengths[i]++
				total++
			}
		})
		texts = append(texts, list)
	}
	count := func(i int, w string) (n float64) {
		for _, x := range texts[i] {
			if x == w {
				n++
			}
		}
		return n
	}
	holds := func(i int) bool {
		if where == nil {
			return true
		}
		ok, _ := where(items[i].Data)
		return ok
	}
	type ranked struct {
		i     int
		score float64
	}
	order := func(list []ranked) {
		slices.SortStableFunc(list, func(a, b ranked) int {
			switch {
			case a.score > b.score, a.score == b.score && a.i > b.i:
				return -1
			}
			return 1
		})
	}
	var byWords, byVector []ranked
	n, mean := float64(len(items)), max(float64(total)/max(float64(len(items)), 1), 1)
	for i := range items {
		score := 0.0
		for _, w := range queryWords(q) {
			has := 0.0
			for j := range items {
				if count(j, w) > 0 {
					has++
				}
			}
			if f := count(i, w); f > 0 {
				score += math.Log(1+(n-has+0.5)/(has+0.5)) * f * 2.2 / (f + 1.2*(0.25+0.75*float64(lengths[i])/mean))
			}
		}
		if score > 0 && holds(i) {
			byWords = append(byWords, ranked{i, score})
		}
		if raw := items[i].Vector; len(raw) > 0 && len(raw) == 4*len(vector) && holds(i) {
			var v vectors
			v.dims = len(vector)
			v.add(0, raw)
			v.cosines(vector, func(_ int32, c float32) { byVector = append(byVector, ranked{i, float64(c)}) })
		}
	}
	order(byWords)
	order(byVector)
	best := byWords
	if vector != nil {
		sums := map[int]float64{}
		for _, list := range [][]ranked{byWords, byVector} {
			for rank, h := range list {
				sums[h.i] += 1 / float64(60+rank+1)
			}
		}
		best = nil
		for i := range items {
			if s, found := sums[i]; found {
				best = append(best, ranked{i, s})
			}
		}
		order(best)
	}
	var ids []string
	for _, h := range best[:min(len(best), limit)] {
		ids = append(ids, items[h.i].ID)
	}
	return ids
}

var anyMap = schema.MapOf(schema.AnyType)

func kindOfError(err error) string {
	if e, ok := err.(*nodes.Error); ok {
		return fmt.Sprint(e.Kind, map[bool]string{true: "!"}[e.Permanent])
	}
	return fmt.Sprint(err)
}
