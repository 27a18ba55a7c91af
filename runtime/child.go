package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
)

// A node that runs a graph does it with a stack of its own, the child: see machine.Child.
// Recover does not drive children: whoever drives the parent runs the task again, and that
// continues the child.

// runner is the work of kinds that run a graph: it drives the child until it is over.
type runner struct {
	rt *Runtime
	g  *graph.Graph // the inner one
	a  *attempt
}

func (rt *Runtime) runner(a *attempt, inner *graph.Graph) nodes.Node {
	return runner{rt, inner, a}
}

// Run leaves the end of the child with the attempt: the machine decides what it means.
func (r runner) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	c := r.a.task.Child
	res, err := r.finish(ctx, c, t.Hurry)
	// Neither is an end of the graph.
	if trouble := (*StoreError)(nil); errors.As(err, &trouble) {
		r.a.broken = err
		return nodes.Result{}, err
	}
	if errors.Is(err, ErrClosed) {
		r.a.shutdown = true
		return nodes.Result{}, err
	}
	if err != nil && ctx.Err() != nil {
		return nodes.Result{}, ctx.Err()
	}
	r.a.child = &machine.ChildDone{Cursor: res.Cursor, State: res.State, Last: r.lastFailure(ctx, c.ID), Err: err}
	return nodes.Result{Tokens: res.Cursor.Counts.Tokens, Cost: res.Cursor.Counts.Cost}, nil
}

// How long an attempt waits before it looks again whether its child is free.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = time.Second
)

// finish drives the child until it has finished its cycles. When somebody else stops
// driving it first, finish takes it over again: an earlier attempt may be giving it up,
// or a caller has detached it, which does not stop the node of its parent.
func (r runner) finish(ctx context.Context, c *machine.Child, rush <-chan struct{}) (Result, error) {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		child, res, err := r.rt.child(ctx, r.g, c)
		switch {
		case errors.Is(err, ErrActive):
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return Result{}, ctx.Err()
			}
			continue
		case err != nil || child == nil:
			return res, err
		}
		select {
		case <-child.d.done:
		case <-ctx.Done():
			r.giveUp(ctx, child, rush)
			return Result{}, ctx.Err()
		}
		if res := child.d.result; child.d.err != nil || res.Status.Ended() || child.d.reached {
			return *res, child.d.err
		}
	}
}

// giveUp stops driving the child of a task that is cut off. After a shutdown the child
// stays in the store; otherwise it is removed with its task.
func (r runner) giveUp(ctx context.Context, child *Stack, rush <-chan struct{}) {
	child.d.cutOffNow(rush) // what it cannot write now, it does again
	if !errors.Is(context.Cause(ctx), errShutdown) {
		counts := child.d.result.Cursor.Counts
		nodes.Spend(ctx, counts.Tokens, counts.Cost)
		r.rt.discard(child.d.name)
	}
}

// lastFailure returns what failed last in a child, or nil. Nobody can look it up once the
// child is removed.
func (r runner) lastFailure(ctx context.Context, id string) *machine.ChildFailure {
	st, err := r.rt.Status(ctx, id)
	if err != nil || st.LastError == nil {
		return nil
	}
	e := st.LastError
	return &machine.ChildFailure{Cycle: e.Cycle, Node: e.Node, Item: e.Item, Failure: e.Error}
}

// child starts the child of a task, or continues it. It returns the result of a child
// that has finished already. ErrActive says that somebody else has the child at this
// moment: an earlier attempt, which may be removing it.
func (rt *Runtime) child(ctx context.Context, g *graph.Graph, c *machine.Child) (*Stack, Result, error) {
	snap, err := rt.cfg.Store.State(ctx, c.ID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, Result{}, err
	case snap.Identity.Parent == "":
		return nil, Result{}, fmt.Errorf("%w: %q, which this node needs for its graph", ErrExists, c.ID)
	case snap.Identity.Parent != c.Parent:
		rt.discard(c.ID)
	case snap.Cursor.Status.Ended() || snap.Cursor.Counts.Cycles >= c.Cycles && !snap.Cursor.Open:
		return nil, Result{Stack: c.ID, Graph: g.Name, Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
			State: journal.Visible(snap.State), Cursor: snap.Cursor}, nil
	default:
		left := c.Cycles - min(snap.Cursor.Counts.Cycles, c.Cycles-1)
		s, err := rt.Resume(ctx, c.ID, ResumeOptions{StopAfter: StopAfter{Cycles: int(left)}})
		return s, Result{}, err
	}
	s, err := rt.Start(ctx, g, StartOptions{ID: c.ID, Params: c.Params, State: c.State,
		StopAfter: StopAfter{Cycles: int(c.Cycles)}, parent: c.Parent})
	if errors.Is(err, ErrExists) {
		err = fmt.Errorf("%w: %q", ErrActive, c.ID)
	}
	return s, Result{}, err
}
