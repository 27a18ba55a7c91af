package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/feed"
)

// record makes nodes.Task.Record for an attempt. The step is durable when it returns.
func (d *drive) record(a *attempt) func(context.Context, nodes.StepRecord) (any, error) {
	masker := d.secrets.masker // the one in s may be replaced meanwhile
	return func(ctx context.Context, r nodes.StepRecord) (any, error) {
		given, err := value.Of(r.Content)
		if err != nil {
			return nil, nodes.Errorf("output", "step %q: %v", r.Name, err)
		}
		content := given.With(masker.Value(given.Any()))
		in := machine.TaskStep{Key: a.task.Key, Attempt: a.task.Attempt, Name: r.Name, Content: content,
			Duration: r.Duration, Tokens: r.Tokens, Cost: r.Cost}
		if e := r.Error; e != nil {
			in.Error = &journal.Failure{Kind: e.Kind, Message: e.Message, Permanent: e.Permanent}
		}
		durable := make(chan error, 1)
		d.post(func() {
			if d.over || a.givenUp {
				durable <- machine.ErrNotRunning
				return
			}
			in.At = d.now()
			if err := d.m.Step(in); err != nil {
				durable <- err
				return
			}
			d.recording = append(d.recording, durable)
		})
		select {
		case err = <-durable:
		case <-ctx.Done():
			select {
			case err = <-durable:
			default: // the store may be in trouble; the step may still be recorded
				return nil, context.Cause(ctx)
			}
		}
		return content.Any(), stepFailure(ctx, err)
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

// stepsOf converts the recorded steps of a task for its work.
func stepsOf(recorded []*journal.TaskStep) []nodes.StepRecord {
	steps := make([]nodes.StepRecord, len(recorded))
	for i, r := range recorded {
		steps[i] = nodes.StepRecord{Name: r.Name, Content: r.Content, Duration: r.Duration, Tokens: r.Tokens, Cost: r.Cost}
		if f := r.Error; f != nil {
			steps[i].Error = &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
		}
	}
	return steps
}

// noter makes nodes.Task.Note for an attempt.
func (d *drive) noter(a *attempt) func(string) {
	masker := d.secrets.masker
	return func(text string) {
		d.eng.cfg.Feed.Note(feed.Note{Stack: d.name, Graph: d.graph, Task: a.task.Key, Attempt: a.task.Attempt, At: time.Now().UTC(), Text: masker.Text(text)})
	}
}
