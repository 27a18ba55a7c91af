package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

func planCommand(a *app) *cobra.Command {
	var params, sets []string
	cmd := &cobra.Command{
		Use:   "plan FILE|STACK",
		Short: "Show which nodes would run in which wave, and why not the others",
		Long: `Show which nodes would run in which wave, and why not the others.

Nothing is executed. The plan is that of the next cycle (or the rest of the open
one), if every node that runs succeeds and writes nothing; set nodes are
evaluated, and write.`,
		Example: `  graphrun plan review.graphrun.yaml --param goal="ship it"
  graphrun plan review.graphrun.yaml --set 'todos=[{"id": "a", "status": "pending"}]'
  graphrun plan tuesday -o json`,
		Args: arguments(1, 1, "one FILE or STACK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.planOf(cmd.Context(), args[0], params, sets)
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(p)
			}
			return a.printPlan(p)
		},
	}
	cmd.Flags().StringArrayVar(&params, "param", nil, "`K=V`: a parameter, for a graph file")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "`K=JSON` or K=@FILE: the value of a state key")
	return cmd
}

// planJSON is what `plan -o json` prints.
type planJSON struct {
	Graph string     `json:"graph"`
	Stack string     `json:"stack,omitempty"`
	Cycle uint64     `json:"cycle"`
	Waves []planWave `json:"waves"` // an open one too
	Nodes []planNode `json:"nodes"` // that are still to be decided, in the order of their decisions
}

type planWave struct {
	Wave  uint64   `json:"wave"`
	Nodes []string `json:"nodes"`
}

type planNode struct {
	Node   string     `json:"node"`
	Run    bool       `json:"run"`
	Wave   uint64     `json:"wave,omitempty"` // of a node that runs
	Reason string     `json:"reason,omitempty"`
	Edges  []planEdge `json:"edges"`
}

// planEdge is as an edge in a record.
type planEdge struct {
	From      string `json:"from"`
	Outcome   string `json:"outcome"`
	When      string `json:"when"`
	Live      bool   `json:"live"`
	Error     string `json:"error,omitempty"`
	After     bool   `json:"after,omitempty"`
	Else      bool   `json:"else,omitempty"`
	NextCycle bool   `json:"next_cycle,omitempty"`
}

// planOf plans for a file when there is one of that name, else for a stack.
func (a *app) planOf(ctx context.Context, target string, params, sets []string) (planJSON, error) {
	state, err := parseSets(sets)
	if err != nil {
		return planJSON{}, err
	}
	if _, err := os.Stat(target); target == "-" || err == nil || !errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(target, ".yaml") {
		src, err := a.load(target)
		if err != nil {
			return planJSON{}, err
		}
		given, err := parseParams(params, src.Graph.ReadParam)
		if err != nil {
			return planJSON{}, err
		}
		g := idle(src.Graph)
		m, err := machine.New(g, pretend(g), journal.Identity{Stack: g.Name, Graph: g.Name, Params: given, CreatedAt: time.Now()}, state, time.Now())
		if err != nil {
			return planJSON{}, usagef("%v", err)
		}
		return simulate(m, planJSON{Graph: g.Name}, time.Now())
	}
	if len(params) > 0 {
		return planJSON{}, usagef("--param is for a graph file: the stack %q has its own", target)
	}
	return a.planStack(ctx, target, state)
}

// planStack reads the stack through whoever owns the store.
func (a *app) planStack(ctx context.Context, id string, sets map[string]any) (p planJSON, err error) {
	err = a.through(ctx, func(c *api.Client) error {
		p, err = a.planFrom(ctx, c.Store(), id, sets)
		return err
	})
	return p, err
}

func (a *app) planFrom(ctx context.Context, store inspect.Reader, id string, sets map[string]any) (planJSON, error) {
	snap, err := store.Load(ctx, id)
	if errors.Is(err, runtime.ErrNotFound) {
		return planJSON{}, unknownStack(ctx, store, id)
	}
	if err != nil {
		return planJSON{}, err
	}
	if snap.Cursor.Status.Ended() {
		return planJSON{}, usagef("the stack %q has ended (%s): nothing will run", id, snap.Cursor.Status)
	}
	stored, err := runtime.Definition(ctx, store, a.kinds(), snap.Cursor.Hash)
	if err != nil {
		return planJSON{}, err
	}
	g := idle(stored)
	if snap.State, err = withSets(g, g.Declared(snap.State), sets); err != nil {
		return planJSON{}, usagef("%v", err)
	}
	m, err := machine.Restore(g, pretend(g), snap, time.Now())
	if err != nil {
		return planJSON{}, err
	}
	if err := m.Step(machine.Resume{At: time.Now()}); err != nil {
		return planJSON{}, err
	}
	return simulate(m, planJSON{Graph: g.Name, Stack: id}, time.Now())
}

// withSets is a state with some of its keys replaced, all by their types.
func withSets(g *graph.Graph, state, sets map[string]any) (map[string]any, error) {
	maps.Copy(state, sets)
	values, err := g.CheckState(state)
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		state[g.Keys[i].Name] = v
	}
	return state, nil
}

