package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// Send gives a stack an event. When it returns, the event is in the store. It ends a
// pause, and is applied when the next cycle begins, in the order of the sends.
// duplicate reports that an event with this ID was received before, and nothing has
// changed, also when the stack has ended since. Errors: *UnknownStackError,
// *machine.UnknownEventError, *machine.PayloadError, ErrEnded, *StoreError, ErrClosed,
// or that of ctx. After a *StoreError or an error of ctx the event may still arrive:
// send it again with the same ID.
func (rt *Runtime) Send(ctx context.Context, in Send) (duplicate bool, err error) {
	if len(in.ID) > machine.MaxEventID {
		return false, fmt.Errorf("runtime: event id of %d bytes, at most %d are allowed", len(in.ID), machine.MaxEventID)
	}
	if err := value.CheckText(in.ID); err != nil {
		return false, fmt.Errorf("runtime: event id: %w", err)
	}
	err = rt.with(ctx, in.Stack, func(d *drive) error {
		return d.do(ctx, func() (err error) {
			duplicate, err = d.takeIn(in)
			return err
		})
	})
	if errors.Is(err, ErrEnded) && in.ID != "" && rt.repeats(ctx, in.Stack, machine.Event{ID: in.ID}) {
		return true, nil
	}
	return duplicate, err
}

// Answer settles a waiting node with an output; the output of an approval is {approved,
// comment, by}. It takes effect when the next cycle begins, and ends a pause. Giving
// the same answer again is no error. Errors: *UnknownStackError,
// *machine.UnknownNodeError, machine.ErrNotWaiting, *machine.AnswerError, ErrEnded,
// *StoreError, ErrClosed, or that of ctx.
func (rt *Runtime) Answer(ctx context.Context, stack, node string, output any) error {
	return rt.AnswerFor(ctx, stack, node, "", output)
}

// AnswerFor answers the question with the given id (journal.Waiting.ID), and no other
// one; with "" it is Answer. Answering a question that is over is no error when the
// answer is the recorded one, also when the stack has ended since. Without an id, an answer is refused with a
// *machine.StaleAnswerError while the open question is younger than two seconds and
// follows an answered question of the same node: the answer may be a repetition.
func (rt *Runtime) AnswerFor(ctx context.Context, stack, node, question string, output any) error {
	err := rt.input(ctx, stack, func(d *drive) machine.Input {
		return machine.Answer{At: d.now(), Node: node, For: question, Output: output}
	})
	if errors.Is(err, ErrEnded) && rt.repeats(ctx, stack, machine.Answer{Node: node, For: question, Output: output}) {
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
	def, err := rt.defs.of(ctx, snap.Cursor.Hash)
	if err != nil {
		return false
	}
	secrets, _ := secretsOf(rt.cfg.Secret, def.g) // those that are set
	return machine.Repeats(def.g, secrets.options(), snap, in)
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
