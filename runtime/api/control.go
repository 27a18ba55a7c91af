package api

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// startStack starts a stack of a graph that the engine knows, or of a
// definition that comes along. A definition says which commands are run, so it
// is taken from admins only.
func (c *call) startStack(in StartRequest) (Stack, error) {
	g, source, err := c.graphFor(in)
	if err != nil {
		return Stack{}, err
	}
	o := runtime.StartOptions{ID: in.Stack, Params: in.Params, State: in.State, Source: source, Rest: c.o.Rest}
	if err := c.engine.Start(c.ctx, g, o); err != nil {
		return Stack{}, err
	}
	if o.ID == "" {
		o.ID = g.Name
	}
	st, err := c.engine.Status(c.ctx, o.ID)
	return stackOf(st, false), err
}

// graphFor is the graph that a start asks for.
func (c *call) graphFor(in StartRequest) (*graph.Graph, []byte, error) {
	switch {
	case (in.Def != nil || in.Source != "") && (c.who.Role != RoleAdmin || c.who.Graph != ""):
		return nil, nil, errorf(CodeForbidden, "a definition runs any program, so it needs a token with the role admin that is for all graphs: name a graph that is served")
	case in.Graph == "" && in.Def == nil:
		return nil, nil, errorf(CodeUsage, "expected \"graph\", the name of a graph that is served")
	case in.Graph != "" && in.Def != nil:
		return nil, nil, errorf(CodeUsage, "graph and def are two graphs: give one of them")
	case in.Graph != "" && in.Source != "":
		return nil, nil, errorf(CodeUsage, "graph and source are two graphs: source is the text of def")
	case in.Graph != "":
		return c.served(in.Graph)
	}
	var def graph.Def
	if err := json.Unmarshal(in.Def, &def); err != nil {
		return nil, nil, errorf(CodeUsage, "def is not a graph: %v", err)
	}
	g, problems := graph.Compile(def, c.o.Kinds)
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	return g, []byte(in.Source), nil
}

// served is a graph that this engine serves.
func (c *call) served(name string) (*graph.Graph, []byte, error) {
	if !c.seesGraph(name) {
		return nil, nil, errorf(CodeNotFound, "unknown graph %q", name)
	}
	if c.o.Graphs == nil {
		return nil, nil, errorf(CodeUsage, "unknown graph %q: nobody serves graphs here (give its file)", name)
	}
	g, source, ok := c.o.Graphs.Graph(name)
	if !ok {
		return nil, nil, errorf(CodeUsage, "unknown graph %q, there are: %s", name, strings.Join(c.graphNames(), ", "))
	}
	return g, source, nil
}

func (c *call) send(in EventRequest) (EventReply, error) {
	if in.Event == "" {
		return EventReply{}, errorf(CodeUsage, "expected an event: its name")
	}
	duplicate, err := c.engine.Send(c.ctx, runtime.Send{Stack: c.stack(), Event: in.Event, Payload: in.Payload.V, ID: in.ID})
	return EventReply{c.stack(), in.Event, duplicate}, err
}

