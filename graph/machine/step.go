package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
)

// Bounds of the steps of a task. A step beyond them is a *StepError of kind
// `limit`.
const (
	MaxSteps     = 1000    // of all attempts of a task
	MaxStepBytes = 1 << 20 // of a step's content, as canonical JSON
)

// taskStep records a part of a running attempt.
func (m *Machine) taskStep(in TaskStep) error {
	t, r := m.current(in.Key, in.Attempt, running)
	if t == nil {
		return ErrNotRunning
	}
	if t.stepped >= MaxSteps {
		return m.stepError(in.Name, "limit", fmt.Sprintf("step %q is one too many: a task has at most %d steps", in.Name, MaxSteps))
	}
	content := m.maskValue(in.Content)
	if size := content.Size(); size > MaxStepBytes {
		return m.stepError(in.Name, "limit", fmt.Sprintf("step %q has %d bytes, at most %d are allowed", in.Name, size, MaxStepBytes))
	}
	m.at = in.At
	b := &journal.TaskStep{
		Wave: r.w.number, Began: m.began(r.w), Node: in.Key.Node, Item: t.item, Attempt: t.attempt,
		Step: t.stepped + 1, Name: in.Name, Content: content.Any(), Duration: max(0, in.Duration), Tokens: in.Tokens, Cost: in.Cost,
	}
	if name, ok := m.mask(in.Name).(string); ok {
		b.Name = name
	}
	if in.Error != nil {
		b.Error = m.maskFailure(*in.Error)
	}
	m.emit(b)
	return nil
}

func (m *Machine) stepError(name, kind, message string) error {
	return &StepError{Name: name, Failure: *m.maskFailure(journal.Failure{Kind: kind, Message: message, Permanent: true})}
}

func (m *Machine) applyTaskStep(b *journal.TaskStep) {
	m.cur.Counts.Tokens += b.Tokens
	m.cur.Counts.Cost += b.Cost
	t, _ := m.find(m.steppedKey(b))
	stepDone(t, b)
}

// stepDone keeps a step for the attempts that follow.
func stepDone(t *task, b *journal.TaskStep) {
	if t != nil && t.state != over {
		t.steps, t.stepped = append(t.steps, b), b.Step
	}
}

// taskUsed counts what an attempt used whose result came too late to count.
func (m *Machine) taskUsed(in TaskUsed) {
	if in.Tokens == 0 && in.Cost == 0 {
		return
	}
	m.at = in.At
	b := &journal.TaskUsed{Wave: in.Key.Wave, Node: in.Key.Node, Item: in.Key.Item, Attempt: in.Attempt, Tokens: in.Tokens, Cost: in.Cost}
	if in.Key.Cycle != m.cur.Cycle {
		b.Began = in.Key.Cycle
	}
	m.emit(b)
}
