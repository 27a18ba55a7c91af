package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// DefaultPatience is how long a Client waits for a worker.
const DefaultPatience = 10 * time.Second

// Client starts, commands and reads the stacks of a cluster, from any process. It is an
// api.Engine and an inspect.Reader; what both have in common with *runtime.Runtime they do alike.
// It is safe for concurrent use.
//
// A stack is asked by a query, which a worker of its task queue answers, also for a stack that has
// ended. Where no worker answers within Options.Patience, or the cluster cannot be reached, the
// error is a *runtime.StoreError. A command that was not answered may still take effect.
type Client struct {
	o    Options
	c    client.Client
	defs definitions

	mu     sync.Mutex
	graphs map[string]journal.StoredGraph // by hash
	homes  map[string]string              // a stack that runs or ran under the graph of a hash
	read   []string                       // stacks that were read lately, the last one at the end
	page   listing                        // what the last list of stacks has found
}

var _ interface {
	api.Engine
	api.Asker
	api.Checkable
	inspect.PageReader
} = (*Client)(nil)

// NewClient makes a client of the stacks on a cluster. Of o it needs Kinds, and TaskQueue,
// Namespace, Compile and Patience where they are not the default. c stays the caller's.
func NewClient(c client.Client, o Options) (*Client, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	return &Client{
		o: o, c: c, defs: definitions{read: o.Compile, byHash: map[string]*definition{}},
		graphs: map[string]journal.StoredGraph{}, homes: map[string]string{},
	}, nil
}

// Health is why the cluster cannot be reached; nil if it can.
func (c *Client) Health() error {
	ctx, stop := context.WithTimeout(context.Background(), c.o.Patience)
	defer stop()
	if _, err := c.c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return unreachable(err)
	}
	return nil
}

// command tells a stack something, and waits until it has taken effect.
func (c *Client) command(ctx context.Context, stack string, do command) (reply, error) {
	do.By = runtime.By(ctx)
	soon, stop := context.WithTimeout(ctx, c.o.Patience)
	defer stop()
	for wait := firstWait; ; wait *= 2 {
		r, err := c.tryCommand(ctx, soon, stack, do)
		var unready *serviceerror.WorkflowNotReady
		switch {
		case err == nil && r.Refused != nil:
			return r, r.Refused.err(stack)
		case err == nil:
			return r, nil
		case errors.As(err, &unready): // something came while the stack was about to end: nothing of the command is left
			select {
			case <-time.After(wait):
				continue
			case <-soon.Done():
			}
		}
		if err = c.failure(ctx, stack, err); errors.Is(err, journal.ErrNotFound) {
			err = c.absent(ctx, stack)
		}
		return reply{}, err
	}
}

// firstWait is how long a client waits before it gives a command again that the cluster dropped.
const firstWait = 50 * time.Millisecond

// tryCommand gives a command once. A worker has to take it soon; then it takes as long as it does.
func (c *Client) tryCommand(ctx, soon context.Context, stack string, do command) (r reply, err error) {
	h, err := c.c.UpdateWorkflow(soon, client.UpdateWorkflowOptions{
		WorkflowID: stack, UpdateName: updateName, Args: []any{do}, WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err == nil {
		err = h.Get(ctx, &r)
	}
	return r, err
}

// query asks a stack.
func (c *Client) query(ctx context.Context, stack string, q readRequest) (r readReply, err error) {
	soon, stop := context.WithTimeout(ctx, c.o.Patience)
	defer stop()
	v, err := c.c.QueryWorkflow(soon, stack, "", readName, q)
	if err != nil {
		return r, c.failure(ctx, stack, err)
	}
	if err := v.Get(&r); err != nil {
		return r, &runtime.StoreError{Err: fmt.Errorf("stack %q: what its worker says cannot be read: %w", stack, err)}
	}
	return r, nil
}

// failureClosing is the type of the cluster's failure for an update whose workflow has ended.
const failureClosing = "AcceptedUpdateCompletedWorkflow"

// failure is an error of the cluster about a stack as those who use stacks know it.
func (c *Client) failure(ctx context.Context, stack string, err error) error {
	var (
		missing  *serviceerror.NotFound
		refused  *temporal.ApplicationError
		late     *serviceerror.DeadlineExceeded
		waited   *client.WorkflowUpdateServiceTimeoutOrCanceledError
		idle     *serviceerror.FailedPrecondition
		unready  *serviceerror.WorkflowNotReady
		rejected *serviceerror.QueryFailed
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &missing):
		return journal.ErrNotFound
	case errors.As(err, &refused) && refused.Type() == failureClosing:
		return fmt.Errorf("%w: %q", runtime.ErrEnded, stack)
	case errors.As(err, &refused):
		return errors.New(refused.Message())
	case errors.As(err, &rejected): // the worker has answered
		return &runtime.StoreError{Err: fmt.Errorf("stack %q: %w", stack, err)}
	case errors.As(err, &unready):
		return &runtime.StoreError{Err: fmt.Errorf("stack %q: its workflow cannot be asked: %w: the log of its worker says why", stack, err)}
	case errors.As(err, &late), errors.As(err, &waited), errors.As(err, &idle), errors.Is(err, context.DeadlineExceeded):
		if err := c.Health(); err != nil {
			return err
		}
		return &runtime.StoreError{Err: &silentError{stack, c.o.TaskQueue}}
	}
	return unreachable(err)
}

// silentError reports a stack that no worker answers for.
type silentError struct{ stack, queue string }

func (e *silentError) Error() string {
	return fmt.Sprintf("no worker answers for stack %q: one has to run, with the task queue of the stack (here %q)", e.stack, e.queue)
}

// unreachable is the error for a cluster that cannot be talked to.
func unreachable(err error) error {
	return &runtime.StoreError{Err: fmt.Errorf("the Temporal cluster: %w", err)}
}

// absent is the error for a command that found no workflow: the stack has ended, or there is none.
func (c *Client) absent(ctx context.Context, stack string) error {
	f, err := c.describe(ctx, stack)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return c.unknown(ctx, stack)
	case err != nil:
		return err
	case f.runs(): // it continued as another workflow at this moment
		return &runtime.StoreError{Err: fmt.Errorf("stack %q did not take the command: try it again", stack)}
	}
	return fmt.Errorf("%w: %q", runtime.ErrEnded, stack)
}

// unknown is the error for a stack that there is not, with some of those that there are.
func (c *Client) unknown(ctx context.Context, stack string) error {
	return unknownStack(ctx, c.c, c.o.TaskQueue, stack)
}

// unknownStack is the error for a stack that there is not. It asks for no more than it names: the
// newest ones.
func unknownStack(ctx context.Context, c client.Client, queue, stack string) error {
	r, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: stacksOf(queue), PageSize: manyNames + 1})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return unreachable(err)
	}
	e := &runtime.UnknownStackError{Stack: stack}
	for _, info := range r.GetExecutions() {
		e.Known = append(e.Known, info.GetExecution().GetWorkflowId())
	}
	slices.Sort(e.Known)
	e.Known = slices.Compact(e.Known) // the stack of a node may have run again
	if len(e.Known) > manyNames {
		e.Known[manyNames] = "…"
	}
	return e
}

// manyNames is how many names a message lists.
const manyNames = 20
