package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// ExplainOptions say what Explain is about.
type ExplainOptions struct {
	Nodes []string // of the stack's own graph; none means all
	Cycle uint64   // 0 is the open cycle, or the last one
	Now   time.Time
	Live  *Live // what the engine that runs the stack knows; nil if nobody does

	// Compile makes a runnable graph of a stored one; nil is Compile. One that reads the
	// text of the graph again says where the pieces of conditions stand.
	Compile func(journal.StoredGraph) (*graph.Graph, error)

	// Program is the program that hints name; "" is graphrun. Runner is its command that runs
	// stacks; "" is one of those of graphrun.
	Program, Runner string
}

// program is the program that hints name.
func (o *ExplainOptions) program() string { return cmp.Or(o.Program, "graphrun") }

// runner is what runs stacks, as hints name it.
func (o *ExplainOptions) runner() string {
	if o.Runner == "" {
		return "`graphrun run` or `graphrun serve`"
	}
	return "`" + o.Runner + "`"
}

// Live is what the engine knows that runs a stack, beyond what the store has.
type Live struct {
	Driven   bool         // it runs the stack
	Tasks    []TaskStatus // of the present cycle and from earlier ones; nil if it does not say
	WaitsFor []string     // stacks that have to get as far first, in lockstep
}

// UnknownCycleError reports a cycle that a stack does not have, or not any more.
type UnknownCycleError struct {
	Stack       string
	Cycle       uint64
	First, Last uint64 // that there are; Last is 0 if there is none
}

func (e *UnknownCycleError) Error() string {
	switch {
	case e.Last < e.First || e.Last == 0:
		return fmt.Sprintf("stack %q has no cycle %d: none has begun", e.Stack, e.Cycle)
	case e.First == e.Last:
		return fmt.Sprintf("stack %q has no cycle %d: there is cycle %d alone", e.Stack, e.Cycle, e.First)
	case e.Cycle > 0 && e.Cycle < e.First:
		return fmt.Sprintf("stack %q has no cycle %d any more: there are %d to %d (see history in the graph)", e.Stack, e.Cycle, e.First, e.Last)
	}
	return fmt.Sprintf("stack %q has no cycle %d: there are %d to %d", e.Stack, e.Cycle, e.First, e.Last)
}

// Explain says why the nodes of a stack ran or did not run in a cycle, and what the stack
// waits for. The decisions of the cycle are taken again, from the nearest checkpoint that
// the reader has, and each is what was recorded, also under a graph that has changed since.
// Errors: journal.ErrNotFound, *UnknownCycleError, *machine.UnknownNodeError, and those of
// the reader.
func Explain(ctx context.Context, r Reader, kinds graph.Kinds, stack string, o ExplainOptions) (Explanation, error) {
	sum, err := r.Stack(ctx, stack)
	if err != nil {
		return Explanation{}, err
	}
	if sum.Err != nil {
		return Explanation{}, sum.Err
	}
	if o.Compile == nil {
		o.Compile = func(kept journal.StoredGraph) (*graph.Graph, error) { return Compile(kept, kinds) }
	}
	x := &explaining{r: r, o: o, sum: sum, cycle: o.Cycle, defs: map[string]*graph.Graph{}, compile: func(hash string) (*graph.Graph, error) {
		kept, err := r.Graph(ctx, hash)
		if err != nil {
			return nil, err
		}
		return o.Compile(kept)
	}}
	if x.cycle == 0 {
		x.cycle = sum.Cursor.Cycle
	}
	if x.cycle > sum.Cursor.Cycle {
		return Explanation{}, x.noCycle(ctx)
	}
	x.last = x.cycle == sum.Cursor.Cycle
	if err := x.replay(ctx); err != nil {
		return Explanation{}, err
	}
	return x.out, nil
}

// explaining is one explanation of a stack.
type explaining struct {
	r       Reader
	o       ExplainOptions
	sum     journal.Summary
	cycle   uint64
	last    bool // it is the open or the last one
	pass    bool // it hears of what earlier cycles of a pass have decided too
	compile func(hash string) (*graph.Graph, error)
	defs    map[string]*graph.Graph

	tasks Tasks
	told  map[string]machine.Decision     // by node: the last one
	was   map[uint64]*journal.NodeDecided // as they are recorded, by record
	stops []machine.StopDecision
	over  bool // the cycle was left
	err   error
	out   Explanation
}

