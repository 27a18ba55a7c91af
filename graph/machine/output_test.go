package machine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const keeping = `
graphrun: 1
name: keeping
state:
  all: {type: any}
nodes:
  a: {uses: work, retry: {attempts: 2}, writes: {all: output}}
edges:
  - {to: a}
`

func keeper(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, compile(t, keeping))
	r.o.Mask = func(v any) any {
		if list, ok := v.([]any); ok && len(list) == 1 && list[0] == "hush" {
			return []any{"***", "and more"}
		}
		return v
	}
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	return r
}

// A driver may give any value: one beyond the bound fails the attempt.
func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	r := keeper(t)
	r.done("a", strings.Repeat("x", value.MaxBytes-1))
	r.drain()
	b, ok := r.records[len(r.records)-1].Body.(*journal.TaskFinished)
	if !ok || b.Output != nil || b.Error == nil || b.Error.Kind != "output" || b.RetryAt.IsZero() {
		t.Fatalf("got %+v, want a failure of kind output that is tried again", b)
	}
	if want := "the output has 67108865 bytes, at most 67108864 are allowed"; b.Error.Message != want {
		t.Errorf("got %q, want %q", b.Error.Message, want)
	}
}

// An output that is written as it is is not measured again. The rig holds the sizes
// that the machine knows against the state.
func TestSizeOfAnOutputThatIsWritten(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"text", nil, 2.5, []any{"hush"}, []any{}, map[string]any{"a": []any{"hush"}}} {
		r := keeper(t)
		r.done("a", v)
		r.drain()
		if got := r.m.State()["all"]; v != nil && (got == nil || r.m.sizes == nil) {
			t.Errorf("%v was not written", v)
		}
	}
}

// known is a result as a driver gives it.
func (r *rig) known(v any) value.Value {
	known, err := value.Of(v)
	if err != nil {
		r.t.Fatal(err)
	}
	return known
}

// checkSizes holds what the machine knows of the state's size against a walk.
func (r *rig) checkSizes() {
	if r.m.sizes == nil {
		return
	}
	if d := cmp.Diff(graph.Measure(r.m.state.values), *r.m.sizes, cmp.AllowUnexported(graph.Sizes{})); d != "" {
		r.t.Fatalf("the sizes of the state are wrong: %s", d)
	}
}
