package temporaldriver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// refused is in place of an input that is not for the machine: the command is refused.
type refused struct {
	machine.Input
	wireError
}

// listen has everything that reaches the workflow from outside put into its inbox. root is the
// context that ends when the cluster is asked to cancel the workflow.
func (s *stack) listen(root workflow.Context) error {
	if err := workflow.SetQueryHandler(s.ctx, readName, s.read); err != nil {
		return err
	}
	err := workflow.SetUpdateHandlerWithOptions(s.ctx, updateName, s.obey, workflow.UpdateHandlerOptions{Validator: s.check})
	if err != nil {
		return err
	}
	listenTo(s, eventName, func(e eventSignal) {
		s.post(eventLetter(command{ID: e.ID, Event: e.Event, Payload: e.Payload}))
	})
	listenTo(s, parentName, s.followParent)
	listenTo(s, childName, s.hearChild)
	listenTo(s, askName, s.hearAsk)
	listenTo(s, capacitySig, s.hearSlots)
	workflow.Go(root, func(ctx workflow.Context) {
		ctx.Done().Receive(ctx, nil)
		s.step(func(at time.Time) machine.Input { return machine.Cancel{At: at, Reason: "cancelled through Temporal"} })
	})
	return nil
}

// listenTo calls fn for the signals of a name, in the order in which they came.
func listenTo[T any](s *stack, name string, fn func(T)) {
	c := workflow.GetSignalChannel(s.ctx, name)
	workflow.Go(s.ctx, func(ctx workflow.Context) {
		for {
			var v T
			if !c.Receive(ctx, &v) {
				return
			}
			fn(v)
		}
	})
}

// eventLetter gives the machine an event.
func eventLetter(c command) letter {
	return letter{event: &c, size: c.Payload.Size(), in: func(at time.Time) []machine.Input {
		return []machine.Input{machine.Event{At: at, ID: c.ID, Name: c.Event, Payload: c.Payload.Any(), By: c.By}}
	}}
}

// check refuses a command before it becomes part of the history. It may look at the stack, and
// changes nothing.
func (s *stack) check(c command) error {
	if n := c.Payload.Size() + c.Output.Size() + c.Args.Size(); n > s.w.mostValue() {
		return fmt.Errorf("what the command carries has %d bytes, at most %d are allowed", n, s.w.mostValue())
	}
	if len(c.ID) > machine.MaxEventID {
		return fmt.Errorf("event id of %d bytes, at most %d are allowed", len(c.ID), machine.MaxEventID)
	}
	return nil
}

// obey is the update: it returns when the command has taken effect.
func (s *stack) obey(ctx workflow.Context, c command) (reply, error) {
	s.busy++
	defer func() { s.busy-- }()
	if c.Do == doAdopt {
		return s.offer(ctx, c)
	}
	inputs, err := s.inputsFor(c)
	if err != nil {
		return reply{}, err
	}
	var r *reply
	s.post(letter{in: inputs, size: c.Payload.Size() + c.Output.Size(), reply: func(why *wireError) {
		r = &reply{Refused: why}
		if why == nil {
			s.passOn(c)
		}
	}})
	if err := workflow.Await(ctx, func() bool { return r != nil && s.hasEffect(c) }); err != nil {
		return reply{}, err
	}
	return *r, nil
}

// passOn gives a command to the stacks that do work of this one, where it is for them too. Pauses
// and stops follow from what the machine wants of them.
func (s *stack) passOn(c command) {
	switch c.Do {
	case doWake:
		s.lead(parentSignal{Wake: true})
	case doResume: // also parked tasks run again
		s.lead(parentSignal{Standing: byte(machine.GoesOn), Metered: s.leads.metered})
	}
}

// hasEffect reports that what a command asks for is not only decided, but done.
func (s *stack) hasEffect(c command) bool {
	switch c.Do {
	case doCancel, doStop:
		return s.cursor.Status.Ended()
	case doCancelTask:
		for _, e := range s.cursor.Ending {
			if e.Node == c.Node && (c.Item == "" || e.Item == c.Item) {
				return s.cursor.Status.Ended()
			}
		}
	}
	return true
}

// inputsFor are the inputs of a command. A machine that has ended refuses those that would
// change something.
func (s *stack) inputsFor(c command) (func(at time.Time) []machine.Input, error) {
	if c.Do == doSend {
		return eventLetter(c).in, nil
	}
	control := func(a journal.Action, in func(at time.Time) machine.Input) func(at time.Time) []machine.Input {
		return func(at time.Time) []machine.Input {
			if s.cursor.Status.Ended() {
				return []machine.Input{refused{wireError: toWire(machine.ErrEnded)}}
			}
			return []machine.Input{machine.Control{At: at, Action: a, By: c.By, Node: c.Node, Item: c.Item}, in(at)}
		}
	}
	switch c.Do {
	case doAnswer:
		return func(at time.Time) []machine.Input {
			in := machine.Answer{At: at, Node: c.Node, Item: c.Item, Call: c.Call, For: c.For, Output: c.Output.Any(), By: c.By}
			if c.HasArgs {
				in.Args = c.Args.Any()
			}
			return []machine.Input{in}
		}, nil
	case doPause:
		return control(journal.ActionPause, func(at time.Time) machine.Input { return machine.Pause{At: at} }), nil
	case doResume:
		return control(journal.ActionResume, func(at time.Time) machine.Input { return machine.Resume{At: at} }), nil
	case doWake:
		return control(journal.ActionWake, func(at time.Time) machine.Input { return machine.Woke{At: at, Early: true} }), nil
	case doStop:
		return control(journal.ActionStop, func(at time.Time) machine.Input {
			return machine.Stop{At: at, Reason: runtime.Stopped, By: c.By}
		}), nil
	case doCancel:
		return control(journal.ActionCancel, func(at time.Time) machine.Input {
			return machine.Cancel{At: at, Reason: c.Reason, By: c.By}
		}), nil
	case doCancelTask:
		return control(journal.ActionCancelTask, func(at time.Time) machine.Input {
			return machine.CancelTask{At: at, Node: c.Node, Item: c.Item}
		}), nil
	}
	return nil, temporal.NewApplicationError(fmt.Sprintf("a command %q is not known to this version of the worker", c.Do), failureUnknown)
}

