package inspect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

// Plan is which nodes would run in which wave of the next cycle, or of the rest of
// the open one, if every node that runs succeeds. Kinds that do real work write
// nothing in it, because nobody knows their outputs before they run.
type Plan struct {
	Graph string        `json:"graph"`
	Stack string        `json:"stack,omitempty"`
	Cycle uint64        `json:"cycle"`
	Waves []PlannedWave `json:"waves"` // an open one too
	Nodes []PlannedNode `json:"nodes"` // that are still to be decided, in the order of their decisions
}

// PlannedWave is a wave of a Plan.
type PlannedWave struct {
	Wave  uint64   `json:"wave"`
	Nodes []string `json:"nodes"`
}

// PlannedNode is a decision of a Plan.
type PlannedNode struct {
	Node   string        `json:"node"`
	Run    bool          `json:"run"`
	Wave   uint64        `json:"wave,omitempty"` // of a node that runs
	Reason string        `json:"reason,omitempty"`
	Edges  []PlannedEdge `json:"edges"`

	Explained *ExplainedNode `json:"-"` // with WithReasons: all that led to the decision
}

// PlannedEdge is a verdict of a PlannedNode, as in a record.
type PlannedEdge struct {
	From      string `json:"from"`
	Outcome   string `json:"outcome"`
	When      string `json:"when"`
	Live      bool   `json:"live"`
	Error     string `json:"error,omitempty"`
	After     bool   `json:"after,omitempty"`
	Else      bool   `json:"else,omitempty"`
	NextCycle bool   `json:"next_cycle,omitempty"`

	// With WithReasons.
	Why       machine.Why `json:"why,omitzero"`
	Condition *Part       `json:"condition,omitzero"` // nil for an edge without one
}

// PlanOption says what a plan has beside the decisions.
type PlanOption uint8

// WithReasons has each edge say why it is live or not, with its condition taken apart.
const WithReasons PlanOption = 1

// ErrEnded is a plan for a stack in which nothing will run any more.
var ErrEnded = errors.New("has ended")

// InputError is a param or a state key that does not fit the graph.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// PlanGraph plans the first cycle of a new stack, at a time. init overrides initial
// values of keys. Errors: *InputError, and those of the machine.
func PlanGraph(g *graph.Graph, params, init map[string]any, at time.Time, with ...PlanOption) (Plan, error) {
	id := journal.Identity{Stack: g.Name, Graph: g.Name, Params: params, CreatedAt: at}
	m, err := machine.New(g, machine.Options{Unwritten: true}, id, init, at)
	if err != nil {
		return Plan{}, &InputError{err}
	}
	return planned(m, Plan{Graph: g.Name}, at, with)
}

// PlanStack plans for a stack, at a time, with some keys of its state set to other
// values. Errors: journal.ErrNotFound, ErrEnded, *InputError, and those of the reader.
func PlanStack(ctx context.Context, r Reader, kinds graph.Kinds, stack string, sets map[string]any, at time.Time, options ...PlanOption) (Plan, error) {
	snap, err := r.Load(ctx, stack)
	if err != nil {
		return Plan{}, err
	}
	if snap.Cursor.Status.Ended() {
		return Plan{}, fmt.Errorf("the stack %q %w (%s): nothing will run", stack, ErrEnded, snap.Cursor.Status)
	}
	g, err := Definition(ctx, r, kinds, snap.Cursor.Hash)
	if err != nil {
		return Plan{}, err
	}
	if snap.State, err = with(g, snap.State, sets); err != nil {
		return Plan{}, &InputError{err}
	}
	m, err := machine.Restore(g, machine.Options{Unwritten: true}, snap, at)
	if err != nil {
		return Plan{}, err
	}
	if err := m.Step(machine.Resume{At: at}); err != nil {
		return Plan{}, err
	}
	return planned(m, Plan{Graph: g.Name, Stack: stack}, at, options)
}

