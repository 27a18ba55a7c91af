package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/telemetry"
)

// secretWord is a value of the state, which must not be emitted.
const secretWord = "hunter2-of-the-state"

const definition = `{"graphrun": 1, "name": "shop",
	"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}},
		{"name": "words", "type": "list(string)", "default": ["` + secretWord + `"]}],
	"nodes": [
		{"id": "plan", "uses": "work", "retry": {"attempts": 2, "backoff": 1000000000}, "with": {"fail": true}},
		{"id": "each", "uses": "work", "for_each": {"in": "state.words", "as": "w", "key": "w"}, "with": {"fail": false}},
		{"id": "count", "uses": "set", "with": {"one": 1}, "writes": [{"key": "n", "expr": "output.one"}]}],
	"edges": [{"from": ["plan"], "to": ["each"], "outcome": "always"}, {"from": ["each"], "to": ["count"]}],
	"stop": [{"when": "state.n >= 1"}]}`

type input struct {
	Fail bool `json:"fail"`
}

// rig is a runtime that is watched.
type rig struct {
	t       *testing.T
	tel     *telemetry.Telemetry
	spans   *tracetest.SpanRecorder
	metrics *metric.ManualReader
	rt      *runtime.Runtime
	g       *graph.Graph

	mu    sync.Mutex
	below []string // ids of the spans that the work found
}

func newRig(t *testing.T, store runtime.Store, work func(context.Context, input) (string, error)) *rig {
	t.Helper()
	var r *rig
	kinds := std.Registry()
	if err := kinds.Register(nodes.Func("work", func(ctx context.Context, in input) (string, error) {
		r.mu.Lock()
		r.below = append(r.below, trace.SpanContextFromContext(ctx).SpanID().String())
		r.mu.Unlock()
		return work(ctx, in)
	})); err != nil {
		t.Fatal(err)
	}
	r = watched(t, store, kinds, definition)
	return r
}

// watched opens a runtime for a graph, and watches it.
func watched(t *testing.T, store runtime.Store, kinds *nodes.Registry, definition string) *rig {
	t.Helper()
	r := &rig{t: t, spans: tracetest.NewSpanRecorder(), metrics: metric.NewManualReader()}
	var err error
	r.tel, err = telemetry.New(telemetry.Config{
		Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans)),
		Meter:  metric.NewMeterProvider(metric.WithReader(r.metrics)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if kinds, err = r.tel.Kinds(kinds); err != nil {
		t.Fatal(err)
	}
	r.g = compile(t, kinds, definition)
	if r.rt, err = runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: kinds}); err != nil {
		t.Fatal(err)
	}
	if err := r.tel.Attach(r.rt); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) close() {
	r.t.Helper()
	if err := r.rt.Close(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := r.tel.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// tree lists the ended spans, each under its parent, with its status.
func (r *rig) tree() []string {
	ended := r.spans.Ended()
	var lines []string
	for _, s := range ended {
		path := s.Name()
		for p := s.Parent(); p.IsValid(); {
			i := slices.IndexFunc(ended, func(o sdktrace.ReadOnlySpan) bool { return o.SpanContext().SpanID() == p.SpanID() })
			if i < 0 {
				path = "?/" + path
				break
			}
			path = ended[i].Name() + "/" + path
			p = ended[i].Parent()
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", path, s.EndTime().Sub(s.StartTime()), s.Status().Description)))
	}
	slices.Sort(lines)
	return lines
}

func (r *rig) nothingOfTheState(what any) {
	r.t.Helper()
	if s := fmt.Sprintf("%+v", what); strings.Contains(s, secretWord) {
		r.t.Errorf("a value of the state is shown: %s", s)
	}
}

func TestSpansAndMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, memstore.New(), func(_ context.Context, in input) (string, error) {
			<-time.After(time.Second)
			if in.Fail {
				return "", nodes.Errorf("http", "%s", secretWord)
			}
			return secretWord, nil
		})
		s, err := r.rt.Start(t.Context(), r.g, runtime.StartOptions{ID: "one"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"cycle shop 4s",
			"cycle shop/wave 1 3s",
			"cycle shop/wave 1/plan 1s http",
			"cycle shop/wave 1/plan 1s http",
			"cycle shop/wave 2 1s",
			"cycle shop/wave 2/each 1s",
			"cycle shop/wave 3 0s",
			"cycle shop/wave 3/count 0s",
		}
		if diff := cmp.Diff(want, r.tree()); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		for _, id := range r.below {
			i := slices.IndexFunc(r.spans.Ended(), func(s sdktrace.ReadOnlySpan) bool { return s.SpanContext().SpanID().String() == id })
			if i < 0 || r.spans.Ended()[i].Name() != "plan" && r.spans.Ended()[i].Name() != "each" {
				t.Errorf("the work found span %s, none of an attempt", id)
			}
		}
		for _, s := range r.spans.Ended() {
			r.nothingOfTheState(s.Attributes())
			r.nothingOfTheState(s.Name() + s.Status().Description)
		}
		var data metricdata.ResourceMetrics
		if err := r.metrics.Collect(t.Context(), &data); err != nil {
			t.Fatal(err)
		}
		r.nothingOfTheState(data)
		if diff := cmp.Diff(map[string]int64{
			"graphrun.cycles failed=false":       1,
			"graphrun.attempts plan failed http": 2,
			"graphrun.attempts each succeeded":   1,
			"graphrun.attempts count succeeded":  1,
			"graphrun.stacks.finished completed": 1,
			"graphrun.pool.limit default":        4,
			"graphrun.pool.running default":      0,
			"graphrun.pool.queued default":       0,
		}, numbers(t, data)); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
		r.close()
	})
}

