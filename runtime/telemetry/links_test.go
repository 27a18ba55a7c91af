package telemetry_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel/trace"

	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// Each cycle is a trace of its own, linked to the cycle before.
func TestCyclesAreLinked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := watched(t, memstore.New(), std.Registry(), `{"graphrun": 1, "name": "tick",
			"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
			"nodes": [{"id": "count", "uses": "set", "with": {"one": 1}, "writes": [{"key": "n", "expr": "output.one"}]}],
			"stop": [{"when": "state.n >= 3"}]}`)
		s, err := r.rt.Start(t.Context(), r.g, runtime.StartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.close()
		var cycles []trace.SpanContext
		for _, sp := range r.spans.Ended() {
			if !strings.HasPrefix(sp.Name(), "cycle ") {
				continue
			}
			links := sp.Links()
			switch n := len(cycles); {
			case n == 0 && len(links) != 0:
				t.Errorf("the first cycle has %d links", len(links))
			case n > 0 && (len(links) != 1 || !links[0].SpanContext.Equal(cycles[n-1])):
				t.Errorf("cycle %d has the links %v", n+1, links)
			case n > 0 && sp.SpanContext().TraceID() == cycles[n-1].TraceID():
				t.Errorf("cycle %d is in the trace of the one before", n+1)
			}
			cycles = append(cycles, sp.SpanContext())
		}
		if len(cycles) != 3 {
			t.Errorf("%d cycles", len(cycles))
		}
	})
}