// idle is the graph without the writes of nodes that do real work: what they
// would write nobody knows before they run.
func idle(g *graph.Graph) *graph.Graph {
	quiet := *g
	quiet.Nodes = slices.Clone(g.Nodes)
	for i := range quiet.Nodes {
		if !quiet.Nodes[i].Kind.Inline {
			quiet.Nodes[i].Writes = nil
		}
	}
	return &quiet
}

// pretend fills in secrets, so that a plan needs none.
func pretend(g *graph.Graph) machine.Options {
	secrets := map[string]any{}
	for _, name := range g.Secrets {
		secrets[name] = "***"
	}
	return machine.Options{Secrets: secrets}
}

// simulate drives a machine through one cycle: every task succeeds at once.
func simulate(m *machine.Machine, p planJSON, at time.Time) (planJSON, error) {
	p.Waves, p.Nodes = []planWave{}, []planNode{}
	if c := m.Cursor(); c.Open {
		p.Cycle = c.Cycle
	} else {
		if err := m.Step(machine.Woke{At: at, Early: true}); err != nil {
			return p, err
		}
	}
	for {
		rd, ok := m.Ready()
		if !ok {
			return p, nil
		}
		for _, o := range rd.Orphans { // in a plan, nothing runs
			if err := m.Step(machine.TaskGone{At: at, Key: o.Key, Attempt: o.Attempt}); err != nil {
				return p, err
			}
		}
		done := p.add(rd.Records)
		if len(p.Waves) == 0 && len(rd.Start) > 0 {
			p.Waves = append(p.Waves, openWave(rd.Start))
		}
		m.Advance()
		if done {
			return p, nil
		}
		for _, t := range rd.Start {
			if err := m.Step(machine.TaskRunning{At: at, Key: t.Key, Attempt: t.Attempt}); err != nil {
				return p, err
			}
			if err := m.Step(machine.TaskDone{At: at, Key: t.Key, Attempt: t.Attempt}); err != nil {
				return p, err
			}
		}
	}
}

// openWave is the wave that a restored stack begins with: what of it has not
// run yet.
func openWave(tasks []machine.Task) planWave {
	w := planWave{Wave: tasks[0].Key.Wave}
	for _, t := range tasks {
		if !slices.Contains(w.Nodes, t.Key.Node) {
			w.Nodes = append(w.Nodes, t.Key.Node)
		}
	}
	return w
}

// add takes what a commit decided into the plan; done at the end of the cycle:
// the same commit may hold the beginning of the next one.
func (p *planJSON) add(records []journal.Record) (done bool) {
	for _, r := range records {
		switch b := r.Body.(type) {
		case *journal.NodeDecided:
			p.Nodes = append(p.Nodes, newPlanNode(b))
		case *journal.WaveStarted:
			p.Waves = append(p.Waves, planWave{b.Wave, b.Nodes})
		case *journal.CycleFinished, *journal.StackFinished:
			return true
		}
		p.Cycle = max(p.Cycle, r.Cycle)
	}
	return false
}

func newPlanNode(b *journal.NodeDecided) planNode {
	n := planNode{Node: b.Node, Run: b.Run, Reason: b.Reason, Edges: []planEdge{}}
	if b.Run {
		n.Wave = b.Wave
	}
	for _, e := range b.Edges {
		n.Edges = append(n.Edges, planEdge{
			From: e.From, Outcome: e.Outcome, When: e.When, Live: e.Live, Error: e.Error,
			After: e.After, Else: e.Else, NextCycle: e.NextCycle,
		})
	}
	return n
}

func (a *app) printPlan(p planJSON) error {
	a.printf("cycle %d of %s, if every node succeeds and writes nothing:\n", p.Cycle, p.Graph)
	for _, w := range p.Waves {
		a.printf("  wave %d: %s\n", w.Wave, strings.Join(w.Nodes, ", "))
	}
	if len(p.Waves) == 0 {
		a.printf("%s\n", "  no node would run")
	}
	for _, n := range p.Nodes {
		if n.Run {
			continue
		}
		a.printf("%s would not run: %s\n", n.Node, n.Reason)
		for _, e := range n.Edges {
			a.printf("  %s\n", e)
		}
	}
	return nil
}

// String tells one edge: from where, under what condition, and the verdict.
func (e planEdge) String() string {
	s := "from " + e.From
	if e.After {
		s = "after " + e.From
	}
	if e.NextCycle {
		s += " in the cycle before"
	}
	if e.Outcome != "" && e.Outcome != "success" {
		s += " (" + e.Outcome + ")"
	}
	if e.When != "" {
		s += " when " + diag.Clean(strings.Join(strings.Fields(e.When), " "))
	}
	if e.Else {
		s += " else"
	}
	switch {
	case e.Error != "":
		return s + ": " + oneLine(e.Error)
	case e.Live:
		return s + ": live"
	}
	return s + ": dead"
}