// numbers are the sums and gauges, by name and by attributes except the graph.
func numbers(t *testing.T, data metricdata.ResourceMetrics) map[string]int64 {
	out := map[string]int64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			var points []metricdata.DataPoint[int64]
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				points = d.DataPoints
			case metricdata.Gauge[int64]:
				points = d.DataPoints
			}
			for _, p := range points {
				name := []string{m.Name}
				if v, _ := p.Attributes.Value("graphrun.graph"); v.AsString() != "shop" {
					t.Errorf("%s is of graph %q", m.Name, v.AsString())
				}
				for _, k := range []string{"graphrun.node", "graphrun.status", "error.type", "graphrun.stack.status", "graphrun.pool"} {
					if v, ok := p.Attributes.Value(attribute.Key(k)); ok {
						name = append(name, v.AsString())
					}
				}
				if v, ok := p.Attributes.Value("graphrun.failed"); ok {
					name = append(name, fmt.Sprintf("failed=%t", v.AsBool()))
				}
				out[strings.Join(name, " ")] = p.Value
			}
		}
	}
	return out
}

// TestTakenOver: a process that continues a stack in the middle of a cycle emits the
// rest of the cycle, and leaves no span of a cut-off attempt open.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		slow := func(ctx context.Context, in input) (string, error) {
			if in.Fail {
				return "", nodes.Permanent(nodes.Errorf("http", "no"))
			}
			select {
			case <-time.After(time.Hour):
				return "", nil
			case <-ctx.Done():
				return "", context.Cause(ctx)
			}
		}
		first := newRig(t, store, slow)
		if _, err := first.rt.Start(t.Context(), first.g, runtime.StartOptions{ID: "one"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		first.close()
		want := []string{"cycle shop 1m10s cut off", "cycle shop/wave 1 0s", "cycle shop/wave 1/plan 0s http",
			"cycle shop/wave 2 1m10s cut off", "cycle shop/wave 2/each 1m10s cut off"}
		if diff := cmp.Diff(want, first.tree()); diff != "" {
			t.Errorf("before (-want +got):\n%s", diff)
		}
		second := newRig(t, store, slow)
		if _, err := second.rt.Recover(t.Context(), runtime.RecoverOptions{}); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		want = []string{"cycle shop 1h0m0s", "cycle shop/wave 2 1h0m0s", "cycle shop/wave 2/each 1h0m0s",
			"cycle shop/wave 3 0s", "cycle shop/wave 3/count 0s"}
		if diff := cmp.Diff(want, second.tree()); diff != "" {
			t.Errorf("after (-want +got):\n%s", diff)
		}
		second.close()
	})
}
