package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
)

// writers is a graph of n nodes that write one key, with edges between them.
func writers(n int, edges []string) string {
	var nodes []string
	for i := range n {
		nodes = append(nodes, fmt.Sprintf(`{"id": "n%d", "uses": "set", "with": {"n": 1}, "writes": [{"key": "n", "short": true, "expr": ""}]}`, i))
	}
	return start + `, "nodes": [` + strings.Join(nodes, ",") + `], "edges": [` + strings.Join(edges, ",") + `]`
}

// The pairs are those in which neither is an ancestor of the other, over more
// writers than one pass looks at.
func TestConflictsOfRandomGraphs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 60 + r.IntN(90)
		before := make([][]bool, n) // before[b][a]: a is an ancestor of b
		for i := range before {
			before[i] = make([]bool, n)
		}
		var edges []string
		order := r.Perm(n)
		for i, b := range order {
			edges = append(edges, fmt.Sprintf(`{"to": "n%d"}`, b))
			for _, a := range order[max(0, i-8):i] {
				if r.IntN(4) > 0 {
					continue
				}
				edges = append(edges, fmt.Sprintf(`{"from": "n%d", "to": "n%d"}`, a, b))
				before[b][a] = true
				for x := range n {
					before[b][x] = before[b][x] || before[a][x]
				}
			}
		}
		var want []string
		for b := range n {
			for a := range b {
				if !before[b][a] && !before[a][b] {
					want = append(want, fmt.Sprintf(`"n%d" and "n%d"`, a, b))
				}
			}
		}
		_, problems := compileText(t, writers(n, edges))
		var got []string
		for _, p := range problems {
			if p.Code == diag.WriteConflict {
				pair, _, _ := strings.Cut(p.Message, " can run")
				got = append(got, pair)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d, %d nodes: -want +got:\n%s", seed, n, diff)
		}
	}
}

// A thousand writers are half a million pairs: every writer is named, and how
// many pairs are not.
func TestManyConflicts(t *testing.T) {
	t.Parallel()
	const n = 1000
	_, problems := compileText(t, writers(n, nil))
	named, pairs := map[string]bool{}, 0
	for _, p := range problems {
		if p.Code != diag.WriteConflict {
			continue
		}
		named[strings.Split(p.Message, `"`)[3]] = true
		pairs++
	}
	if len(named) != n-1 || pairs < 10_000 || pairs > 10_000+n {
		t.Errorf("%d writers are named in %d pairs", len(named), pairs)
	}
	last := problems[slices.IndexFunc(problems, func(p diag.Diagnostic) bool { return strings.Contains(p.Message, `"n0" and "n999"`) })]
	if !strings.Contains(last.Help, `"n999" can run in the same wave as 998 more of the nodes before it`) {
		t.Errorf("help: %s", last.Help)
	}
}
