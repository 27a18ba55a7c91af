package runtime_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// drawn is a pipeline that was drawn by chance: its nodes and edges as JSON, and the nodes
// that fail.
type drawn struct {
	nodes, edges []string
	fails        []string
}

func draw(r *rand.Rand) (d drawn) {
	n := 2 + r.IntN(6)
	for i := range n {
		id := fmt.Sprintf("n%d", i)
		join := []string{"any", "any", "all", "none"}[r.IntN(4)]
		node := fmt.Sprintf(`{"id": %q, "join": {"text": %q}, "uses": `, id, join)
		switch r.IntN(6) {
		case 0:
			node += `"approval", "timeout": 2000000000, "with": {"prompt": "ok?", "default": true}}`
		case 1:
			node += `"wait", "with": {"for": "3s"}}`
		case 2:
			node += `"work", "background": true}`
		case 3:
			d.fails = append(d.fails, id)
			node += `"work"}`
		default:
			node += `"work"}`
		}
		d.nodes = append(d.nodes, node)
		for from := range i {
			if r.IntN(3) == 0 {
				outcome := []string{"success", "success", "failure", "always", "unless_failed"}[r.IntN(5)]
				d.edges = append(d.edges, fmt.Sprintf(`{"from": ["n%d"], "to": [%q], "outcome": %q}`, from, id, outcome))
			}
		}
	}
	return d
}

// split is a pipeline whose nodes are all in graphs of their own, depth deep.
func (d drawn) text(name string, depth int) string {
	if depth == 0 {
		return fmt.Sprintf(`{"graphrun": 1, "name": %q, "once": true, "nodes": [%s], "edges": [%s]}`,
			name, strings.Join(d.nodes, ", "), strings.Join(d.edges, ", "))
	}
	return fmt.Sprintf(`{"graphrun": 1, "name": %q, "once": true, "nodes": [{"id": "sub", "uses": "graph",
		"with": {"file": "inner.yaml"}, "graph": %s}]}`, name, d.text(fmt.Sprintf("inner%d", depth), depth-1))
}

// outcome is what is to be the same however deep the nodes are.
type outcome struct {
	Status journal.Status
	Ends   map[string]string // by node: how its task ended
	Runs   uint64            // without the graph nodes
	Failed string            // kind, message and node of the failure
}

// run runs a pipeline whose nodes are depth deep. With crash, the engine dies on the way.
func (d drawn) run(t *testing.T, depth int, crash time.Duration) (o outcome) {
	t.Helper()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		for i := range d.nodes {
			id := fmt.Sprintf("n%d", i)
			reply := runtimetest.Returns(1)
			if slices.Contains(d.fails, id) {
				reply = runtimetest.Fails("exit", "no "+id)
			}
			k.Node(id, runtimetest.Takes(time.Second, reply))
		}
		start(k, def(t, d.text("top", depth)))
		if crash > 0 {
			k.Forward(crash)
			k.Crash()
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		k.Forward(time.Hour)
		o = outcome{Ends: map[string]string{}}
		c := cursorOf(k, "top")
		o.Status, o.Runs = c.Status, c.Counts.NodeRuns-uint64(depth)
		stack := "top" + strings.Repeat(".sub.1.1", depth)
		for _, rec := range k.Records(stack) {
			if b, ok := rec.Body.(*journal.TaskFinished); ok {
				o.Ends[b.Node] = b.Status
				if b.Error != nil && o.Failed == "" && depth == 0 {
					o.Failed = b.Error.Kind
				}
			}
		}
		if depth > 0 {
			for _, rec := range k.Records("top") {
				if b, ok := rec.Body.(*journal.TaskFinished); ok && b.Error != nil {
					o.Failed = b.Error.Kind
					if want := strings.Repeat("sub/", depth) + "n"; !strings.HasPrefix(b.Error.Path, want) {
						t.Errorf("the failure is at %q, want %s…", b.Error.Path, want)
					}
				}
			}
		}
		if o.Status != journal.Failed {
			o.Failed = "" // it was taken
		}
	})
	return o
}

// TestNodesInAFileOfTheirOwn: moving nodes into a graph within the graph, at any depth,
// changes nothing about what runs and how it ends, also when the engine dies meanwhile.
func TestNodesInAFileOfTheirOwn(t *testing.T) {
	t.Parallel()
	failed, waited := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := draw(r)
		want := d.run(t, 0, 0)
		if want.Status == journal.Failed {
			failed++
		}
		waited += strings.Count(strings.Join(d.nodes, " "), "approval")
		for _, depth := range []int{1, 2} {
			for _, crash := range []time.Duration{0, time.Duration(r.IntN(5000)) * time.Millisecond} {
				if diff := cmp.Diff(want, d.run(t, depth, crash)); diff != "" {
					t.Fatalf("seed %d, depth %d, crash after %s (-flat +within):\n%s\nnodes %s\nedges %s\nfail %v", seed, depth, crash, diff,
						strings.Join(d.nodes, "\n"), strings.Join(d.edges, "\n"), slices.Sorted(maps.Keys(want.Ends)))
				}
			}
		}
	}
	if failed == 0 || waited == 0 {
		t.Errorf("%d pipelines failed and %d nodes waited: the draw is too plain", failed, waited)
	}
}
