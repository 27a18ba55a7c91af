package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Send is an event for a stack.
type Send struct {
	Stack   string
	Event   string
	Payload any // that encoding/json can write, of the type of the event's key
	// ID is the sender's own name for this event, at most 256 bytes: sent again
	// (for SeenFor, and while no SeenLast others came after it), it is taken in
	// only once. "": every Send is another event.
	ID string
}

// maxEventID bounds the ids that senders choose.
const maxEventID = 256

// Send gives a stack an event. When it returns, the event is in the store; it
// ends a pause, and is applied when the next cycle begins, in the order of the
// sends. duplicate says that an event of this ID was taken in before: nothing
// has changed. Errors: *UnknownStackError, *machine.UnknownEventError,
// *machine.PayloadError, ErrEnded, *StoreError, ErrClosed, ctx's. After a
// *StoreError or ctx's it may still arrive: send it again with the same ID.
func (rt *Runtime) Send(ctx context.Context, in Send) (duplicate bool, err error) {
	if len(in.ID) > maxEventID {
		return false, fmt.Errorf("runtime: event id of %d bytes, at most %d are allowed", len(in.ID), maxEventID)
	}
	err = rt.with(ctx, in.Stack, func(s *Stack) error {
		return s.do(ctx, func() (err error) {
			duplicate, err = s.takeIn(in)
			return err
		})
	})
	return duplicate, err
}

// takeIn gives the machine an event, unless it is a duplicate.
func (s *Stack) takeIn(in Send) (duplicate bool, err error) {
	if in.ID != "" {
		if known, err := s.knows(in.ID); known || err != nil {
			return known, err
		}
	}
	if err := s.m.Step(machine.Event{At: s.now(), ID: in.ID, Name: in.Event, Payload: in.Payload}); err != nil {
		return false, err
	}
	if in.ID != "" {
		s.arrived = append(s.arrived, in.ID)
	}
	return false, nil
}

// knows says whether an event of this id is in the store, or will be with this
// turn.
func (s *Stack) knows(id string) (bool, error) {
	for _, other := range s.arrived {
		if other == id {
			return true, nil
		}
	}
	return s.rt.cfg.Store.Seen(s.rt.base, s.name, id)
}

// Answer settles a node that waits with an output: of an approval {approved,
// comment, by}. It is taken in when the next cycle begins, and ends a pause.
// The same answer again is no error. Errors: *UnknownStackError,
// *machine.UnknownNodeError, machine.ErrNotWaiting, *machine.AnswerError,
// ErrEnded, *StoreError, ErrClosed, ctx's.
func (rt *Runtime) Answer(ctx context.Context, stack, node string, output any) error {
	return rt.AnswerFor(ctx, stack, node, "", output)
}

// AnswerFor is Answer to the question with the id question (journal.Waiting.ID). It
// answers no other one; with "" it is Answer. An answer to a question that is over is
// no error when it says what was recorded. Without the id, an answer is refused with a
// *machine.StaleAnswerError while the open question is younger than two seconds and
// follows one of the same node that was answered: it may be a repetition.
func (rt *Runtime) AnswerFor(ctx context.Context, stack, node, question string, output any) error {
	return rt.input(ctx, stack, func(s *Stack) machine.Input {
		return machine.Answer{At: s.now(), Node: node, For: question, Output: output}
	})
}

// CancelTask fails a task with kind cancelled, and no attempt of it follows:
// of a for_each node the element item, or all of them when item is "". A node
// that waits is cancelled too. A task that is over already is no error, nor is a
// stack that has ended. It returns when nothing of the task runs any more. Errors: *UnknownStackError, *machine.UnknownNodeError,
// *StoreError, ErrClosed, ctx's.
func (rt *Runtime) CancelTask(ctx context.Context, stack, node, item string) error {
	err := rt.with(ctx, stack, func(s *Stack) error {
		if err := s.do(ctx, func() error {
			return s.m.Step(machine.CancelTask{At: s.now(), Node: node, Item: item})
		}); err != nil {
			return err
		}
		return s.until(ctx, func() bool {
			return !slices.ContainsFunc(s.cursor.Ending, func(e journal.Ending) bool {
				return e.Node == node && (item == "" || e.Item == item)
			})
		})
	})
	if errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// input feeds a stack's machine with something that it may refuse.
func (rt *Runtime) input(ctx context.Context, stack string, in func(*Stack) machine.Input) error {
	return rt.with(ctx, stack, func(s *Stack) error {
		return s.do(ctx, func() error { return s.m.Step(in(s)) })
	})
}

// do calls fn in the stack's loop, and returns when what follows is durable, or
// what fn returned. When ctx ends first, fn may still take effect. While the
// store is in trouble it says so, having had one more try made: fn is not called
// any more, or what follows waits for room.
func (s *Stack) do(ctx context.Context, fn func() error) error {
	ack := make(chan error, 1)
	var decided atomic.Bool // fn is called, or will never be
	stall := s.nextStall()
	s.post(func() {
		if !decided.CompareAndSwap(false, true) {
			return
		}
		if s.over {
			ack <- s.whyOver()
			return
		}
		switch err := fn(); {
		case errors.Is(err, machine.ErrEnded):
			ack <- fmt.Errorf("%w: %q", ErrEnded, s.name)
		case err != nil:
			ack <- err
		default:
			s.acks = append(s.acks, func() { ack <- s.err })
		}
	})
	select {
	case err := <-ack:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-stall.begun:
	}
	if decided.CompareAndSwap(false, true) {
		return stall.why
	}
	select {
	case err := <-ack:
		return err
	default:
		return fmt.Errorf("%w; it takes effect when there is room, unless the process ends before", stall.why)
	}
}
