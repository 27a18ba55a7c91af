package work

import (
	"context"
	"errors"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/mask"
	"github.com/graphrun/graphrun/nodes"
)

// Step is what the machine gets when the work records a step. It makes r.Content canonical
// and hides the secrets in it: every attempt gets it so. The caller sets At, Key, Attempt
// and Call. The error is one for the work.
func Step(m *mask.Masker, r *nodes.StepRecord) (machine.TaskStep, error) {
	given, err := value.Of(r.Content)
	if err != nil {
		return machine.TaskStep{}, nodes.Errorf("output", "step %q: %v", r.Name, err)
	}
	content := given.With(m.Value(given.Any()))
	r.Content = content.Any()
	in := machine.TaskStep{Name: r.Name, Content: content, Duration: r.Duration, Tokens: r.Tokens, Cost: r.Cost, Mark: r.Mark}
	if e := r.Error; e != nil {
		in.Error = &journal.Failure{Kind: e.Kind, Message: e.Message, Permanent: e.Permanent}
	}
	return in, nil
}

// StepFailure is the error for the work when the machine did not take a step or calls: err
// is the machine's, and ctx that of the attempt. It is nil if err is.
func StepFailure(ctx context.Context, err error) error {
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

// Steps converts the recorded steps of a task for its work. The first ones are void.
func Steps(recorded []*journal.TaskStep, void int) []nodes.StepRecord {
	steps := make([]nodes.StepRecord, len(recorded))
	for i, r := range recorded {
		steps[i] = nodes.StepRecord{Name: r.Name, Content: r.Content, Duration: r.Duration, Tokens: r.Tokens, Cost: r.Cost, Mark: r.Mark, Void: i < void}
		if f := r.Error; f != nil {
			steps[i].Error = &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
		}
	}
	return steps
}
