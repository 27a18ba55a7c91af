package runtime

import (
	"context"
	"errors"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// A tool may be a graph. A call of it runs the graph with a stack of its own, like a node
// that runs a graph. The child follows from the call, so the attempt after a crash continues
// it. A mark among the steps of the task says that there is one. It is removed when the
// step of the call is recorded, or when the attempt ends.

// callRunner is the work of a call of a tool that runs a graph.
type callRunner struct {
	rt     *Runtime
	d      *drive
	masker *mask.Masker
	a      *attempt
	call   nodes.Call
}

func (rt *Runtime) callRunner(d *drive, masker *mask.Masker, a *attempt, c nodes.Call) nodes.Node {
	return callRunner{rt, d, masker, a, c}
}

// Run drives the child until it is over.
func (r callRunner) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	// A child is stored: the secrets of its params and state are not.
	with := r.masker.Value(t.With)
	c := machine.NewChild(machine.CallChildID(r.d.name, r.a.task.Key, r.call.Numbers), r.call.Key, with)
	if r.call.Try > 1 {
		r.rt.discard(c.ID) // of the try that failed
	}
	if err := r.mark(ctx, t, c.ID); err != nil {
		return nodes.Result{}, err
	}
	defer r.rt.pools.Lead(c.ID, &r.a.ticket)()
	run := runner{r.rt, r.d, r.call.Inner, r.a}
	res, err := run.finish(ctx, c, r.call.Numbers, t.Hurry)
	// Neither is an end of the graph: the attempt ends with it.
	if isStoreError(err) {
		r.a.breaks(err, false)
		return nodes.Result{}, err
	}
	if errors.Is(err, ErrClosed) {
		r.a.breaks(errShutdown, true)
		return nodes.Result{}, errShutdown
	}
	if err != nil && ctx.Err() != nil {
		return nodes.Result{}, context.Cause(ctx)
	}
	used := res.Cursor.Counts
	out, failed := machine.ChildOutput(r.call.Inner.Name, journal.Spot{Node: r.a.task.Key.Node, Item: r.a.task.Key.Item},
		&machine.ChildDone{Cursor: res.Cursor, State: res.State, Err: err})
	if failed != nil {
		return nodes.Result{}, &nodes.Error{Kind: failed.Kind, Message: failed.Message, Permanent: failed.Permanent, Tokens: used.Tokens, Cost: used.Cost}
	}
	return nodes.Result{Output: out.Any(), Tokens: used.Tokens, Cost: used.Cost}, nil
}

// mark notes durably that the call has a child, before there is one.
func (r callRunner) mark(ctx context.Context, t nodes.Task, id string) error {
	r.a.leads(id)
	known := slices.ContainsFunc(t.Steps, func(s nodes.StepRecord) bool { return s.Mark && s.Name == work.ChildMark })
	if known || t.Record == nil {
		return nil
	}
	_, err := t.Record(ctx, nodes.StepRecord{Name: work.ChildMark, Mark: true})
	return err
}