// offer gives the stack a changed graph. The stack adopts it when no cycle is open. The reply says
// whether it was, or will be tried.
func (s *stack) offer(ctx workflow.Context, c command) (reply, error) {
	if c.Graph == nil {
		return reply{}, errors.New("there is no graph")
	}
	if s.cursor.Status.Ended() {
		why := toWire(machine.ErrEnded)
		return reply{Refused: &why}, nil
	}
	decided := false
	s.unfit, s.offered, s.in.Taken = "", c.Graph, workflow.Now(ctx).UTC()
	if c.Graph.Hash == s.cursor.Hash { // it was changed back
		s.offered = nil
		return reply{}, nil
	}
	s.post(letter{reply: func(*wireError) { decided = true }})
	if err := workflow.Await(ctx, func() bool { return decided }); err != nil {
		return reply{}, err
	}
	if s.unfit != "" {
		return reply{Refused: &wireError{Code: codeAdopt, Message: s.unfit}}, nil
	}
	return reply{Pending: s.offered != nil}, nil
}

// followParent does what the stack around this one wants.
func (s *stack) followParent(p parentSignal) {
	s.in.Parent.Metered = s.in.Parent.Metered || p.Metered
	switch {
	case p.End > 0:
		s.step(func(at time.Time) machine.Input { return machine.EndChild(at, p.End > 1) })
	case p.Wake:
		s.step(func(at time.Time) machine.Input { return machine.Woke{At: at, Early: true} })
		s.lead(p)
	default:
		s.step(func(at time.Time) machine.Input { return machine.Standing(p.Standing).Input(at, p.Reason) })
		if machine.Standing(p.Standing) == machine.GoesOn {
			s.lead(p)
		}
	}
}

// hearChild takes note of how the stack of a node stands.
func (s *stack) hearChild(c childSignal) {
	id := c.Of.attempt()
	used := machine.ChildUsed{Key: id.TaskKey, Attempt: id.Attempt, Call: c.Of.Call, Counts: c.Counts}
	if c.Of.Call != "" {
		used.Nonce = c.Nonce
	}
	known := c.Of.Call != "" && s.flights[id] != nil
	for _, name := range s.kidNames() {
		k := s.kids[name]
		if k.Of.attempt().TaskKey != id.TaskKey || k.Of.Call != c.Of.Call || !k.Running {
			continue
		}
		known = true
		id = k.Of.attempt()
		used.Attempt = id.Attempt
		if c.End != nil {
			k.Running = false
			s.freed(k.Lock)
		}
	}
	if !known {
		return // of a stack of this name before this one
	}
	s.post(letter{in: func(at time.Time) (all []machine.Input) {
		used.At = at
		all = append(all, used)
		switch {
		case c.Of.Call != "": // the attempt that made the call says what its end means
		case c.End != nil:
			state, _ := c.End.State.Any().(map[string]any)
			all = append(all, machine.ChildDone{At: at, Key: id.TaskKey, Attempt: id.Attempt, Cursor: c.End.Cursor, State: state})
		case c.Rests:
			all = append(all, optional{machine.TaskWaits{At: at, Key: id.TaskKey, Attempt: id.Attempt}}, childHeld{machine.TaskHeld{At: at, Key: id.TaskKey, Attempt: id.Attempt}})
		}
		return all
	}})
}

// optional is an input whose refusal stops nothing.
type optional struct{ machine.Input }

// childHeld says of an attempt that its child waits for somebody outside.
type childHeld struct{ machine.TaskHeld }

// hearAsk takes note that calls of an attempt need a person's word.
func (s *stack) hearAsk(a askSignal) {
	id := a.Of.attempt()
	var calls []journal.Call
	for _, c := range a.Calls {
		calls = append(calls, journal.Call{ID: c.ID, Tool: c.Tool, Args: c.Args.Any()})
	}
	s.step(func(at time.Time) machine.Input {
		return machine.TaskWaits{At: at, Key: id.TaskKey, Attempt: id.Attempt, Calls: calls}
	})
}

// read is the query: what package inspect reads of a stack, and what this process knows of it.
func (s *stack) read(q readRequest) (readReply, error) {
	return s.answerRead(context.Background(), q)
}
