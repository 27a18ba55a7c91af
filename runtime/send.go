package runtime

import (
	"context"
	"errors"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// Send gives a stack an event. When it returns, the event is in the store. It ends a
// pause, and is applied when the next cycle begins, in the order of the sends.
// duplicate reports that an event with this ID was received before, and nothing has
// changed, also when the stack has ended since. Errors: *UnknownStackError,
// *machine.UnknownEventError, *machine.PayloadError, ErrEnded, *StoreError, ErrClosed,
// or that of ctx. After a *StoreError or an error of ctx the event may still arrive:
// send it again with the same ID.
func (rt *Runtime) Send(ctx context.Context, in Send) (duplicate bool, err error) {
	if err := work.CheckEventID(in.ID); err != nil {
		return false, err
	}
	err = rt.with(ctx, in.Stack, func(d *drive) error {
		return d.do(ctx, func() (err error) {
			duplicate, err = d.takeIn(in, By(ctx))
			return err
		})
	})
	var unknown *machine.UnknownEventError
	if errors.As(err, &unknown) {
		return rt.sendBelow(ctx, in, err)
	}
	if errors.Is(err, ErrEnded) && in.ID != "" && rt.repeats(ctx, in.Stack, machine.Event{ID: in.ID}) {
		return true, nil
	}
	return duplicate, err
}

// Answer settles a waiting node with an output; the output of an approval is {approved,
// comment, by}. It is AnswerWith without more.
func (rt *Runtime) Answer(ctx context.Context, stack, node string, output any) error {
	return rt.AnswerWith(ctx, stack, node, AnswerOptions{Output: output})
}

// AnswerOptions are an answer, and say what it is for.
type AnswerOptions struct {
	// Output of an approval, or of a call of a tool, is {approved, comment, by}.
	Output any
	// Item is the key of the element that asks, of a call under for_each.
	Item string
	// For is the id of the question (journal.Waiting.ID): the answer is for no other one.
	For string
	// Call is the id of the call that gets a person's word. It may be "" if the node waits
	// for one word only.
	Call string
	// Args are what the call is made with in place of the model's arguments; nil for those.
	Args any
}

// AnswerWith answers a waiting node. An answer takes effect when the next cycle begins,
// and ends a pause; a task that asked for words on calls continues when it has all of
// them. Giving the same answer again is no error; with For, also when the question is over
// or the stack has ended since. Without For, an answer is refused with a
// *machine.StaleAnswerError while the open question is younger than two seconds and
// follows an answered question of the same node: the answer may be a repetition. Errors:
// *UnknownStackError, *machine.UnknownNodeError, machine.ErrNotWaiting, *machine.CallsError
// (several calls wait, and the answer does not say which it is for),
// *machine.AnswerError, ErrEnded, *StoreError, ErrClosed, or that of ctx.
func (rt *Runtime) AnswerWith(ctx context.Context, stack, node string, o AnswerOptions) error {
	in := machine.Answer{Node: node, Item: o.Item, For: o.For, Call: o.Call, Args: o.Args, Output: o.Output, By: By(ctx)}
	err := rt.input(ctx, stack, func(d *drive) machine.Input {
		in.At = d.now()
		return in
	})
	if errors.Is(err, ErrEnded) && rt.repeats(ctx, stack, in) {
		return nil
	}
	return err
}

// repeats reports whether a stack that has ended recorded the same input before. It
// may have ended because of it.
func (rt *Runtime) repeats(ctx context.Context, stack string, in machine.Input) bool {
	snap, err := rt.cfg.Store.Load(ctx, stack)
	if err != nil {
		return false
	}
	def, err := rt.defs.ofHash(ctx, snap.Cursor.Hash)
	if err != nil {
		return false
	}
	secrets, _ := secretsOf(rt.cfg.Secret, nil, def.g) // those that are set
	return machine.Repeats(def.g, rt.defs.options(secrets), snap, in)
}

// CancelTask fails a task with kind cancelled, and no further attempt follows. item
// selects an element of a for_each node; with "" all of its elements are cancelled. A
// waiting node is cancelled too. Cancelling a task that is over, or of a stack that has
// ended, is no error. It returns when nothing of the task runs any more. Errors:
// *UnknownStackError, *machine.UnknownNodeError, *StoreError, ErrClosed, or that of
// ctx.
func (rt *Runtime) CancelTask(ctx context.Context, stack, node, item string) error {
	err := rt.with(ctx, stack, func(d *drive) error {
		if err := d.do(ctx, func() error {
			control := d.control(ctx, journal.ActionCancelTask)
			control.Node, control.Item = node, item
			d.step(control)
			return d.m.Step(machine.CancelTask{At: d.now(), Node: node, Item: item})
		}); err != nil {
			return err
		}
		return d.until(ctx, func() bool {
			return !slices.ContainsFunc(d.cursor.Ending, func(e journal.Ending) bool {
				return e.Node == node && (item == "" || e.Item == item)
			})
		})
	})
	if errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// input feeds a stack's machine with something that the machine may refuse.
func (rt *Runtime) input(ctx context.Context, stack string, in func(*drive) machine.Input) error {
	return rt.with(ctx, stack, func(d *drive) error {
		return d.do(ctx, func() error { return d.m.Step(in(d)) })
	})
}

// sendBelow gives an event that a stack does not declare to the stacks within it that do,
// as they are at this moment. Without any, it returns why the stack refused the event.
func (rt *Runtime) sendBelow(ctx context.Context, in Send, refused error) (duplicate bool, err error) {
	return work.Below{
		Store: rt.cfg.Store,
		Graph: func(ctx context.Context, hash string) (*graph.Graph, error) {
			def, err := rt.defs.ofHash(ctx, hash)
			if err != nil {
				return nil, err
			}
			return def.g, nil
		},
		Send: func(ctx context.Context, stack string) (bool, error) {
			one := in
			one.Stack = stack
			return rt.Send(ctx, one)
		},
		Gone: func(err error) bool { return errors.Is(err, ErrEnded) || errors.Is(err, ErrNotFound) },
	}.Deliver(ctx, in.Stack, in.Event, refused)
}
