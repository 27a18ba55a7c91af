package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// maker is a kind whose output is another one at each call, and costs nothing to
// make: only its number is new, and its rows are one of two lists.
type maker struct {
	calls atomic.Int64
	rows  [2][]any
}

func (m *maker) Run(context.Context, nodes.Task) (nodes.Result, error) {
	n := m.calls.Add(1)
	return nodes.Result{Output: map[string]any{"n": n, "rows": m.rows[n%2]}}, nil
}

// makerOf makes outputs of about size bytes: rows of lists, objects, texts and numbers.
func makerOf(size int) *maker {
	m := &maker{}
	for k := range m.rows {
		row := func(i int) any {
			return map[string]any{"id": int64(i), "title": fmt.Sprintf("row %d of version %d", i, k), "score": float64(i) + 0.5,
				"tags": []any{"alpha", "beta \"quoted\"", "gämmä"}, "body": strings.Repeat("some words\n", 8), "done": i%2 == 0}
		}
		each := value.Size(row(100))
		for i := range max(1, size/each) {
			m.rows[k] = append(m.rows[k], row(i))
		}
	}
	return m
}

// BenchmarkOutput is a cycle of one node that writes its whole output to the state:
// all that is done with a value between the node's return and the commit of its wave.
func BenchmarkOutput(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		for _, typ := range []string{"any", "object"} {
			for _, store := range []string{"memory", "kill-safe"} {
				b.Run(fmt.Sprintf("bytes=%d/type=%s/%s", size, typ, store), func(b *testing.B) { output(b, size, typ, store) })
			}
		}
	}
}

func output(b *testing.B, size int, typ, where string) {
	kinds := std.Registry()
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "make"}, Node: makerOf(size)}); err != nil {
		b.Fatal(err)
	}
	of := tree.Of("any")
	if typ == "object" {
		of = tree.Of(map[string]any{"type": "object", "required": []any{"n", "rows"}, "properties": map[string]any{
			"n": "integer",
			"rows": map[string]any{"type": "array", "items": map[string]any{"type": "object", "properties": map[string]any{
				"id": "integer", "title": "string", "score": "number", "tags": "list(string)", "body": "string", "done": "boolean",
			}}},
		}})
	}
	t := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: t("makes"), Pause: graph.PauseDef{None: true}, History: graph.HistoryDef{Cycles: 4},
		State: []graph.KeyDef{{Name: t("rows"), Type: of, Default: tree.Of(map[string]any{"n": 0, "rows": []any{}})}},
		Nodes: []graph.NodeDef{{ID: t("make"), Uses: t("make"), Writes: []graph.WriteDef{{Key: t("rows"), Expr: t("output")}}}},
	}, kinds)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	var store runtime.Store = memstore.New()
	if where != "memory" {
		s, err := boltstore.Open(filepath.Join(b.TempDir(), "bench.db"), boltstore.Options{Durability: runtime.DurabilityNone})
		if err != nil {
			b.Fatal(err)
		}
		store = s
	}
	rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		b.Fatal(err)
	}
	r := &rig{rt: rt}
	b.ReportAllocs()
	b.ResetTimer()
	r.run(b, g, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/cycle")
	if err := rt.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
