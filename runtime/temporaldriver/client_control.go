package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// Send gives a stack an event. When it returns, the cluster has it. Errors and duplicate are as
// those of runtime.Runtime.Send; *machine.QueueFullError too.
func (c *Client) Send(ctx context.Context, in runtime.Send) (duplicate bool, err error) {
	if err := work.CheckEventID(in.ID); err != nil {
		return false, err
	}
	payload, err := value.Of(in.Payload)
	if err != nil {
		return false, &machine.PayloadError{Event: in.Event, Err: err}
	}
	r, err := c.command(ctx, in.Stack, command{Do: doSend, ID: in.ID, Event: in.Event, Payload: payload})
	var unknown *machine.UnknownEventError
	switch {
	case errors.As(err, &unknown):
		return c.sendBelow(ctx, in, err)
	case errors.Is(err, runtime.ErrEnded) && in.ID != "" && c.repeats(ctx, in.Stack, machine.Event{ID: in.ID}):
		return true, nil
	}
	return r.Refused != nil && r.Refused.Code == codeDuplicate, err
}

// sendBelow gives an event that a stack does not declare to the stacks within it that do, as
// they are at this moment. Without any, it returns why the stack refused the event.
func (c *Client) sendBelow(ctx context.Context, in runtime.Send, refused error) (duplicate bool, err error) {
	return work.Below{
		Store: c,
		Graph: func(ctx context.Context, hash string) (*graph.Graph, error) {
			def, err := c.definition(ctx, hash)
			if err != nil {
				return nil, err
			}
			return def.g, nil
		},
		Send: func(ctx context.Context, stack string) (bool, error) {
			one := in
			one.Stack = stack
			return c.Send(ctx, one)
		},
		Gone: func(err error) bool { return errors.Is(err, runtime.ErrEnded) || errors.Is(err, journal.ErrNotFound) },
	}.Deliver(ctx, in.Stack, in.Event, refused)
}

// AnswerWith answers a waiting node, as runtime.Runtime.AnswerWith does.
func (c *Client) AnswerWith(ctx context.Context, stack, node string, o runtime.AnswerOptions) error {
	do := command{Do: doAnswer, Node: node, Item: o.Item, For: o.For, Call: o.Call, HasArgs: o.Args != nil}
	var err error
	if do.Output, err = value.Of(o.Output); err == nil {
		do.Args, err = value.Of(o.Args)
	}
	if err != nil {
		return &machine.AnswerError{Node: node, Err: err}
	}
	_, err = c.command(ctx, stack, do)
	again := machine.Answer{Node: node, Item: o.Item, For: o.For, Call: o.Call, Args: o.Args, Output: o.Output, By: runtime.By(ctx)}
	if errors.Is(err, runtime.ErrEnded) && c.repeats(ctx, stack, again) {
		return nil
	}
	return err
}

// repeats reports whether a stack that has ended recorded the same input before. It may have
// ended because of it.
func (c *Client) repeats(ctx context.Context, stack string, in machine.Input) bool {
	snap, err := c.State(ctx, stack)
	if err != nil {
		return false
	}
	def, err := c.definition(ctx, snap.Cursor.Hash)
	return err == nil && machine.Repeats(def.g, machine.Options{}, snap, in)
}

// Cancel ends a stack as cancelled and cancels its running tasks. It returns when the stack has
// ended. Cancelling a stack again is no error and keeps the first reason.
func (c *Client) Cancel(ctx context.Context, stack, reason string) error {
	if err := value.CheckText(reason); err != nil {
		return fmt.Errorf("runtime: reason: %w", err)
	}
	return c.cancelled(ctx, stack, c.tell(ctx, stack, command{Do: doCancel, Reason: reason}))
}

// End ends a stack gently, when its open wave is committed. It returns when the stack has ended.
func (c *Client) End(ctx context.Context, stack string) error {
	return c.cancelled(ctx, stack, c.tell(ctx, stack, command{Do: doStop}))
}

// cancelled drops the error of a stack that is already cancelled, so that a caller who does not
// know whether a call arrived may repeat it.
func (c *Client) cancelled(ctx context.Context, stack string, err error) error {
	if !errors.Is(err, runtime.ErrEnded) {
		return err
	}
	if sum, broken := c.Stack(ctx, stack); broken == nil && sum.Cursor.Status == journal.Cancelled {
		return nil
	}
	return err
}

// CancelTask fails a task with kind cancelled, and no further attempt follows. It returns when
// nothing of the task runs any more. It is no error for a stack that has ended.
func (c *Client) CancelTask(ctx context.Context, stack, node, item string) error {
	err := c.tell(ctx, stack, command{Do: doCancelTask, Node: node, Item: item})
	if errors.Is(err, runtime.ErrEnded) {
		return nil
	}
	return err
}

// Pause keeps new waves of a stack from starting until Unpause; running tasks finish.
func (c *Client) Pause(ctx context.Context, stack string) error {
	return c.tell(ctx, stack, command{Do: doPause})
}

// Unpause ends a Pause.
func (c *Client) Unpause(ctx context.Context, stack string) error {
	return c.tell(ctx, stack, command{Do: doResume})
}

// Wake ends the pause of a stack between two cycles at once.
func (c *Client) Wake(ctx context.Context, stack string) error {
	return c.tell(ctx, stack, command{Do: doWake})
}

func (c *Client) tell(ctx context.Context, stack string, do command) error {
	_, err := c.command(ctx, stack, do)
	return err
}

// Remove deletes a stack that has ended, the stacks that did its nodes' work, and their histories.
// It returns when the cluster does not find the stack any more. Errors:
// *runtime.UnknownStackError, runtime.ErrNotEnded, *runtime.StoreError, or that of ctx.
func (c *Client) Remove(ctx context.Context, stack string) error {
	f, err := c.describe(ctx, stack)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return c.unknown(ctx, stack)
	case err != nil:
		return err
	case f.runs():
		return fmt.Errorf("%w: %q", runtime.ErrNotEnded, stack)
	}
	if within, err := inspect.Children(ctx, c, stack, true); err == nil { // else no worker can say which
		for i := range within {
			if err := c.erase(ctx, within[i].Summary.Identity.Stack); err != nil {
				return err
			}
		}
	}
	if err := c.erase(ctx, stack); err != nil {
		return err
	}
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if _, err := c.describe(ctx, stack); err != nil {
			if errors.Is(err, journal.ErrNotFound) {
				err = nil
			}
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// erase has the cluster delete all workflows that a stack was.
func (c *Client) erase(ctx context.Context, stack string) error {
	runs, err := c.runsOf(ctx, stack)
	if err != nil {
		return err
	}
	for _, run := range append(runs, "") { // the last one may not be listed yet
		_, err := c.c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: c.o.Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: stack, RunId: run},
		})
		var missing *serviceerror.NotFound
		if err != nil && !errors.As(err, &missing) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return unreachable(err)
		}
	}
	return nil
}
