package machine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/randomgraph"
)

// A pipeline comes to the same, whether its nodes wait and are answered in any order, or
// are there at once.
func TestOnceIsTheSameWithoutWaiting(t *testing.T) {
	t.Parallel()
	compared, held := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := randomgraph.DrawPlain(rt, false)
		p.Once = true
		steady(&p)
		waits := withoutWaits(p)
		src := p.YAML()
		g, ok := tryCompile(src)
		plain, same := tryCompile(waits.YAML())
		if !ok || !same {
			rt.Skip()
		}
		fails := map[string]bool{}
		for _, n := range p.Nodes {
			fails[n.Name] = randomgraph.Chance(rt, "fails", 4) && !n.Waits // a `set` does not
		}
		want := passOf(rt, newRig(t, plain), fails)
		r := newRig(t, g)
		r.crashAt = rapid.IntRange(0, 30).Draw(rt, "crash")
		got := passOf(rt, r, fails)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatalf("%s\n(-with set +with waits)\n%s", src, d)
		}
		checkReplay(t, r)
		compared++
		if r.m.Cursor().Counts.Cycles > 1 {
			held++
		}
	})
	t.Logf("%d graphs, %d of them in more than one cycle", compared, held)
	if !testing.Short() && (compared < 30 || held < 10) {
		t.Error("too few for the test to mean anything")
	}
}

// steady leaves out what depends on when a node runs: writes, who is first, conditions
// over other nodes, and those that fail.
func steady(g *randomgraph.Graph) {
	for k := range g.Nodes {
		n := &g.Nodes[k]
		n.Writes, n.Attempts, n.Cancel = "", 1, false
		n.Waits = n.Waits || k%3 == 1
	}
	for k := range g.Edges {
		if takes(g.Edges[k]) { // else it depends on who is first whether a failure is taken
			n := &g.Nodes[slices.IndexFunc(g.Nodes, func(n randomgraph.Node) bool { return n.Name == g.Edges[k].To })]
			n.Join = "all"
		}
		if e := &g.Edges[k]; strings.HasPrefix(e.When, "nodes.") {
			e.When = fmt.Sprintf(`nodes.%s.status == "succeeded"`, e.From)
			if e.From == "" || e.Again {
				e.When = "state.a"
			}
		} else if strings.Contains(e.When, "&&") { // it may be judged, or too late
			e.When = "state.b"
		}
	}
}

// withoutWaits has `set` in place of what waits.
func withoutWaits(g randomgraph.Graph) randomgraph.Graph {
	g.Nodes = slices.Clone(g.Nodes)
	for k := range g.Nodes {
		n := &g.Nodes[k]
		n.Set, n.Waits = n.Waits, false
	}
	return g
}

// passOf goes through a pass with ends and answers in any order, and tells what its nodes
// came to, and how it ended.
func passOf(t *rapid.T, r *rig, fails map[string]bool) map[string]string {
	if err := r.start(nil, map[string]any{"a": true, "c": true}); err != nil {
		t.Fatal(err)
	}
	for steps := 0; !r.m.Cursor().Status.Ended(); steps++ {
		if steps == 1000 {
			t.Fatal("the pass does not end")
		}
		names := slices.Sorted(maps.Keys(r.tasks))
		for _, w := range r.m.Cursor().Waiting {
			if !w.Answered {
				names = append(names, w.Node)
			}
		}
		due := !r.m.WakeAt().IsZero()
		if due && (len(names) == 0 || rapid.Bool().Draw(t, "wake")) {
			r.wake("")
			r.drain()
			continue
		}
		if len(names) == 0 {
			t.Fatal("nothing of the pass is there to end")
		}
		name := rapid.SampledFrom(names).Draw(t, "next")
		switch {
		case r.tasks[name] == nil:
			r.step(Answer{At: r.clock, Node: name, Output: map[string]any{"approved": true, "comment": nil, "by": nil}})
		case fails[name]:
			r.fail(name, journal.Failure{Kind: "exit"})
		default:
			r.done(name, true)
		}
		r.drain()
	}
	out := map[string]string{}
	for _, s := range r.m.Cursor().Pass.Nodes {
		out[s.Node] = s.Status + " " + s.Reason
	}
	out["the stack"] = string(r.m.Cursor().Status)
	return out
}
