package explore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes/std"
)

func load(t testing.TB, path string) *graph.Graph {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, path, string(text))
}

func compile(t testing.TB, name, text string) *graph.Graph {
	t.Helper()
	def, problems := dsl.Parse(name, []byte(text))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	g, more := graph.Compile(def, std.Registry())
	if more.HasErrors() {
		t.Fatal(more)
	}
	return g
}

func BenchmarkExplore(b *testing.B) {
	g := load(b, filepath.Join("..", "..", "graphs", "orchestrator", "orchestrator.graphrun.yaml"))
	cycles := 0
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		x, err := New(g, Options{Stacks: 100, Seed: uint64(n)})
		if err != nil {
			b.Fatal(err)
		}
		r := x.Explore(func() bool { return false })
		cycles += r.Cycles
		if n == 0 {
			for _, f := range r.Findings {
				b.Logf("%+v", f)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(cycles), "ns/cycle")
	b.ReportMetric(float64(cycles)/float64(b.N), "cycles/op")
}
