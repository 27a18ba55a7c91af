package cli

import (
	"context"
	"log/slog"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
	"github.com/graphrun/graphrun/graph/trial"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// replayedWork does the work of agents and of calls of MCP servers from a recording, in
// tests. Nothing else runs: a tool of the graph's own fails.
type replayedWork struct {
	ctx     context.Context
	work    *work
	session *nodes.Session
	tools   *nodes.Toolbox
}

// openReplayed opens the recording for the tests of a graph.
func (a *app) openReplayed(ctx context.Context, file string, g *graph.Graph) (*replayedWork, error) {
	played, err := a.openReplay(file, g)
	if err != nil {
		return nil, err
	}
	w := &replayedWork{ctx: ctx, work: newWork(a, played), session: nodes.NewSession(ctx)}
	w.work.open(ctx)
	idle := nodes.NewRegistry()
	for _, name := range w.work.kinds.Names() {
		spec, _ := w.work.kinds.Spec(name)
		if spec.Node != nil && !isReplayed(&spec.Kind) {
			spec.Node = notRun{}
		}
		if err := idle.Register(spec); err != nil {
			return nil, err
		}
	}
	w.tools = nodes.NewToolbox(idle, w.session)
	return w, nil
}

// isReplayed reports whether a recording has what nodes of a kind come to.
func isReplayed(k *graph.Kind) bool { return k.Talks || k.Name == "mcp" }

func (w *replayedWork) close() {
	_ = w.session.Close() // nothing of it outlives the process
	w.work.close()
}

// do is trial.Options.Work.
func (w *replayedWork) do(g *graph.Graph, id journal.Identity, t machine.Task) (sim.Result, bool) {
	n := &g.Nodes[t.Node]
	if !isReplayed(&n.Kind) {
		return sim.Result{}, false
	}
	spec, _ := w.work.kinds.Spec(n.Kind.Name)
	spec.Kind = n.Kind
	var used sim.Result // by the steps of the attempt
	task := nodes.Task{
		Stack: id.Stack, Graph: g.Name, Cycle: t.Key.Cycle, Wave: t.Key.Wave, Node: t.Key.Node, Item: t.Key.Item, Key: id.TaskKey(t.Key),
		Attempt: t.Attempt, With: t.With, Written: n.Def.With, Dir: g.Dir, Of: g, Output: n.Output, Retry: n.Retry,
		LeftTokens: t.LeftTokens, LeftCost: t.LeftCost, Secret: trial.Secret, Mask: func(text string) string { return text }, Logger: slog.New(slog.DiscardHandler),
		Record: func(_ context.Context, s nodes.StepRecord) (any, error) {
			used.Tokens, used.Cost = used.Tokens+s.Tokens, used.Cost+s.Cost
			content, err := value.Of(s.Content)
			return content.Any(), err
		},
	}
	w.tools.Equip(&task, t.Bound, nil)
	res, failed := w.session.Run(w.ctx, spec, task)
	if failed != nil {
		return sim.Result{Tokens: used.Tokens + failed.Tokens, Cost: used.Cost + failed.Cost,
			Failure: &journal.Failure{Kind: failed.Kind, Message: failed.Message, Permanent: failed.Permanent, Limit: failed.Limit, Code: failed.Code, Output: failed.Output}}, true
	}
	return sim.Result{Output: res.Value().Any(), Talk: res.Talk, Tokens: used.Tokens + res.Tokens, Cost: used.Cost + res.Cost}, true
}

// notRun is the work of kinds that tests do not run.
type notRun struct{}

func (notRun) Run(_ context.Context, t nodes.Task) (nodes.Result, error) {
	return nodes.Result{}, nodes.Permanent(nodes.Errorf("config", "a test does not run the tool %q: give the node %q a reply", t.Tool, t.Node))
}
