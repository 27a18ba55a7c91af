package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// A node that runs a graph does it with a stack of its own, the child. Its id follows from
// the task, so an attempt after a crash finds the child of the one before and continues it.
// Recover does not drive children: whoever drives the parent runs the task again, and that
// continues the child.

// runner is the work of kinds that run a graph.
type runner struct {
	rt  *Runtime
	g   *graph.Graph // the inner one
	key journal.TaskKey
	a   *attempt
}

func (rt *Runtime) runner(a *attempt, inner *graph.Graph) nodes.Node {
	return runner{rt, inner, a.task.Key, a}
}

func (r runner) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	cycles := uint64(1)
	_, until := with["until"]
	if until {
		cycles = graph.DefaultMaxCycles
		if n, ok := with["max_cycles"].(int64); ok {
			cycles = uint64(max(n, 1))
		}
	}
	id := childID(t.Stack, r.key)
	res, err := r.finish(ctx, id, t.Key, with, cycles, t.Hurry)
	// Neither is a failure of the graph.
	if trouble := (*StoreError)(nil); errors.As(err, &trouble) {
		r.a.broken = err
		return nodes.Result{}, err
	}
	if errors.Is(err, ErrClosed) {
		r.a.shutdown = true
		return nodes.Result{}, err
	}
	if ctx.Err() != nil {
		return nodes.Result{}, ctx.Err()
	}
	if err != nil {
		return nodes.Result{}, nodes.Permanent(nodes.Errorf("config", "%v", err))
	}
	out := nodes.Result{Output: res.State, Tokens: res.Cursor.Counts.Tokens, Cost: res.Cursor.Counts.Cost}
	if f := failureOf(&res, r.g.Name, until, cycles); f != nil {
		f.Tokens, f.Cost = out.Tokens, out.Cost
		if res.Status != journal.Cancelled {
			f.Message += r.lastError(ctx, id)
		}
		r.rt.discard(id) // another attempt starts from the beginning
		return nodes.Result{}, f
	}
	return out, nil
}

// finish drives the child until it has finished its cycles. When somebody else stops
// driving it first, finish takes it over again: an earlier attempt may be giving it up,
// or a caller has detached it, which does not stop the node of its parent.
func (r runner) finish(ctx context.Context, id, key string, with map[string]any, cycles uint64, rush <-chan struct{}) (Result, error) {
	for {
		child, res, err := r.rt.child(ctx, r.g, id, key, with, cycles)
		switch {
		case errors.Is(err, ErrActive):
			select {
			case <-time.After(10 * time.Millisecond):
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

// failureOf returns why the end of a child is a failure of its node, or nil.
func failureOf(res *Result, name string, until bool, cycles uint64) *nodes.Error {
	switch {
	case res.Status == journal.Failed:
		return nodes.Errorf("error", "graph %q failed: %s", name, res.Reason)
	case res.Status == journal.Cancelled && res.Reason == "":
		return nodes.Errorf("cancelled", "graph %q was cancelled", name)
	case res.Status == journal.Cancelled:
		return nodes.Errorf("cancelled", "graph %q was cancelled: %s", name, res.Reason)
	case !until && res.Cursor.FailedInRow > 0:
		return nodes.Errorf("error", "graph %q: its cycle failed", name)
	case until && res.Status != journal.Completed:
		return nodes.Errorf("limit", "graph %q: until does not hold after %d cycles", name, cycles)
	}
	return nil
}

// lastError describes what failed last in a child, or returns "". Nobody can look it up
// once the child is removed.
func (r runner) lastError(ctx context.Context, id string) string {
	st, err := r.rt.Status(ctx, id)
	if err != nil || st.LastError == nil {
		return ""
	}
	e := st.LastError
	where := fmt.Sprintf("cycle %d", e.Cycle)
	if e.Item != "" {
		where = fmt.Sprintf("%s[%s] in %s", e.Node, e.Item, where)
	} else if e.Node != "" {
		where = e.Node + " in " + where
	}
	return fmt.Sprintf(" (%s: %s: %s)", where, e.Error.Kind, e.Error.Message)
}

// child starts the child of a task, or continues it. It returns the result of a child
// that has finished already.
func (rt *Runtime) child(ctx context.Context, g *graph.Graph, id, key string, with map[string]any, cycles uint64) (*Stack, Result, error) {
	snap, err := rt.cfg.Store.State(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, Result{}, err
	case snap.Identity.Parent == "":
		return nil, Result{}, fmt.Errorf("%w: %q, which this node needs for its graph", ErrExists, id)
	case snap.Identity.Parent != key: // left by another stack of the parent's name
		rt.discard(id)
	case snap.Cursor.Status.Ended() || snap.Cursor.Counts.Cycles >= cycles && !snap.Cursor.Open:
		return nil, Result{Stack: id, Graph: g.Name, Status: snap.Cursor.Status, Reason: snap.Cursor.Reason,
			State: journal.Visible(snap.State), Cursor: snap.Cursor}, nil
	default:
		left := cycles - min(snap.Cursor.Counts.Cycles, cycles-1)
		s, err := rt.Resume(ctx, id, ResumeOptions{StopAfter: StopAfter{Cycles: int(left)}})
		return s, Result{}, err
	}
	params, _ := with["params"].(map[string]any)
	state, _ := with["state"].(map[string]any)
	s, err := rt.Start(ctx, g, StartOptions{ID: id, Params: params, State: state,
		StopAfter: StopAfter{Cycles: int(cycles)}, parent: key})
	return s, Result{}, err
}
