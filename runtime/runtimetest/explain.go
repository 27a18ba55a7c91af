package runtimetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime"
)

// Explain says why nodes of a stack ran or did not run in its open or last cycle, and what
// they wait for, as `graphrun explain` does. Without names it has a line for each node.
func (k *Kit) Explain(s *runtime.Stack, nodes ...string) string {
	k.T.Helper()
	text, err := k.explain(s.ID(), 0, nodes)
	if err != nil {
		k.T.Fatalf("explain %q: %v", s.ID(), err)
	}
	return text
}

// explain explains nodes in a cycle; 0 is the open one, or the last.
func (k *Kit) explain(stack string, cycle uint64, nodes []string) (string, error) {
	x, err := inspect.Explain(k.T.Context(), k.Store, k.Kinds, stack, inspect.ExplainOptions{
		Nodes: nodes, Cycle: cycle, Now: time.Now(), Live: &inspect.Live{Driven: true},
	})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = render.Explanation(&b, &x, len(nodes) > 0)
	return b.String(), err
}

// because is the explanation that follows a failure. There is none before the first cycle of
// a stack.
func (k *Kit) because(stack string, cycle uint64, nodes []string) string {
	text, err := k.explain(stack, cycle, nodes)
	if err != nil {
		return ""
	}
	return "\n" + text
}

// WantWaves compares the waves of a stack with those wanted, in the form of Waves. A failure
// explains the nodes of the first cycle that differs.
func (k *Kit) WantWaves(s *runtime.Stack, want ...string) {
	k.T.Helper()
	got := k.Waves(s.ID())
	diff := cmp.Diff(want, got)
	if diff == "" {
		return
	}
	k.T.Errorf("stack %q: waves (-want +got):\n%s%s", s.ID(), diff, k.becauseOfWaves(s.ID(), want, got))
}

// becauseOfWaves explains the nodes that ran in one list of waves and not in the other, in the
// first cycle in which they differ.
func (k *Kit) becauseOfWaves(stack string, want, got []string) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	var cycle uint64
	for _, list := range [][]string{want, got} {
		var c uint64
		if i < len(list) {
			if _, err := fmt.Sscanf(list[i], "%d.", &c); err == nil && (cycle == 0 || c < cycle) {
				cycle = c
			}
		}
	}
	if cycle == 0 {
		return ""
	}
	wanted, ran := nodesIn(want, cycle), nodesIn(got, cycle)
	var nodes []string
	for name := range maps.Keys(wanted) { // in any order: sorted below
		if !ran[name] {
			nodes = append(nodes, name)
		}
	}
	for name := range maps.Keys(ran) { // in any order: sorted below
		if !wanted[name] {
			nodes = append(nodes, name)
		}
	}
	slices.Sort(nodes)
	return k.because(stack, cycle, nodes)
}

// nodesIn are the nodes in the waves of a cycle.
func nodesIn(waves []string, cycle uint64) map[string]bool {
	nodes := map[string]bool{}
	for _, w := range waves {
		point, names, _ := strings.Cut(w, " ")
		if strings.HasPrefix(point, fmt.Sprintf("%d.", cycle)) {
			for _, name := range strings.Fields(names) {
				nodes[name] = true
			}
		}
	}
	return nodes
}

// writersOf are the nodes of a stack that write one of some keys.
func (k *Kit) writersOf(stack string, differs func(key string) bool) (nodes []string) {
	sum, err := k.Store.Stack(k.T.Context(), stack)
	if err != nil {
		return nil
	}
	kept, err := k.Store.Graph(k.T.Context(), sum.Cursor.Hash)
	if err != nil {
		return nil
	}
	g, err := inspect.Compile(kept, k.Kinds)
	if err != nil {
		return nil
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if slices.ContainsFunc(n.Writes, func(w graph.Write) bool { return differs(g.Keys[w.Key].Name) }) {
			nodes = append(nodes, n.ID)
		}
	}
	return nodes
}
