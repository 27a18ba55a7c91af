package explore

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/trial"
)

// long says that all planted faults are looked for: `make explore`.
var long = os.Getenv("EXPLORE") == "long"

// planted is a graph with a fault, and the same graph without it.
type planted struct {
	kind, about    string // what is found
	faulty, mended *graph.Graph
}

func readPlanted(t *testing.T, path string) planted {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), "-- faulty --\n")
	bad, good, two := strings.Cut(rest, "-- mended --\n")
	if !ok || !two {
		t.Fatal("expected a faulty and a mended graph")
	}
	var p planted
	p.kind, p.about, _ = strings.Cut(strings.TrimSpace(strings.TrimPrefix(head, "finds:")), " ")
	p.faulty, p.mended = compile(t, "faulty.yaml", bad), compile(t, "mended.yaml", good)
	return p
}

func parallel(n int, work func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { work(i) })
	}
	all.Wait()
}

// look explores a graph.
func look(t *testing.T, g *graph.Graph, o Options) (*Explorer, Report) {
	t.Helper()
	o.Parallel, o.Workers = parallel, 2
	x, err := New(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return x, x.Explore(func() bool { return false })
}

// Each planted fault is found, its reproduction fails while it is there and passes when it
// is gone, and nothing is found then.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d planted faults: %v", len(paths), err)
	}
	for i, path := range paths {
		if !long && i%6 != 0 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			p := readPlanted(t, path)
			stacks := 300
			if long {
				stacks = 500
			}
			began := time.Now()
			x, found := look(t, p.faulty, Options{Stacks: stacks, Seed: 1})
			finding := (*Finding)(nil)
			for k := range found.Findings {
				f := &found.Findings[k]
				switch {
				case f.Kind == p.kind && (p.about == "" || p.about == f.Node || p.about == f.Key):
					finding = f
				case f.Kind != p.kind && f.Fails():
					t.Logf("also found: %+v", f)
				}
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
			if finding == nil {
				t.Fatalf("not found; found %+v", found.Findings)
			}
			if finding.Line == 0 || finding.Message == "" {
				t.Errorf("no place or no message: %+v", finding)
			}
			reproduces(t, x, p, finding)
			if _, clean := look(t, p.mended, Options{Stacks: stacks, Seed: 1}); len(clean.Findings) > 0 {
				for _, f := range clean.Findings {
					t.Errorf("found in the mended graph: %+v", f)
				}
			}
		})
	}
}

// reproduces runs the test of a finding on both graphs.
func reproduces(t *testing.T, x *Explorer, p planted, f *Finding) {
	t.Helper()
	if strings.HasPrefix(f.Kind, "never-") || f.Kind == Starved {
		if f.Test != "" {
			t.Errorf("a run cannot show it: %s", f.Test)
		}
		return
	}
	test, ok := x.tests[f.Test]
	if !ok || f.Test == "" {
		t.Fatalf("%s has no test", f.Kind)
	}
	t.Log(f.Test)
	if r := trial.Run(p.faulty, &test, trial.Options{Stuck: IsStuck}); r.Passed() {
		t.Errorf("it passes while the fault is there:\n%s", f.Test)
	}
	if r := trial.Run(p.mended, &test, trial.Options{Stuck: IsStuck}); !r.Passed() {
		t.Errorf("it fails though the fault is gone: %v\n%s", r.Failures, f.Test)
	}
}
