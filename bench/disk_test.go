package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/boltstore"
	"github.com/graphrun/graphrun/runtime/feed"
)

// counter is a graph whose cycle is one wave of one `set` that adds to a
// number; ballast is a value of its state that nothing touches.
func counter(b *testing.B, kinds *nodes.Registry, ballast string) *graph.Graph {
	b.Helper()
	t := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: t("counter"),
		State: []graph.KeyDef{
			{Name: t("n"), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: t("sum")}},
			{Name: t("ballast"), Type: tree.Of("string"), Default: tree.Of(ballast)},
		},
		Nodes: []graph.NodeDef{{ID: t("add"), Uses: t("set"), With: tree.Of(map[string]any{"one": 1}),
			Writes: []graph.WriteDef{{Key: t("n"), Expr: t("output.one")}}}},
		Pause: graph.PauseDef{None: true},
	}, kinds)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return g
}

// rig runs one stack on a new file.
type rig struct {
	store   *boltstore.Store
	rt      *runtime.Runtime
	kinds   *nodes.Registry
	bytes   int // of records, as the journal has them
	commits int
}

func open(b *testing.B, d runtime.Durability) *rig {
	b.Helper()
	r := &rig{kinds: std.Registry()}
	var err error
	r.store, err = boltstore.Open(filepath.Join(b.TempDir(), "bench.db"), boltstore.Options{Durability: d})
	if err != nil {
		b.Fatal(err)
	}
	r.rt, err = runtime.Open(b.Context(), runtime.Config{Store: r.store, Kinds: r.kinds, Feed: feed.Of(func(c feed.Commit) {
		r.commits++
		if r.commits <= 100 {
			for _, rec := range c.Records {
				r.bytes += len(journal.AppendRecord(nil, rec, true))
			}
		}
	})})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.rt.Close(b.Context()); err != nil {
			b.Error(err)
		}
		if err := r.store.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}

// run starts or continues the stack, for n cycles.
func (r *rig) run(b *testing.B, g *graph.Graph, n int) {
	b.Helper()
	stop := runtime.StopAfter{Cycles: n}
	s, err := r.rt.Resume(b.Context(), g.Name, runtime.ResumeOptions{StopAfter: stop})
	if err != nil {
		s, err = r.rt.Start(b.Context(), g, runtime.StartOptions{StopAfter: stop})
	}
	if err != nil {
		b.Fatal(err)
	}
	if res, err := s.Wait(b.Context()); err != nil || int(res.Cycles) != n {
		b.Fatalf("%d cycles, %v; want %d", res.Cycles, err, n)
	}
}

// BenchmarkWave is a cycle of one wave at each durability, and a bare bbolt
// transaction that writes as many bytes, once to disk and once not.
func BenchmarkWave(b *testing.B) {
	size := 1024
	for _, d := range []runtime.Durability{runtime.DurabilityWave, runtime.DurabilityCycle, runtime.DurabilityNone} {
		b.Run("durability="+string(d), func(b *testing.B) {
			r := open(b, d)
			g := counter(b, r.kinds, "")
			r.run(b, g, 1)
			before := r.commits
			b.ResetTimer()
			r.run(b, g, b.N)
			b.StopTimer()
			commits := r.commits - before
			size = max(r.bytes/min(r.commits, 100), 1)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(commits), "µs/commit")
			b.ReportMetric(float64(commits)/float64(b.N), "commits/cycle")
			b.ReportMetric(float64(size), "B/commit")
		})
	}
	for _, noSync := range []bool{false, true} {
		b.Run(fmt.Sprintf("bbolt/sync=%t", !noSync), func(b *testing.B) { bare(b, size, noSync) })
	}
}

// bare is the baseline: bbolt alone.
func bare(b *testing.B, size int, noSync bool) {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{NoSync: noSync, FreelistType: bolt.FreelistMapType, Timeout: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	value := []byte(strings.Repeat("x", size))
	b.ResetTimer()
	for i := range b.N {
		err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("records"))
			if err != nil {
				return err
			}
			return bucket.Put(fmt.Appendf(nil, "%016x", i), value)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/commit")
}

// BenchmarkHistory is 100 cycles after 100 and after 10,000.
func BenchmarkHistory(b *testing.B) {
	for _, behind := range []int{100, 10_000} {
		b.Run(fmt.Sprint("after=", behind), func(b *testing.B) {
			r := open(b, runtime.DurabilityNone)
			g := counter(b, r.kinds, "")
			r.run(b, g, behind)
			b.ResetTimer()
			for range b.N {
				r.run(b, g, 100)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/cycle")
		})
	}
}

// bytesPerCycle runs a stack of g and reports what a cycle writes after the first
// ones.
func (r *rig) bytesPerCycle(b *testing.B, g *graph.Graph) {
	b.Helper()
	r.run(b, g, 1)
	before := written(b)
	b.ResetTimer()
	r.run(b, g, b.N)
	b.StopTimer()
	b.ReportMetric(float64(written(b)-before)/float64(b.N), "B/cycle")
}

// BenchmarkState is a cycle that leaves a value of 1 KB or 10 MB untouched, and
// what it writes.
func BenchmarkState(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 20} {
		b.Run(fmt.Sprint("untouched=", size), func(b *testing.B) {
			r := open(b, runtime.DurabilityWave)
			r.bytesPerCycle(b, counter(b, r.kinds, strings.Repeat("x", size)))
		})
	}
}

// BenchmarkMerge is a cycle that merges one property into an object of 100 or
// 100,000, and what it writes.
func BenchmarkMerge(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		b.Run(fmt.Sprint("properties=", size), func(b *testing.B) {
			r := open(b, runtime.DurabilityNone)
			r.bytesPerCycle(b, merger(b, r.kinds, size))
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/cycle")
		})
	}
}

// merger is a graph whose cycle changes one property of an object.
func merger(b *testing.B, kinds *nodes.Registry, size int) *graph.Graph {
	b.Helper()
	t := diag.Plain
	object := make(map[string]any, size)
	for i := range size {
		object[fmt.Sprint("p", i)] = 0
	}
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: t("merger"),
		State: []graph.KeyDef{
			{Name: t("n"), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: t("sum")}},
			{Name: t("object"), Type: tree.Of("map(integer)"), Default: tree.Of(object), Reduce: graph.ReduceDef{Name: t("merge")}},
		},
		Nodes: []graph.NodeDef{{ID: t("add"), Uses: t("set"), With: tree.Of(map[string]any{"one": 1}),
			Writes: []graph.WriteDef{{Key: t("n"), Expr: t("output.one")}, {Key: t("object"), Expr: t(`{"p17": state.n}`)}}}},
		Pause: graph.PauseDef{None: true},
	}, kinds)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return g
}

// written returns how many bytes this process has passed to write calls, where the
// system counts them.
func written(b *testing.B) int {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("the system does not count written bytes")
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "wchar: "); ok {
			v, err := strconv.Atoi(n)
			if err != nil {
				b.Fatal(err)
			}
			return v
		}
	}
	b.Fatal("/proc/self/io has no wchar")
	return 0
}