func (x *explaining) graph(hash string) (*graph.Graph, error) {
	if g := x.defs[hash]; g != nil {
		return g, nil
	}
	g, err := x.compile(hash)
	if err == nil {
		x.defs[hash] = g
	}
	return g, err
}

// noCycle is the error for a cycle that is not there.
func (x *explaining) noCycle(ctx context.Context) error {
	first, err := x.r.Base(ctx, x.sum.Identity.Stack, journal.Beginning)
	if err != nil {
		return err
	}
	return &UnknownCycleError{Stack: x.sum.Identity.Stack, Cycle: x.cycle, First: first.Cursor.Cycle + 1, Last: x.sum.Cursor.Cycle}
}

// passCycles is how many cycles of a pass are decided again, at most, to explain what
// earlier ones of them have decided.
const passCycles = 256

// base is where the replay begins: at the end of the cycle before, or at a checkpoint before
// that. A pass is decided again from its beginning, if that is near.
func (x *explaining) base(ctx context.Context) (base journal.Snapshot, err error) {
	at := journal.Point{Cycle: x.cycle - min(x.cycle, 1)}
	now, err := x.graph(x.sum.Cursor.Hash)
	if err != nil {
		return base, err
	}
	x.pass = now.Once && x.cycle <= passCycles
	if at.Cycle == 0 || x.pass {
		at = journal.Beginning
	}
	base, err = x.r.Base(ctx, x.sum.Identity.Stack, at)
	forked := x.last && x.o.Cycle == 0 && base.Cursor.Cycle == x.cycle && x.sum.Identity.First() > 0 // and no cycle of its own has begun
	if err == nil && base.Cursor.Cycle >= max(x.cycle, 1) && !forked {
		err = x.noCycle(ctx)
	}
	return base, err
}

// replay decides the cycle again.
func (x *explaining) replay(ctx context.Context) error {
	base, err := x.base(ctx)
	if err != nil {
		return err
	}
	x.told, x.was = map[string]machine.Decision{}, map[uint64]*journal.NodeDecided{}
	again := machine.Replayer{Graphs: x.graph, Base: base, Records: x.records(ctx, base.Cursor.Seq+1)}
	again.Watch = machine.Watch{
		Cycle: x.cycle, Nodes: x.o.Nodes,
		Decided: func(d machine.Decision) {
			if d.Cycle <= x.cycle {
				x.told[d.Taken.Node] = d
			}
		},
		Stopped: func(cycle uint64, all []machine.StopDecision) {
			if cycle == x.cycle {
				x.stops = all
			}
		},
		Left: func(m *machine.Machine) {
			if m.Cursor().Cycle == x.cycle {
				x.over = true
				x.explain(m)
			}
		},
	}
	if x.pass {
		again.Watch.Cycle = 0
	}
	if x.last {
		again.Watch.Left = nil
	}
	m, differences, err := again.To(journal.Point{})
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(differences, machine.Difference.Parts):
		return fmt.Errorf("stack %q: cycle %d is not decided again as it was recorded: %v", x.sum.Identity.Stack, x.cycle, differences[0])
	}
	if !x.over {
		x.explain(m)
	}
	return x.err
}