func (c *call) answer(in AnswerRequest) (Nothing, error) {
	if in.Node == "" || in.Approved == nil {
		return Nothing{}, errorf(CodeUsage, "expected node and approved: the node to answer, and true or false")
	}
	stack, spot, err := c.locate(in.Node, in.Item)
	if err != nil {
		return Nothing{}, c.withPlaces(err)
	}
	st, err := c.engine.Status(c.ctx, stack)
	if err != nil {
		return Nothing{}, err
	}
	for _, node := range st.Cursor.Waiting {
		if node.Node == spot.Node && node.Kind == "wait" {
			return Nothing{}, errorf(CodeConflict, "%q waits for an event or a time, nobody is asked", in.Node)
		}
	}
	out := map[string]any{"approved": *in.Approved}
	for name, text := range map[string]*string{"comment": in.Comment, "by": in.By} {
		if text != nil {
			out[name] = *text
		}
	}
	o := runtime.AnswerOptions{Output: out, Item: spot.Item, For: in.For, Call: in.Call}
	calls := in.Call != "" || slices.ContainsFunc(st.Cursor.Asking, func(w journal.Waiting) bool { return w.Node == spot.Node })
	switch {
	case in.Value != nil && in.Args != nil:
		return Nothing{}, errorf(CodeUsage, "value and args are two answers: give one of them")
	case calls && in.Args != nil:
		o.Args = in.Args.V
	case calls && in.Value != nil:
		o.Args = in.Value.V
	case in.Args != nil:
		return Nothing{}, errorf(CodeConflict, "no call of %q waits for a word: args are for one that does", in.Node)
	case in.Value != nil:
		out["value"] = in.Value.V
	}
	return Nothing{}, c.withPlaces(c.engine.AnswerWith(c.ctx, stack, spot.Node, o))
}

func (c *call) cancel(in CancelRequest) (Nothing, error) {
	switch {
	case in.Node != "":
		stack, spot, err := c.locate(in.Node, in.Item)
		if err != nil {
			return Nothing{}, err
		}
		return Nothing{}, c.engine.CancelTask(c.ctx, stack, spot.Node, spot.Item)
	case in.Item != "":
		return Nothing{}, errorf(CodeUsage, "item %q: expected node too", in.Item)
	}
	return Nothing{}, c.engine.Cancel(c.ctx, c.stack(), in.Reason)
}

func (c *call) retry(in RetryRequest) (Told, error) {
	limits, err := machine.ReadLimits(in.Limits)
	if err != nil {
		return Told{}, errorf(CodeUsage, "limits: %v", err)
	}
	engine, err := can[Retrier](c, "retry stacks")
	if err != nil {
		return Told{}, err
	}
	err = engine.Retry(c.ctx, c.stack(), runtime.RetryOptions{By: in.By, Limits: limits, Rest: c.o.Rest})
	if errors.Is(err, runtime.ErrNotEnded) {
		return Told{}, errorf(CodeConflict, "%s: only one that has ended is retried", said(err))
	}
	return Told{Stack: c.stack(), Done: "retried"}, err
}

func (c *call) fork(in ForkRequest) (Stack, error) {
	at, err := journal.ParsePoint(in.At)
	if err != nil {
		return Stack{}, errorf(CodeUsage, "at: %v", err)
	}
	if in.As == "" {
		return Stack{}, errorf(CodeUsage, "expected \"as\", the id of the new stack")
	}
	engine, err := can[Forker](c, "fork stacks")
	if err != nil {
		return Stack{}, err
	}
	if err := engine.Fork(c.ctx, c.stack(), runtime.ForkOptions{At: at, ID: in.As, Set: in.Set, Rest: c.o.Rest}); err != nil {
		return Stack{}, err
	}
	st, err := c.engine.Status(c.ctx, in.As)
	return stackOf(st, false), err
}

func (c *call) setPool(in PoolRequest) (Nothing, error) {
	if in.Parallel == nil || *in.Parallel < 0 {
		return Nothing{}, errorf(CodeUsage, "expected parallel: 0 (hold) or more")
	}
	engine, err := can[Pooler](c, "change the limits of pools")
	if err != nil {
		return Nothing{}, err
	}
	return Nothing{}, engine.SetPool(c.ids["name"], c.ids["pool"], *in.Parallel)
}

func (c *call) reload(Nothing) (Reloaded, error) {
	if c.o.Graphs == nil {
		return Reloaded{}, errorf(CodeConflict, "this engine serves no graph files: `graphrun serve` does")
	}
	return c.o.Graphs.Reload(c.ctx)
}

func (c *call) backup(in FileRequest) (Nothing, error) {
	if c.o.Backup == nil {
		return Nothing{}, errorf(CodeConflict, "this store cannot be copied")
	}
	return Nothing{}, c.o.Backup(c.ctx, in.File)
}
