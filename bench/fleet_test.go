package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
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

// The fleet of BenchmarkFleet.
const (
	fleetStacks   = 1000
	fleetStarters = 100
	fleetCycles   = 10
	fleetNodes    = 5
)

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

// BenchmarkFleet runs 1,000 stacks through 10 cycles of 5 nodes each, every
// commit on disk before the next step, and a bare loop that commits as many
// values of the same size for as many writers. The slots of the pool are how
// many tasks run at once: more of them make larger group commits and need more
// memory.
func BenchmarkFleet(b *testing.B) {
	for _, slots := range []int{64, 1000, 4000} {
		b.Run(fmt.Sprint("slots=", slots), func(b *testing.B) { fleet(b, slots) })
	}
}

func fleet(b *testing.B, slots int) {
	var commits, bytes atomic.Int64
	b.Run("stacks", func(b *testing.B) {
		kinds := fanKinds(b)
		g := fan(b, kinds, graph.PauseDef{None: true}, slots)
		memory := watchMemory(b)
		for range b.N {
			commits.Store(0)
			bytes.Store(0)
			runFleet(b, kinds, g, func(c feed.Commit) {
				commits.Add(1)
				if c.Stack != "s0" {
					return // writing records once more would be a part of what is measured
				}
				for _, r := range c.Records {
					bytes.Add(fleetStacks * int64(len(journal.AppendRecord(nil, r, true))))
				}
			})
		}
		memory()
		perOp := b.Elapsed().Seconds() / float64(b.N)
		b.ReportMetric(fleetStacks*fleetCycles/perOp, "cycles/s")
		b.ReportMetric(float64(commits.Load())/perOp, "commits/s")
		b.ReportMetric(float64(bytes.Load())/float64(commits.Load()), "B/commit")
	})
	b.Run("bare", func(b *testing.B) {
		if commits.Load() == 0 {
			b.Skip("there is nothing to compare with")
		}
		each, size := int(commits.Load())/fleetStacks, int(bytes.Load()/commits.Load())
		for range b.N {
			bareGroups(b, each, size)
		}
		perOp := b.Elapsed().Seconds() / float64(b.N)
		b.ReportMetric(float64(commits.Load())/perOp, "commits/s")
	})
}

// watchMemory reports the most memory of its own that the process had, the
// pages of mapped files left out, when the function that it gives is called.
// On Linux; elsewhere it reports nothing.
func watchMemory(b *testing.B) func() {
	goruntime.GC()
	debug.FreeOSMemory()
	var most int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, ownMemory())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		if most > 0 {
			b.ReportMetric(float64(most)/1e3, "MB-most")
		}
	}
}

// ownMemory returns the resident memory that is not mapped from a file, in kB, or 0
// where it is not known.
func ownMemory() (kb int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	_, _ = fmt.Sscan(rest, &kb)
	return kb
}

func runFleet(b *testing.B, kinds *nodes.Registry, g *graph.Graph, note func(feed.Commit)) {
	store, err := boltstore.Open(filepath.Join(b.TempDir(), "fleet.db"), boltstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: kinds, Feed: feed.Of(note)})
	if err != nil {
		b.Fatal(err)
	}
	// A start waits until it is on disk, so many run at once. One goroutine waits for
	// the ends of all of them.
	var all sync.WaitGroup
	stacks := make([]*runtime.Stack, fleetStacks)
	for first := range fleetStarters {
		all.Go(func() {
			for i := first; i < fleetStacks; i += fleetStarters {
				var err error
				if stacks[i], err = rt.Start(b.Context(), g, runtime.StartOptions{ID: fmt.Sprint("s", i), StopAfter: runtime.StopAfter{Cycles: fleetCycles}}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, s := range stacks {
		if s == nil {
			continue
		}
		if r, err := s.Wait(b.Context()); err != nil || r.NodeRuns != fleetCycles*fleetNodes {
			b.Errorf("%d node runs, %v", r.NodeRuns, err)
		}
	}
	if err := rt.Close(b.Context()); err != nil {
		b.Error(err)
	}
}

// bareGroups is bbolt alone: as many writers as stacks, each waiting for its
// value to be on disk before the next, and a loop that commits what has queued
// up.
func bareGroups(b *testing.B, each, size int) {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType, NoFreelistSync: true, Timeout: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	type put struct {
		key  []byte
		done chan struct{}
	}
	value := []byte(strings.Repeat("x", size))
	queue := make(chan put, fleetStacks)
	var writers sync.WaitGroup
	for w := range fleetStacks {
		writers.Go(func() {
			done := make(chan struct{})
			for i := range each {
				queue <- put{fmt.Appendf(nil, "%08x%08x", w, i), done}
				<-done
			}
		})
	}
	go func() {
		writers.Wait()
		close(queue)
	}()
	for first := range queue {
		group := []put{first}
		for more := true; more; {
			select {
			case p, open := <-queue:
				if more = open; open {
					group = append(group, p)
				}
			default:
				more = false
			}
		}
		if err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("records"))
			for i := 0; err == nil && i < len(group); i++ {
				err = bucket.Put(group[i].key, value)
			}
			return err
		}); err != nil {
			b.Fatal(err)
		}
		for _, p := range group {
			p.done <- struct{}{}
		}
	}
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