// records are those from one on to the last one of the cycle.
func (x *explaining) records(ctx context.Context, from uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		enough := fmt.Errorf("enough")
		want := journal.Want{From: from, To: x.sum.Cursor.Seq, Bulk: true}
		err := x.r.Records(ctx, x.sum.Identity.Stack, want, func(rec journal.Record) error {
			if rec.Cycle > x.cycle {
				return enough
			}
			if x.last && rec.Seq >= x.sum.Cursor.CycleSeq {
				x.tasks.Take([]journal.Record{rec})
			}
			if b, ok := rec.Body.(*journal.NodeDecided); ok {
				x.was[rec.Seq] = b
			}
			if !yield(rec, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(journal.Record{}, err)
		}
	}
}

// explain puts the answer together, of a machine that stands at the end of the cycle or
// within it.
func (x *explaining) explain(m *machine.Machine) {
	g, c := m.Graph(), &x.sum.Cursor
	x.out = Explanation{Stack: x.sum.Identity.Stack, Cycle: x.cycle, Hash: g.Hash, Waits: []Wait{}, Nodes: []ExplainedNode{}, Stop: []ExplainedStop{},
		Last: x.last, Open: x.last && c.Open}
	if g.Def != nil {
		x.out.File = g.Def.File
	}
	asked := x.o.Nodes
	if len(asked) == 0 {
		asked = g.NodeIDs()
	}
	w := waits{x: x, g: g, m: m}
	if x.last && !c.Status.Ended() {
		w.begin()
		x.out.Waits = w.stack()
	}
	for _, name := range asked {
		i, ok := g.NodeByID(name)
		if !ok {
			x.err = &machine.UnknownNodeError{Node: name, Known: g.NodeIDs()}
			return
		}
		x.out.Nodes = append(x.out.Nodes, x.node(m, g, i, &w))
	}
	stops := x.stops
	if stops == nil && x.last && c.Open && c.Finally == nil {
		stops = m.Stops()
	}
	for i := range g.Stops {
		x.out.Stop = append(x.out.Stop, explainedStop(&g.Stops[i], i, stops))
	}
}

func (x *explaining) node(m *machine.Machine, g *graph.Graph, i int, w *waits) ExplainedNode {
	n := &g.Nodes[i]
	d := m.Decision(i)
	status, _, _ := m.StatusOf(i)
	if told, ok := x.told[n.ID]; ok && (d.Taken != nil || status != "pending") {
		d = x.asRecorded(told)
	}
	out := explainedNode(g, d)
	out.Status, out.Waits, out.Final = status, []Wait{}, n.Final
	if d.Taken != nil && d.Cycle != x.cycle {
		out.Cycle = d.Cycle
	}
	if w.of != nil {
		w.node(i, &out)
	}
	return out
}

// asRecorded gives a decision the words of its record: what failed is said with its place
// there if the engine had the text of the graph.
func (x *explaining) asRecorded(d machine.Decision) machine.Decision {
	was := x.was[d.Seq]
	if was == nil {
		return d
	}
	d.Taken, d.Edges = was, slices.Clone(d.Edges)
	for k := range d.Edges {
		for _, v := range was.Edges {
			if e := &d.Edges[k]; e.Verdict.Edge == v.Edge {
				e.Verdict = v
			}
		}
	}
	return d
}

// explainedNode is a decision as it is shown, without what it waits for.
func explainedNode(g *graph.Graph, d machine.Decision) ExplainedNode {
	out := ExplainedNode{Node: g.Nodes[d.Node].ID, Join: ExplainedJoin(d.Join), Edges: []ExplainedEdge{}, Waits: []Wait{}}
	if t := d.Taken; t != nil {
		run := t.Run
		out.Run, out.Reason, out.Wave = &run, t.Reason, t.Wave
	}
	for k := range d.Edges {
		out.Edges = append(out.Edges, ExplainEdge(g, &d.Edges[k]))
	}
	return out
}

// ExplainEdge is an edge of a decision as it is shown.
func ExplainEdge(g *graph.Graph, e *machine.EdgeDecision) ExplainedEdge {
	v := &e.Verdict
	out := ExplainedEdge{From: v.From, Outcome: v.Outcome, When: v.When, Error: v.Error, After: v.After, Else: v.Else, NextCycle: v.NextCycle, Why: e.Why}
	if e.Judged {
		live := v.Live
		out.Live = &live
	}
	if when := g.Edges[v.Edge].When; when != nil {
		if out.Condition = PartOf(e.Condition); out.Condition == nil {
			out.Condition = UnevaluatedPart(when)
		}
	}
	for _, s := range e.Beside {
		out.Beside = append(out.Beside, g.Nodes[g.Edges[s].To].ID)
	}
	slices.Sort(out.Beside)
	return out
}

// ExplainDecision is a decision as it is shown where nobody knows what became of the node.
// The status is running for a node that runs, waiting or skipped for another one,
// and pending while there is no decision.
func ExplainDecision(g *graph.Graph, d machine.Decision) ExplainedNode {
	out := explainedNode(g, d)
	switch {
	case out.Run == nil:
		out.Status = "pending"
	case *out.Run:
		out.Status = "running"
	case out.Reason == "waiting" && len(d.Edges) > 0 && d.Edges[0].Why == machine.WhyNodeWaiting:
		out.Status = "waiting"
	default:
		out.Status = "skipped"
	}
	return out
}

func explainedStop(s *graph.Stop, i int, stops []machine.StopDecision) ExplainedStop {
	out := ExplainedStop{When: s.When.Text().Value}
	for k := range stops {
		if d := &stops[k]; d.Stop == i && d.Condition != nil {
			holds := d.Holds
			out.Holds, out.Error, out.Condition = &holds, d.Error, PartOf(d.Condition)
		}
	}
	if out.Condition == nil {
		out.Condition = UnevaluatedPart(s.When)
	}
	return out
}
