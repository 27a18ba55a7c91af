package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	dag "github.com/dominikbraun/graph"
	"github.com/google/go-cmp/cmp"
)

// Random graphs: the loops are those that dominikbraun/graph finds, and the
// order holds what is in none and comes after none.
func TestLoopsAgreeWithDAG(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(12)
		next := make([][]int, n)
		// From 1 on: the library's search does not find components of the zero vertex.
		d := dag.New(dag.IntHash, dag.Directed())
		for i := range n {
			_ = d.AddVertex(i + 1)
		}
		for range r.IntN(2 * n) {
			a, b := r.IntN(n), r.IntN(n)
			if a != b && d.AddEdge(a+1, b+1) == nil {
				next[a] = append(next[a], b)
			}
		}
		all, err := dag.StronglyConnectedComponents(d)
		if err != nil {
			t.Fatal(err)
		}
		var want [][]int
		for _, part := range all {
			for i := range part {
				part[i]--
			}
			if slices.Sort(part); len(part) > 1 {
				want = append(want, part)
			}
		}
		slices.SortFunc(want, func(a, b []int) int { return a[0] - b[0] })
		got := findLoops(next)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d: %v: %s", seed, next, d)
		}
		for _, loop := range got {
			path := loopPath(loop[0], loop, next)
			for i := 1; i < len(path); i++ {
				if !slices.Contains(next[path[i-1]], path[i]) || path[0] != path[len(path)-1] {
					t.Fatalf("seed %d: %v is no loop", seed, path)
				}
			}
		}
		if len(got) == 0 {
			checkOrder(t, topological(reversed(next)), next)
		}
	}
}

func checkOrder(t *testing.T, order []int, next [][]int) {
	t.Helper()
	at := make([]int, len(next))
	for p, i := range order {
		at[i] = p
	}
	for i, to := range next {
		for _, j := range to {
			if at[i] >= at[j] || len(order) != len(next) {
				t.Fatalf("%v does not order %d before %d", order, i, j)
			}
		}
	}
}

// chain is n nodes in a row, each edge with a condition, all writing one key.
func chain(n int) string {
	var nodes, edges []string
	for i := range n {
		nodes = append(nodes, fmt.Sprintf(`{"id": "n%d", "uses": "set", "with": {"n": "${{ state.n + %d }}"}, "writes": [{"key": "n", "short": true, "expr": ""}]}`, i, i))
		from := "start"
		if i > 0 {
			from = fmt.Sprintf("n%d", i-1)
		}
		edges = append(edges, fmt.Sprintf(`{"from": "%s", "to": "n%d", "when": "state.n >= %d && len(state.list) == 0"}`, from, i, i))
	}
	return `{` + start + `, "nodes": [` + strings.Join(nodes, ",") + `], "edges": [` + strings.Join(edges, ",") + `]}`
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			def := define(b, chain(n))
			for b.Loop() {
				if g, problems := Compile(def, testKinds); g == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
