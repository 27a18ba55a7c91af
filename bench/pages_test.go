package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/boltstore"
)

// BenchmarkPages says what pages of the API cost among 100,000 stacks, with the index that a
// server keeps and without it. Every tenth stack has ended; nobody is asked in any.
func BenchmarkPages(b *testing.B) {
	const stacks = 100_000
	t := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: t("many"), Pause: graph.PauseDef{None: true},
		Nodes: []graph.NodeDef{{ID: t("tick"), Uses: t("set"), With: tree.Of(map[string]any{"n": 1})}},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "pages.db")
	open := func(index bool) (*runtime.Runtime, runtime.Store) {
		store, err := boltstore.Open(path, boltstore.Options{Durability: runtime.DurabilityNone})
		if err != nil {
			b.Fatal(err)
		}
		rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: std.Registry(), Index: index})
		if err != nil {
			b.Fatal(err)
		}
		return rt, store
	}
	end := func(rt *runtime.Runtime, store runtime.Store) {
		if err := rt.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	rt, store := open(false)
	var wg sync.WaitGroup
	for hand := range 64 {
		wg.Go(func() {
			for i := hand; i < stacks; i += 64 {
				id := fmt.Sprintf("s%06d", i)
				if _, err := rt.Start(b.Context(), g, runtime.StartOptions{ID: id, Rest: true}); err != nil {
					b.Error(err)
				}
				if i%10 == 0 {
					if err := rt.Cancel(b.Context(), id, "not needed"); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	end(rt, store)
	for _, index := range []bool{true, false} {
		rt, store := open(index)
		if index {
			begun := time.Now()
			if _, err := rt.Recover(b.Context(), runtime.RecoverOptions{}); err != nil {
				b.Fatal(err)
			}
			b.Logf("Recover with an index: %s", time.Since(begun))
		}
		h := api.New(api.Local(rt), api.Options{Store: store, Kinds: std.Registry(), Door: api.Door{Trusted: true}})
		for _, page := range []string{"stacks?limit=100", "stacks?limit=100&after=s050000&status=cancelled", "stacks?status=failed", "stacks?graph=none", "approvals", "overview", "overview?skip=50000", "overview?find=99999"} {
			b.Run(fmt.Sprintf("index=%v/%s", index, page), func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					begun, w := time.Now(), httptest.NewRecorder()
					if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/v1/"+page, nil)); w.Code != http.StatusOK {
						b.Fatalf("%d %s", w.Code, w.Body)
					}
					took = append(took, time.Since(begun))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
			})
		}
		end(rt, store)
	}
}
