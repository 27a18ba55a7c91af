package paritytest

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/internal/randomgraph"
	"github.com/graphrun/graphrun/nodes"
)

// Random is a random case: a graph of package randomgraph, to which timeouts, pools, priorities,
// nodes in the background and graphs within graphs are added, with random results and random
// moments. A seed always gives the same case.
func Random(seed int) *Case {
	for try := 0; ; try++ { // some graphs do not compile
		if c := random(seed, try); c != nil {
			return c
		}
	}
}

// randomized is a random case that is being made.
type randomized struct {
	*rand.Rand
	g      randomgraph.Graph
	inner  *randomgraph.Graph // of the nodes that run a graph; nil if there are none
	runs   map[string]bool    // those nodes
	queues bool               // attempts may wait for slots
}

func random(seed, try int) *Case {
	draw := rapid.Custom(func(t *rapid.T) randomgraph.Graph { return randomgraph.Draw(t, randomgraph.Chance(t, "calm", 5)) })
	r := randomized{Rand: rand.New(rand.NewPCG(uint64(seed), uint64(try))), runs: map[string]bool{}}
	r.g = draw.Example(1_000_000*try + seed)
	if r.IntN(3) == 0 {
		g := draw.Example(1_000_000*try + seed + 500_000)
		r.inner = &g
	}
	kinds := MachineKinds()
	text := r.dress(r.g, false)
	g := compile(text, r.inner, &r, kinds)
	if g == nil {
		return nil
	}
	c := &Case{Name: fmt.Sprintf("random %d", seed), Kinds: kinds, Stacks: []Start{{ID: "s", Graph: g}}, Until: 20*time.Minute + 1, Text: text, Queues: r.queues || slices.ContainsFunc(r.g.Nodes, queues) || r.inner != nil && slices.ContainsFunc(r.inner.Nodes, queues)}
	c.Work = func(a Attempt) (Reply, bool) { return reply(seed, a), true }
	c.Does = r.moments()
	return c
}

// queues reports whether attempts of a node wait for each other.
func queues(n randomgraph.Node) bool { return n.Each != nil && n.Each.Max > 0 && n.Attempts > 1 }

// dress adds to the text of a graph what package randomgraph does not draw. within says that
// nodes of the other graph run it.
func (r *randomized) dress(g randomgraph.Graph, within bool) string {
	var out strings.Builder
	pools := !within && r.IntN(3) == 0
	for line := range strings.Lines(g.YAML()) {
		var name string
		var found bool
		if name, found = strings.CutPrefix(line, "  "); found {
			name, _, found = strings.Cut(name, ": {uses: work,")
		}
		i := slices.IndexFunc(g.Nodes, func(n randomgraph.Node) bool { return n.Name == name })
		switch {
		case line == "nodes:\n" && pools:
			out.WriteString("pools: {default: {parallel: 2}, slow: {parallel: 1}}\n")
			r.queues = true
		case line == "nodes:\n" && r.IntN(3) == 0:
			out.WriteString("pools: {default: {parallel: 50}}\n")
		case line == "nodes:\n" && tasksOf(&g) > defaultPool:
			r.queues = true
		}
		if !found || i < 0 {
			out.WriteString(line)
			continue
		}
		more := ""
		add := func(in int, text string) {
			if r.IntN(in) == 0 {
				more += text
			}
		}
		n := &g.Nodes[i]
		switch {
		case !within && r.mayRun() && n.Each == nil && r.IntN(3) == 0:
			r.runs[name] = true
			line = strings.Replace(line, "{uses: work,", "{uses: graph, with: {file: inner.yaml},", 1)
			line = strings.Replace(line, ": output}", ": output.a}", 1)
		case pools:
			add(3, ", pool: slow")
			if !g.Eager { // a task of a later wave may come before a slot does
				add(3, fmt.Sprintf(", priority: %d", r.IntN(3)))
			}
		}
		if n.Each == nil { // its elements would time out at the same time, in any order
			add(8, fmt.Sprintf(", timeout: %dms", 500+r.IntN(2500)))
		}
		if !g.Once && !n.Latch && n.Join != "first" {
			add(10, ", background: true")
		}
		out.WriteString(strings.TrimSuffix(line, "}\n") + more + "}\n")
	}
	return out.String()
}

// mayRun reports whether one more node may run the other graph. The pool that every graph has is
// shared by the graph's stacks in the embedded engine alone, so its four slots have to be enough
// for all of them. Under `waves: eager` two of them that end at the same time may be committed in
// either order.
func (r *randomized) mayRun() bool {
	if r.inner == nil {
		return false
	}
	return len(r.runs) == 0 || !r.g.Eager && (len(r.runs)+1)*tasksOf(r.inner) <= defaultPool
}

// defaultPool is how many slots the pool has that every graph has.
const defaultPool = 4

// tasksOf is how many attempts of a graph may run at the same time.
func tasksOf(g *randomgraph.Graph) (n int) {
	for i := range g.Nodes {
		switch {
		case g.Nodes[i].Each != nil:
			n += len(randomgraph.EachKeys)
		case !g.Nodes[i].Waits:
			n++
		}
	}
	return n
}

