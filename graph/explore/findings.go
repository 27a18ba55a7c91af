package explore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/trial"
)

// findings joins what the workers have found.
type findings struct {
	x     *Explorer
	found map[fault]shown
}

func newFindings(x *Explorer) *findings { return &findings{x: x, found: map[fault]shown{}} }

// add joins what a worker has found: of two runs the shorter one, then that of the stack
// with the lower number.
func (all *findings) add(found map[fault]shown) {
	for f, s := range found { // in any order: the better one stays
		old, known := all.found[f]
		if !known || s.weight.less(old.weight) || s.weight == old.weight && s.number < old.number {
			all.found[f] = s
		}
	}
}

// enoughStacks is how many stacks have to be explored before anything is called never.
const enoughStacks = 100

// judge adds what was never seen, and drops what was not shown in the end.
func (all *findings) judge(c *cover) {
	g := all.x.s.g
	stopped := 0
	for _, n := range c.stopped {
		stopped += n
	}
	endless := all.x.s.endlessIn(g)
	if stopped > 0 || !all.x.s.endings || c.stacks < enoughStacks || c.plain < 10 {
		delete(all.found, endless)
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; c.ran[i] && n.Pool >= 0 && g.Pools[n.Pool].Parallel == 0 {
			at := n.Def.At.Start
			all.never(fault{kind: Starved, node: n.ID, line: at.Line, column: at.Col}, "its pool %q has no slot: it would wait for ever", g.Pools[n.Pool].Name)
		}
	}
	if c.stacks < enoughStacks {
		return
	}
	for i := range g.Nodes {
		if !c.ran[i] && all.x.reachable(c, i) {
			at := g.Nodes[i].Def.At.Start
			all.never(fault{kind: NeverRun, node: g.Nodes[i].ID, line: at.Line, column: at.Col},
				"node %q never ran in %d stacks", g.Nodes[i].ID, c.stacks)
		}
	}
	for i := range g.Edges {
		if e := &g.Edges[i]; c.edges[i].live == 0 && c.edges[i].dead >= enoughStacks/2 && all.x.mayBeLive(c, e) {
			f := fault{kind: NeverLive, node: g.Nodes[e.To].ID, line: e.At.Start.Line, column: e.At.Start.Col}
			if e.When != nil {
				f.text = e.When.Text().Value
				f.line, f.column = e.When.Text().Span.Start.Line, e.When.Text().Span.Start.Col
			}
			all.never(f, "the edge %s was never live in %d stacks", edgeName(g, e), c.stacks)
		}
	}
	if _, isEndless := all.found[endless]; len(g.Stops) > 0 && stopped == 0 && !isEndless && all.x.s.endings && all.x.neverStops() {
		s := &g.Stops[0]
		at := s.When.Text().Span.Start
		all.never(fault{kind: NeverStopped, text: s.When.Text().Value, line: at.Line, column: at.Col},
			"no stack was ended by a stop in %d stacks", c.stacks)
	}
}

func (s *survey) endlessIn(g *graph.Graph) fault {
	if len(g.Stops) == 0 {
		return fault{kind: Endless}
	}
	return s.endlessFault()
}

func (all *findings) never(f fault, format string, args ...any) {
	all.found[f] = shown{seen: seen{fault: f, message: fmt.Sprintf(format, args...)}}
}

// reachable reports that one of the nodes before a node that never ran did run, so that
// the reason is at the node itself. What only the time brings on is not judged.
func (x *Explorer) reachable(c *cover, i int) bool {
	n := &x.s.g.Nodes[i]
	if n.Final {
		return false
	}
	before := false
	for _, k := range n.In {
		e := &x.s.g.Edges[k]
		if x.s.edges[k].vague {
			return false
		}
		before = before || e.From == graph.Start || c.ran[e.From]
	}
	return before
}

// mayBeLive reports that the source of an edge has had the outcome that the edge asks for.
func (x *Explorer) mayBeLive(c *cover, e *graph.Edge) bool {
	switch {
	case x.s.edges[e.Index].vague || x.s.g.Nodes[e.To].Final:
		return false
	case e.From == graph.Start || e.After:
		return true
	case e.Outcome == graph.Failure:
		return c.failed[e.From]
	case e.Outcome == graph.Always:
		return c.ran[e.From]
	}
	return c.succeeded[e.From]
}

// neverStops reports that no stop was reached by stacks that ran much longer either.
func (x *Explorer) neverStops() bool {
	w := x.newWorker()
	longer := *x
	longer.o.Cycles = x.o.Cycles * 10
	w.x = &longer
	for n := range 10 {
		w.explore(1<<30 + n)
		if slices.Max(w.cover.stopped) > 0 {
			return false
		}
	}
	return true
}

func edgeName(g *graph.Graph, e *graph.Edge) string {
	from, word := "start", "from"
	if e.From != graph.Start {
		from = g.Nodes[e.From].ID
	}
	if e.After {
		word = "after"
	}
	return fmt.Sprintf("%s %s to %s", word, from, g.Nodes[e.To].ID)
}

// order of kinds in a report.
var order = []string{Stuck, Endless, ConditionError, Expression, Schema, Limit, Starved, Grows, NeverRun, NeverLive, NeverStopped}

// list is the findings in their order, by kind and then by place, with their tests.
func (all *findings) list() ([]Finding, []File) {
	faults := make([]shown, 0, len(all.found))
	for _, s := range all.found { // in any order: they are sorted
		faults = append(faults, s)
	}
	slices.SortFunc(faults, func(a, b shown) int {
		return cmp.Or(slices.Index(order, a.kind)-slices.Index(order, b.kind), a.line-b.line, a.column-b.column,
			cmp.Compare(a.node, b.node), cmp.Compare(a.key, b.key), cmp.Compare(a.text, b.text))
	})
	out, tests := make([]Finding, 0, len(faults)), map[string][]trial.Test{}
	names := map[string]int{}
	all.x.tests = map[string]trial.Test{}
	for i := range faults {
		s := &faults[i]
		f := Finding{Kind: s.kind, Node: s.node, Key: s.key, Text: s.text, Line: s.line, Column: s.column, Message: s.message}
		if len(s.run.steps) > 0 {
			all.x.shrink(s)
			f.Message = s.message
			name := testName(s, 0)
			if t, ok := all.test(s, names[name]); ok {
				names[name]++
				f.Test = all.suite(t)
				all.x.tests[f.Test] = t
				tests[s.kind] = append(tests[s.kind], t)
			}
		}
		out = append(out, f)
	}
	var files []File
	for _, kind := range order {
		if len(tests[kind]) > 0 {
			files = append(files, File{Name: all.fileName(kind), Text: all.suite(tests[kind]...)})
		}
	}
	return out, files
}
