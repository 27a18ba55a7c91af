package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// The memo of the workflow of a stack that a Client has started.
const (
	memoGraph = "graphrun.graph" // the graph's name
	memoHash  = "graphrun.hash"  // its hash when the stack began
)

// Start starts a stack. When it returns, the cluster has it, and a worker begins it as soon as one
// is there. Errors: runtime.ErrExists (also for a stack that has ended, as long as the cluster
// keeps it), *runtime.MissingError, *runtime.InitError, *runtime.StoreError, or that of ctx.
// StartOptions.Rest and StopAfter are for one process: api.ErrUnsupported. A secret that no worker
// has fails the nodes that use it.
func (c *Client) Start(ctx context.Context, g *graph.Graph, o runtime.StartOptions) error {
	in, err := c.beginningOf(ctx, g, &o)
	if err != nil {
		return err
	}
	_, err = c.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: o.ID, TaskQueue: c.o.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{memoGraph: g.Name, memoHash: g.Hash},
		StaticSummary:                            g.Name,
	}, WorkflowType, in)
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &exists):
		return fmt.Errorf("%w: %q", runtime.ErrExists, o.ID)
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return unreachable(err)
	}
	return nil
}

// beginningOf checks what a worker would only find out later.
func (c *Client) beginningOf(ctx context.Context, g *graph.Graph, o *runtime.StartOptions) (in Input, err error) {
	if g == nil {
		return in, &runtime.InitError{Stack: o.ID, Err: errors.New("there is no graph")}
	}
	if o.ID == "" {
		o.ID = g.Name
	}
	wrong := func(err error) (Input, error) { return in, &runtime.InitError{Stack: o.ID, Err: err} }
	if err := work.CheckStackID(o.ID); err != nil {
		return wrong(err)
	}
	if o.Rest || o.StopAfter != (runtime.StopAfter{}) {
		return in, fmt.Errorf("%w: a stack on a cluster runs until it has ended", api.ErrUnsupported)
	}
	if len(g.Missing) > 0 {
		return in, &runtime.MissingError{Graph: g.Name, What: g.Missing}
	}
	if err := canRun(g); err != nil {
		return wrong(err)
	}
	params, err := work.Canonical(o.Params)
	if err != nil {
		return wrong(fmt.Errorf("params: %w", err))
	}
	init, err := work.Canonical(o.State)
	if err != nil {
		return wrong(fmt.Errorf("state: %w", err))
	}
	in.Identity = journal.Identity{Stack: o.ID, Graph: g.Name, Params: params}
	in.By = runtime.By(ctx)
	now := time.Now().UTC()
	id := in.Identity
	id.CreatedAt = now
	if _, err := machine.New(g, machine.Options{By: in.By}, id, init, now); err != nil {
		return wrong(err)
	}
	if in.State, err = value.Of(init); err != nil {
		return wrong(fmt.Errorf("state: %w", err))
	}
	in.Graph, err = stored(g, o.Source)
	return in, err
}

// Adopt offers a stack a changed graph; source is its text, for people. pending says that the
// stack tries it when its open cycle has ended: Status then says whether it was refused. Errors:
// *runtime.AdoptError (it does not fit the stack, which continues as it was),
// *runtime.UnknownStackError, *runtime.GraphError, *runtime.MissingError, runtime.ErrEnded,
// *runtime.StoreError, or that of ctx.
func (c *Client) Adopt(ctx context.Context, stack string, g *graph.Graph, source []byte) (pending bool, err error) {
	if len(g.Missing) > 0 {
		return false, &runtime.MissingError{Graph: g.Name, What: g.Missing}
	}
	sum, err := c.Stack(ctx, stack)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return false, c.unknown(ctx, stack)
	case err != nil:
		return false, err
	case sum.Identity.Graph != g.Name:
		return false, &runtime.GraphError{Stack: stack, Graph: sum.Identity.Graph, Requested: g.Name}
	}
	kept, err := stored(g, source)
	if err != nil {
		return false, err
	}
	r, err := c.command(ctx, stack, command{Do: doAdopt, Graph: &kept})
	var adopt *runtime.AdoptError
	if errors.As(err, &adopt) {
		adopt.Hash = g.Hash
	}
	return r.Pending, err
}
