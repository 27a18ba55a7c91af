package machine

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// TestForEachBound: a list of more than MaxElements fails its node before
// anything is laid out for its elements; one of MaxElements runs.
func TestForEachBound(t *testing.T) {
	t.Parallel()
	g := compile(t, `
graphrun: 1
name: many
state: {n: integer}
nodes: {a: {uses: work, retry: {attempts: 3}, for_each: {in: 1..state.n, max: 1}}}
edges: [{to: a}]
pause: 1s
limits: {cycles: 1}
`)
	for n, want := range map[int64]*journal.Failure{
		MaxElements:     nil,
		MaxElements + 1: {Kind: "limit", Message: "for_each has 100001 elements, at most 100000 are allowed", Permanent: true},
	} {
		r := newRig(t, g)
		if err := r.start(nil, map[string]any{"n": n}); err != nil {
			t.Fatal(err)
		}
		do(r, "wake")
		var got *journal.Failure
		for _, rec := range r.records {
			if b, ok := rec.Body.(*journal.TaskFinished); ok {
				got = b.Error
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d elements: %s", n, diff)
		}
		if tasks := len(r.m.wave.tasks); want == nil && tasks != MaxElements {
			t.Errorf("%d tasks were laid out, want %d", tasks, MaxElements)
		}
	}
}
