package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// record records a step. It is durable when record returns.
func (e *errand) record(ctx context.Context, r nodes.StepRecord) (any, error) {
	d, a := e.d, &e.attempt
	given, err := value.Of(r.Content)
	if err != nil {
		return nil, nodes.Errorf("output", "step %q: %v", r.Name, err)
	}
	content := given.With(e.masker.Value(given.Any()))
	in := machine.TaskStep{Key: a.task.Key, Attempt: a.task.Attempt, Name: r.Name, Content: content,
		Duration: r.Duration, Tokens: r.Tokens, Cost: r.Cost, Mark: r.Mark}
	r.Content = content.Any()
	if id, call := childOver(d.name, a.task.Key, &r); a.has(id) {
		in.Call = call
	}
	if e := r.Error; e != nil {
		in.Error = &journal.Failure{Kind: e.Kind, Message: e.Message, Permanent: e.Permanent}
	}
	err = d.durably(ctx, a, func(at time.Time) machine.Input {
		in.At = at
		return in
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil, err // the store may be in trouble; the step may still be recorded
	}
	return content.Any(), stepFailure(ctx, err)
}

// ask is nodes.Task.Ask. That the task waits is durable when it returns.
func (e *errand) ask(ctx context.Context, calls []journal.Call) error {
	own := make([]journal.Call, len(calls))
	for i, c := range calls {
		args, err := value.Of(c.Args)
		if err != nil {
			return nodes.Errorf("output", "the arguments of call %q: %v", c.ID, err)
		}
		own[i] = journal.Call{ID: e.masker.Text(c.ID), Tool: e.masker.Text(c.Tool), Args: e.masker.Value(args.Any())}
	}
	return stepFailure(ctx, e.d.durably(ctx, &e.attempt, func(at time.Time) machine.Input {
		return machine.TaskWaits{At: at, Key: e.task.Key, Attempt: e.task.Attempt, Calls: own}
	}))
}

// durably feeds the machine with something that a running attempt says, and returns when
// that is durable, or with the cause of ctx. Then it may still become so.
func (d *drive) durably(ctx context.Context, a *attempt, in func(at time.Time) machine.Input) error {
	durable := make(chan error, 1)
	d.post(func() {
		if d.over || a.givenUp {
			durable <- machine.ErrNotRunning
			return
		}
		if err := d.m.Step(in(d.now())); err != nil {
			durable <- err
			return
		}
		d.recording = append(d.recording, durable)
	})
	select {
	case err := <-durable:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-durable:
		return err
	default:
		return context.Cause(ctx)
	}
}

// recorded answers the steps of a round. It comes before anything is cancelled, since an
// attempt counts what it used in a step that it takes for not recorded.
func (d *drive) recorded() {
	for _, durable := range d.recording {
		durable <- d.err
	}
	d.recording = d.recording[:0]
}

// stepFailure is the error for the work when a step was not recorded.
func stepFailure(ctx context.Context, err error) error {
	var refused *machine.StepError
	switch {
	case errors.As(err, &refused):
		return &nodes.Error{Kind: refused.Failure.Kind, Message: refused.Failure.Message, Permanent: refused.Failure.Permanent}
	case errors.Is(err, machine.ErrNotRunning):
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nodes.Errorf("cancelled", "the attempt has ended")
	}
	return err
}

// stepsOf converts the recorded steps of a task for its work. The first ones are void.
func stepsOf(recorded []*journal.TaskStep, void int) []nodes.StepRecord {
	steps := make([]nodes.StepRecord, len(recorded))
	for i, r := range recorded {
		steps[i] = nodes.StepRecord{Name: r.Name, Content: r.Content, Duration: r.Duration, Tokens: r.Tokens, Cost: r.Cost, Mark: r.Mark, Void: i < void}
		if f := r.Error; f != nil {
			steps[i].Error = &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
		}
	}
	return steps
}
