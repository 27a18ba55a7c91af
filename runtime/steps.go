package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// record records a step. It is durable when record returns.
func (e *errand) record(ctx context.Context, r nodes.StepRecord) (any, error) {
	d, a := e.d, &e.attempt
	in, err := work.Step(e.masker, &r)
	if err != nil {
		return nil, err
	}
	in.Key, in.Attempt = a.task.Key, a.task.Attempt
	if id, call := work.CallOver(d.name, a.task.Key, &r); a.has(id) {
		in.Call = call
	}
	err = d.durably(ctx, a, func(at time.Time) machine.Input {
		in.At = at
		return in
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil, err // the store may be in trouble; the step may still be recorded
	}
	return r.Content, work.StepFailure(ctx, err)
}

// ask is nodes.Task.Ask. That the task waits is durable when it returns.
func (e *errand) ask(ctx context.Context, calls []journal.Call) error {
	own, err := work.Calls(e.masker, calls)
	if err != nil {
		return err
	}
	return work.StepFailure(ctx, e.d.durably(ctx, &e.attempt, func(at time.Time) machine.Input {
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
