package bench

import (
	"context"
	"fmt"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// fleetNodes is how many nodes the graph of fan has.
const fleetNodes = 5

// fan is a graph with one node and four behind it. Each of them only writes a value.
func fan(b *testing.B, kinds *nodes.Registry, pause graph.PauseDef, slots int) *graph.Graph {
	b.Helper()
	t := diag.Plain
	def := graph.Def{Version: 1, Name: t("fan"), Pause: pause,
		Pools: []graph.PoolDef{{Name: t("default"), Parallel: slots}}}
	for i := range fleetNodes {
		key := fmt.Sprint("k", i)
		def.State = append(def.State, graph.KeyDef{Name: t(key), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: t("sum")}})
		def.Nodes = append(def.Nodes, graph.NodeDef{ID: t(fmt.Sprint("n", i)), Uses: t("one"),
			Writes: []graph.WriteDef{{Key: t(key), Expr: t("output")}}})
		if i > 0 {
			def.Edges = append(def.Edges, graph.EdgeDef{From: []diag.Text{t("n0")}, To: []diag.Text{t(fmt.Sprint("n", i))}})
		}
	}
	g, problems := graph.Compile(def, kinds)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return g
}

func fanKinds(b *testing.B) *nodes.Registry {
	kinds := std.Registry()
	if err := kinds.Register(nodes.Func("one", func(context.Context, struct{}) (int, error) { return 1, nil })); err != nil {
		b.Fatal(err)
	}
	return kinds
}

// BenchmarkWaiting opens a store of 100,000 stacks that wait for the end of
// their pause, and wakes one of them.
func BenchmarkWaiting(b *testing.B) {
	const n = 100_000
	kinds := fanKinds(b)
	path := filepath.Join(b.TempDir(), "waiting.db")
	fill(b, path, kinds, n)
	for range b.N {
		store, err := boltstore.Open(path, boltstore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: kinds})
		if err != nil {
			b.Fatal(err)
		}
		before := heap()
		begin := time.Now()
		if got, err := rt.Recover(b.Context(), runtime.RecoverOptions{}); err != nil || got != n {
			b.Fatalf("%d stacks, %v", got, err)
		}
		b.ReportMetric(time.Since(begin).Seconds(), "s/recover")
		b.ReportMetric((heap()-before)/n, "B/stack")
		b.ReportMetric(float64(goruntime.NumGoroutine()), "goroutines")
		begin = time.Now()
		if err := rt.Wake(b.Context(), "s00077777"); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begin).Microseconds()), "µs/wake")
		if err := rt.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func heap() float64 {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// recorder keeps the commits of one stack.
type recorder struct {
	runtime.Store
	list []runtime.Commit
}

func (r *recorder) Commit(ctx context.Context, c runtime.Commit) error {
	err := r.Store.Commit(ctx, c)
	if err == nil && len(c.Records) > 0 {
		r.list = append(r.list, c)
	}
	return err
}

// fill writes n copies of a stack that was run.
func fill(b *testing.B, path string, kinds *nodes.Registry, n int) {
	b.Helper()
	store, err := boltstore.Open(path, boltstore.Options{Durability: runtime.DurabilityNone})
	if err != nil {
		b.Fatal(err)
	}
	made := &recorder{Store: store}
	rt, err := runtime.Open(b.Context(), runtime.Config{Store: made, Kinds: kinds})
	if err != nil {
		b.Fatal(err)
	}
	g := fan(b, kinds, graph.PauseDef{Set: true, Active: 1000 * time.Hour}, 1)
	s, err := rt.Start(b.Context(), g, runtime.StartOptions{ID: "first", StopAfter: runtime.StopAfter{Cycles: 1}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := rt.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	list := made.list
	all := runtime.Commit{Graph: list[0].Graph, Changes: list[0].Changes}
	for _, c := range list {
		all.Records, all.Cursor = append(all.Records, c.Records...), c.Cursor
	}
	next := make(chan int)
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			for i := range next {
				c, id := all, *list[0].Create
				c.Stack = fmt.Sprintf("s%08d", i)
				id.Stack, c.Create = c.Stack, &id
				if err := store.Commit(b.Context(), c); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	writers.Wait()
	if err := store.Remove(b.Context(), "first"); err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
