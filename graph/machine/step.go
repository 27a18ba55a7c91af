package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
)

// Bounds of the steps of a task. A step beyond them is a *StepError of kind
// `limit`.
const (
	MaxSteps     = 1000         // of all attempts of a task
	MaxMarks     = 2 * MaxSteps // as MaxSteps, of the marks, which are no steps: work that was cut off is marked again
	MaxStepBytes = 1 << 20      // of the content of a step or mark, as canonical JSON
)

// taskStep records a part of a running attempt.
func (m *Machine) taskStep(in TaskStep) error {
	t, r := m.current(in.Key, in.Attempt, running)
	if t == nil {
		return ErrNotRunning
	}
	content := m.maskValue(in.Content)
	masked := in
	masked.Content = content
	if err := CheckStep(&masked, t.stepped, t.marked); err != nil {
		return m.stepError(in.Name, "limit", err.Error())
	}
	m.at = in.At
	b := &journal.TaskStep{
		Wave: r.w.number, Began: m.began(r.w), Node: in.Key.Node, Item: t.item, Attempt: t.attempt,
		Step: t.stepped + 1, Name: in.Name, Content: content.Any(), Duration: max(0, in.Duration), Tokens: in.Tokens, Cost: in.Cost,
		Mark: in.Mark, Call: in.Call,
	}
	if in.Mark {
		b.Step = 0
	}
	if name, ok := m.mask(in.Name).(string); ok {
		b.Name = name
	}
	if in.Error != nil {
		b.Error = m.maskFailure(*in.Error)
	}
	m.emit(b)
	if why := m.overUsage(); why != "" { // the next wave does not begin, nor does the next part
		m.fail(t, r, &journal.Failure{Kind: "limit", Message: why, Permanent: true})
	}
	return nil
}

// CheckStep returns what is wrong with a step, or a mark, of a task that has so many of both
// already, as a *StepError; nil if nothing is. A driver whose attempts run in other processes
// calls it there, before it makes the step durable.
func CheckStep(in *TaskStep, steps, marks int) error {
	var why string
	switch size := in.Content.Size(); {
	case in.Mark && marks >= MaxMarks:
		why = fmt.Sprintf("mark %q is one too many: a task has at most %d marks", in.Name, MaxMarks)
	case !in.Mark && steps >= MaxSteps:
		why = fmt.Sprintf("step %q is one too many: a task has at most %d steps", in.Name, MaxSteps)
	case size > MaxStepBytes:
		why = fmt.Sprintf("step %q has %d bytes, at most %d are allowed", in.Name, size, MaxStepBytes)
	default:
		return nil
	}
	return &StepError{Name: in.Name, Failure: journal.Failure{Kind: "limit", Message: why, Permanent: true}}
}

func (m *Machine) stepError(name, kind, message string) error {
	return &StepError{Name: name, Failure: *m.maskFailure(journal.Failure{Kind: kind, Message: message, Permanent: true})}
}

func (m *Machine) applyTaskStep(b *journal.TaskStep) {
	m.cur.Counts.Tokens += b.Tokens
	m.cur.Counts.Cost += b.Cost
	key := m.steppedKey(b)
	if b.Call != "" {
		m.forgetUsages(func(u journal.ChildUsage) bool { return u.Key() == key && u.Call == b.Call })
	}
	t, _ := m.find(key)
	stepDone(t, b)
}

// stepDone keeps a step for the attempts that follow.
func stepDone(t *task, b *journal.TaskStep) {
	if t == nil || t.state == over {
		return
	}
	t.steps = append(t.steps, b)
	if b.Mark {
		t.marked++
	} else {
		t.stepped = b.Step
	}
}

// taskUsed counts what an attempt used whose result came too late to count.
func (m *Machine) taskUsed(in TaskUsed) {
	if in.Tokens == 0 && in.Cost == 0 && in.NodeRuns == 0 {
		return
	}
	m.at = in.At
	b := &journal.TaskUsed{Wave: in.Key.Wave, Node: in.Key.Node, Item: in.Key.Item, Attempt: in.Attempt,
		Tokens: in.Tokens, Cost: in.Cost, NodeRuns: in.NodeRuns, Call: in.Call, Nonce: in.Nonce}
	if in.Key.Cycle != m.cur.Cycle {
		b.Began = in.Key.Cycle
	}
	m.emit(b)
	if i, ok := m.plan.index[in.Key.Node]; ok && (m.g.Nodes[i].Kind.Runs || in.Call != "") && !m.cur.Status.Ended() {
		m.endByUsage()
	}
}
