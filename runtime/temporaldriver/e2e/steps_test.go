package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/runtime"
)

const stepsGraph = `
graphrun: 1
name: steps
once: true
state: {made: {type: list(string)}}
nodes:
  agent: {uses: steps, with: {steps: 4, stop: 3}, writes: {made: output}}
`

// TestStepsOutliveTheirWorker: a worker is killed after the second of four durable steps. The next
// attempt, on another worker, has what they came to, and does the other two.
func TestStepsOutliveTheirWorker(t *testing.T) {
	t.Parallel()
	c := sharedCluster(t)
	path := tempFile(t, "ledger")
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: path, Heartbeat: time.Second}
	first := newWorker(t, s)
	k := registry(t, path)
	all := newStacks(t, c.Address(), s.Queue, k)
	if err := all.Start(t.Context(), compile(t, stepsGraph, k), runtime.StartOptions{ID: "steps"}); err != nil {
		t.Fatal(err)
	}
	did := func() (done []string) {
		for _, e := range readLedger(t, path) {
			if e.what == step {
				done = append(done, fmt.Sprintf("%s#%d", e.more, e.attempt))
			}
		}
		return done
	}
	until(t, "the end of the second step", func() bool {
		return slices.ContainsFunc(readLedger(t, path), func(e entry) bool { return e.what == waits })
	})
	first.kill()
	newWorker(t, s)
	out, err := all.Wait(t.Context(), "steps")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"step1#1", "step2#1", "step3#2", "step4#2"}
	if d := cmp.Diff(want, did()); d != "" {
		t.Errorf("the steps that were done (- want, + got):\n%s", d)
	}
	state, _ := out.State.Any().(map[string]any)
	if d := cmp.Diff(want, list(state["made"])); d != "" {
		t.Errorf("what the node made of them (- want, + got):\n%s", d)
	}
	o, err := s.options(nil)
	if err != nil {
		t.Fatal(err)
	}
	all.replay(t, o, "steps")
	all.record(t, "steps_killed", "steps", 1)
}
