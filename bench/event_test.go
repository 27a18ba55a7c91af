package bench

import (
	"context"
	"path/filepath"
	"slices"
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

// BenchmarkEvent sends an event to a stack that pauses, and waits for its node
// to begin: the event, the cycle and the start of the task are on disk then.
func BenchmarkEvent(b *testing.B) {
	t := diag.Plain
	ran := make(chan time.Time)
	kinds := std.Registry()
	if err := kinds.Register(nodes.Func("tell", func(context.Context, struct{}) (int, error) {
		ran <- time.Now()
		return 1, nil
	})); err != nil {
		b.Fatal(err)
	}
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: t("wakes"), Pause: graph.PauseDef{Set: true, Active: time.Hour},
		State:  []graph.KeyDef{{Name: t("n"), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: t("sum")}}},
		Events: []graph.EventDef{{Name: t("add"), To: t("n")}},
		Nodes:  []graph.NodeDef{{ID: t("node"), Uses: t("tell")}},
	}, kinds)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	store, err := boltstore.Open(filepath.Join(b.TempDir(), "event.db"), boltstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	rt, err := runtime.Open(b.Context(), runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := rt.Start(b.Context(), g, runtime.StartOptions{}); err != nil {
		b.Fatal(err)
	}
	<-ran
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, err := rt.Send(b.Context(), runtime.Send{Stack: "wakes", Event: "add", Payload: 1}); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-ran).Sub(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
	if err := rt.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