// with is a stored state with some of its keys replaced, all by their types. What
// the machine keeps beside the state stays.
func with(g *graph.Graph, stored, sets map[string]any) (map[string]any, error) {
	state := g.Declared(stored)
	maps.Copy(state, sets)
	values, err := g.CheckState(state)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(stored)
	for i, v := range values {
		out[g.Keys[i].Name] = v
	}
	return out, nil
}

// planned drives a machine to the end of its cycle: every task succeeds at once.
func planned(m *machine.Machine, p Plan, at time.Time, options []PlanOption) (Plan, error) {
	p.Waves, p.Nodes = []PlannedWave{}, []PlannedNode{}
	told := map[uint64]machine.Decision{} // by record
	if slices.Contains(options, WithReasons) {
		m.Watch(machine.Watch{Decided: func(d machine.Decision) { told[d.Seq] = d }})
	}
	s := sim.New(m, at, func(machine.Task) sim.Result { return sim.Result{} })
	done := false
	s.Recorded = func(r journal.Record) {
		if !done { // the same commit may hold the beginning of the next cycle
			p.add(r)
			if d, ok := told[r.Seq]; ok {
				p.Nodes[len(p.Nodes)-1].explain(m.Graph(), d)
			}
			done = ends(r)
		}
	}
	s.Committed = func(rd machine.Ready) {
		if len(p.Waves) == 0 && len(rd.Start) > 0 && !done {
			p.Waves = append(p.Waves, openWave(rd.Start))
		}
	}
	if c := m.Cursor(); c.Open {
		p.Cycle = c.Cycle
	} else if err := m.Step(machine.Woke{At: at, Early: true}); err != nil {
		return p, err
	}
	return p, s.Until(func(r journal.Record) bool { return done || ends(r) })
}

// ends reports that a record is the last one of a plan.
func ends(r journal.Record) bool {
	switch r.Body.(type) {
	case *journal.CycleFinished, *journal.StackFinished:
		return true
	}
	return false
}

// openWave is the wave that a restored stack begins with: what of it has not run
// yet.
func openWave(tasks []machine.Task) PlannedWave {
	w := PlannedWave{Wave: tasks[0].Key.Wave}
	for _, t := range tasks {
		if !slices.Contains(w.Nodes, t.Key.Node) {
			w.Nodes = append(w.Nodes, t.Key.Node)
		}
	}
	return w
}

func (p *Plan) add(r journal.Record) {
	switch b := r.Body.(type) {
	case *journal.NodeDecided:
		p.Nodes = append(p.Nodes, plannedNode(b))
	case *journal.WaveStarted:
		p.Waves = append(p.Waves, PlannedWave{b.Wave, b.Nodes})
	}
	if !ends(r) {
		p.Cycle = max(p.Cycle, r.Cycle)
	}
}

// explain adds why the edges have their verdicts.
func (n *PlannedNode) explain(g *graph.Graph, d machine.Decision) {
	all := ExplainDecision(g, d)
	n.Explained = &all
	k := 0
	for i := range d.Edges {
		if v := &d.Edges[i]; k < len(d.Taken.Edges) && d.Taken.Edges[k].Edge == v.Verdict.Edge {
			n.Edges[k].Why, n.Edges[k].Condition = all.Edges[i].Why, all.Edges[i].Condition
			k++
		}
	}
}

func plannedNode(b *journal.NodeDecided) PlannedNode {
	n := PlannedNode{Node: b.Node, Run: b.Run, Reason: b.Reason, Edges: []PlannedEdge{}}
	if b.Run {
		n.Wave = b.Wave
	}
	for _, e := range b.Edges {
		n.Edges = append(n.Edges, PlannedEdge{
			From: e.From, Outcome: e.Outcome, When: e.When, Live: e.Live, Error: e.Error,
			After: e.After, Else: e.Else, NextCycle: e.NextCycle,
		})
	}
	return n
}
