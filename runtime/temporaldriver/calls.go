package temporaldriver

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// A tool may be a graph. A call of it runs the graph with a stack of its own, which the attempt
// starts and waits for. The stack follows from the call, so an attempt after a crash finds it.

// callOver is the numbers of the call that is over with a step, if a stack did its work.
func (e *errand) callOver(r *nodes.StepRecord) string {
	id := e.in.attempt()
	_, call := work.CallOver(e.in.Identity.Stack, id.TaskKey, r)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, led := e.used[call]; !led {
		return ""
	}
	return call
}

func (e *errand) callRunner(c nodes.Call) nodes.Node { return callRunner{e, c} }

// callRunner is the work of a call of a tool that runs a graph.
type callRunner struct {
	e    *errand
	call nodes.Call
}

// Run starts the stack of the call, or finds the one that an earlier attempt started, and waits
// for its end.
func (r callRunner) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	e := r.e
	// What a stack begins with is stored: the secrets of its params and state are not.
	c := machine.NewChild(machine.CallChildID(e.in.Identity.Stack, e.in.attempt().TaskKey, r.call.Numbers), r.call.Key, e.masker.Value(t.With))
	if t.Record != nil {
		if _, err := t.Record(ctx, nodes.StepRecord{Name: work.ChildMark, Mark: true}); err != nil {
			return nodes.Result{}, err
		}
	}
	run, err := r.find(ctx, c)
	if err != nil {
		if ctx.Err() != nil {
			return nodes.Result{}, context.Cause(ctx)
		}
		return nodes.Result{}, err
	}
	out, nonce, err := r.await(ctx, run)
	if err != nil && ctx.Err() != nil {
		return nodes.Result{}, context.Cause(ctx)
	}
	used := out.Cursor.Counts
	e.mu.Lock()
	e.used[r.call.Numbers] = callUsage{Call: r.call.Numbers, Nonce: nonce, Counts: used}
	e.mu.Unlock()
	state, _ := out.State.Any().(map[string]any)
	id := e.in.attempt()
	given, failed := machine.ChildOutput(r.call.Inner.Name, journal.Spot{Node: id.Node, Item: id.Item},
		&machine.ChildDone{Cursor: out.Cursor, State: state, Err: err})
	if failed != nil {
		return nodes.Result{}, &nodes.Error{Kind: failed.Kind, Message: failed.Message, Permanent: failed.Permanent, Tokens: used.Tokens, Cost: used.Cost}
	}
	return nodes.Result{Output: given.Any(), Tokens: used.Tokens, Cost: used.Cost}, nil
}

// find is the workflow of the call's stack: one that is there for this call, or a new one. One
// that belongs to an earlier try is ended.
func (r callRunner) find(ctx context.Context, c *machine.Child) (client.WorkflowRun, error) {
	e := r.e
	is, err := e.w.query(ctx, c.ID, readRequest{What: readStack})
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing):
	case err != nil:
		return nil, err
	case is.Identity != nil && is.Identity.Parent == c.Parent && r.call.Try <= 1:
		return e.w.c.GetWorkflow(ctx, c.ID, ""), nil
	}
	def, err := e.w.defs.of(r.call.Inner)
	if err != nil {
		return nil, err
	}
	state, err := value.Of(c.State)
	if err != nil {
		return nil, err
	}
	id := e.in.attempt()
	return e.w.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: c.ID, TaskQueue: e.w.o.TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
	}, WorkflowType, Input{
		Graph:    def.stored,
		Identity: journal.Identity{Stack: c.ID, Graph: r.call.Inner.Name, Params: c.Params, Parent: c.Parent, MaxCycles: c.MaxCycles},
		State:    state,
		Parent: &parent{Stack: e.in.Identity.Stack, Cycle: id.Cycle, Wave: id.Wave, Node: id.Node, Item: id.Item, Attempt: id.Attempt,
			Call: r.call.Numbers, Metered: e.in.Metered, Locks: e.in.Locks},
	})
}

// await waits for the end of a stack. When the attempt is to end, so is the stack, unless the
// worker stops: then the next attempt finds it.
func (r callRunner) await(ctx context.Context, run client.WorkflowRun) (out Output, nonce string, err error) {
	err = run.Get(ctx, &out)
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errStopped) {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait/2)
		defer cancel()
		for n := 1; n <= 2 && err != nil; n++ { // the second one cuts off its last cycle
			if r.e.w.c.SignalWorkflow(last, run.GetID(), "", parentName, parentSignal{End: n}) != nil {
				break
			}
			try, stop := context.WithTimeout(last, lastWait/time.Duration(6*n))
			err = run.Get(try, &out)
			stop()
		}
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		err = errors.New(app.Message()) // it could not begin
	}
	if is, broken := r.e.w.query(context.WithoutCancel(ctx), run.GetID(), readRequest{What: readStack}); broken == nil && is.Identity != nil {
		nonce = is.Identity.Nonce
	}
	return out, nonce, err
}
