package machine

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

const many = `
graphrun: 1
name: many
state: {n: integer}
nodes: {a: {uses: work, retry: {attempts: 3}, for_each: {in: 1..state.n, max: 1}}}
edges: [{to: a}]
pause: 1s
limits: {cycles: 1}
`

// TestForEachBound: a list of more than MaxElements fails its node before
// anything is laid out for its elements; one of MaxElements runs.
func TestForEachBound(t *testing.T) {
	t.Parallel()
	g := compile(t, many)
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

// TestForEachBoundOfOpenWave: a wave in a store that was written before there
// was a bound is restored and continues.
func TestForEachBoundOfOpenWave(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, many))
	if err := r.start(nil, map[string]any{"n": int64(2)}); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "running a/0")
	s := r.snapshot()
	s.State["n"] = int64(MaxElements + 1)
	m, err := Restore(r.g, r.o, s, r.clock)
	if err != nil {
		t.Fatal(err)
	}
	if tasks := len(m.wave.tasks); tasks != MaxElements+1 {
		t.Errorf("%d tasks were restored, want %d", tasks, MaxElements+1)
	}
}