// compile compiles a graph; nil if something is wrong with it.
func compile(text string, inner *randomgraph.Graph, r *randomized, kinds *nodes.Registry) *graph.Graph {
	def, problems := dsl.Parse("random.yaml", []byte(text))
	if problems.HasErrors() {
		return nil
	}
	for i := range def.Nodes {
		n := &def.Nodes[i]
		if !r.runs[n.ID.Value] {
			continue
		}
		text := r.dress(*inner, true)
		within, problems := dsl.Parse("inner.yaml", []byte(text))
		if problems.HasErrors() {
			return nil
		}
		within.Name = diag.Plain("inner")
		n.Graph = &within
	}
	g, problems := graph.Compile(def, kinds)
	if problems.HasErrors() || g == nil || len(g.Missing) > 0 {
		return nil
	}
	kept, err := Stored(g, kinds)
	if err != nil {
		panic(err) // it was compiled
	}
	return kept
}

// reply says what an attempt comes to. All that it depends on is the attempt.
func reply(seed int, a Attempt) Reply {
	h := fnv.New64a()
	fmt.Fprint(h, seed, a.Stack, a.Cycle, a.Wave, a.Node, a.Item)
	task := rand.New(rand.NewPCG(h.Sum64(), 1)) // what the whole task comes to
	fmt.Fprint(h, a.Try)
	own := rand.New(rand.NewPCG(h.Sum64(), 2))

	out := Reply{Takes: time.Duration(own.IntN(3_000_000)) * time.Microsecond}
	ok, value, misses, asks := task.IntN(4) > 0, task.IntN(2) == 0, task.IntN(4), task.IntN(8) == 0
	if own.IntN(6) == 0 {
		out.Result.Tokens, out.Result.Cost = int64(own.IntN(1000)), float64(own.IntN(100))/4
	}
	if asks && a.Item == "" {
		lingers := time.Duration(1+own.IntN(500_000)) * time.Microsecond
		out.Does = func(ctx context.Context, t nodes.Task, wait Wait) (nodes.Result, error) {
			if len(t.Words) > 0 {
				return nodes.Result{Output: value}, nil
			}
			if err := t.Ask(ctx, []journal.Call{{ID: "1", Tool: "refund", Args: map[string]any{"n": int64(1)}}}); err != nil {
				return nodes.Result{}, err
			}
			if err := wait(ctx, lingers); err != nil {
				return nodes.Result{}, err
			}
			return nodes.Result{}, nodes.ErrHeld
		}
		return out
	}
	if ok && a.Try > misses {
		out.Result.Output = value
		return out
	}
	out.Fails = nodes.Errorf("exit", "attempt %d", a.Try)
	out.Fails.Tokens, out.Fails.Cost = out.Result.Tokens, out.Result.Cost
	if own.IntN(8) == 0 {
		out.Fails.Wait = time.Duration(own.IntN(4_000_000)) * time.Microsecond
	}
	return out
}

// moments are what happens from outside: events, some of them twice, answers, and what an
// operator does.
func (r *randomized) moments() (all []Moment) {
	at := time.Duration(0)
	for n := range r.IntN(30) {
		at += time.Duration(1+r.IntN(4_000_000))*time.Microsecond + time.Duration(r.IntN(999))
		m := Moment{At: at, Stack: "s"}
		node := r.g.Nodes[r.IntN(len(r.g.Nodes))].Name
		switch k := r.IntN(40); {
		case k < 18:
			m.Does, m.ID = Send, fmt.Sprint("e", n)
			m.Event, m.Payload = r.event()
			if r.IntN(5) == 0 {
				all = append(all, m)
				at += time.Duration(1 + r.IntN(1_000_000))
				m.At = at
			}
		case k < 32:
			m.Does, m.Node = Answer, node
			m.Output = map[string]any{"approved": r.IntN(2) == 0, "comment": nil, "by": "Ada"}
			if r.IntN(4) == 0 {
				m.Call = "1"
			}
		case k < 34:
			m.Does = Pause
			all = append(all, m)
			at += time.Duration(1 + r.IntN(5_000_000_000))
			m.At, m.Does = at, Resume
		case k < 36:
			m.Does = Wake
		case k < 38:
			m.Does, m.Node = CancelTask, node
		case k == 38 && r.IntN(3) == 0:
			m.Does, m.Reason = Cancel, "enough"
		case k == 39 && r.IntN(3) == 0:
			m.Does = Stop
		default:
			continue
		}
		if r.IntN(6) == 0 {
			m.By = "Eve"
		}
		all = append(all, m)
	}
	return all
}

// event is an event of a graph, and its payload. Some graphs do not have it.
func (r *randomized) event() (string, any) {
	switch k := r.IntN(10); {
	case k < 2 && r.g.HasEach():
		list := []any{}
		for _, i := range r.Perm(len(randomgraph.EachKeys))[:r.IntN(len(randomgraph.EachKeys)+1)] {
			list = append(list, randomgraph.EachKeys[i])
		}
		return "xs", list
	case k < 5 && r.g.Queue > 0:
		return string("qqr"[r.IntN(3)]), r.IntN(2) == 0
	}
	return string("abcd"[r.IntN(4)]), r.IntN(2) == 0
}
