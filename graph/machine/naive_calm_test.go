package machine

import (
	"testing"

	"github.com/graphrun/graphrun/internal/randomgraph"
	"pgregory.net/rapid"
)

// Stacks that live long and in which little changes: see foreseen.

// rarely: one in so many inputs cancels the stack.
func rarely(g randomgraph.Graph) int { return 15 * g.Cycles() }

// The machine decides what the naive reading decides over many cycles in which little
// changes, and which begin as the one before, with restarts in between.
func TestCalmAgainstNaive(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) { againstNaive(t, rt, true, seen) })
	t.Logf("compared: %v", seen)
	if testing.Short() {
		return
	}
	for _, what := range []string{"foreseen", "same", "other", "restarted"} {
		if seen[what] < seen["graphs"]/4 || seen["graphs"] < 50 {
			t.Errorf("%s: too few for the test to mean anything", what)
		}
	}
}

// countForeseen notes what became of what the cycle was foreseen to begin with.
func (t *trial) countForeseen(seen map[string]int) {
	f := &t.r.m.foreseen
	if !f.holds || f.body == nil {
		return
	}
	seen["foreseen"]++
	if f.body == t.body {
		seen["same"]++
	} else if t.body != nil {
		seen["other"]++
	}
	t.body = f.body
}
