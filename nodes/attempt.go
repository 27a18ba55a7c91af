package nodes

import (
	"context"
	"sync"
)

// attempt is the context of a running attempt, and what it carries.
type attempt struct {
	context.Context
	spent // outside of steps

	making sync.Mutex
	with   any   // of a task that is not made yet
	lazy   Lazy  // makes it; nil once it has
	task   *Task // nil until it is made

	steps map[string][]*StepRecord // recorded before, and not yet given again; nil before the first look
}

type attemptKey struct{}

func newAttempt(ctx context.Context, t Task) *attempt {
	if t.Lazy == nil {
		return &attempt{Context: ctx, task: owned(t)}
	}
	return &attempt{Context: ctx, with: t.With, lazy: t.Lazy}
}

// owned is a copy of a task. It is apart so that a task which nobody keeps stays off the
// heap.
func owned(t Task) *Task { return &t }

// completed is a lazy task with all its fields.
func completed(t Task) Task {
	lazy := t.Lazy
	t.Lazy = nil
	lazy.Complete(&t)
	return t
}

// Value finds the attempt itself. Its steps are its own: one around it is hidden.
func (a *attempt) Value(key any) any {
	switch key.(type) {
	case attemptKey:
		return a
	case stepKey:
		return nil
	}
	return a.Context.Value(key)
}

// whole returns the task with all its fields. It is shared and does not change any more.
func (a *attempt) whole() *Task {
	a.making.Lock()
	defer a.making.Unlock()
	if a.task == nil {
		t := &Task{With: a.with}
		a.lazy.Complete(t)
		a.task, a.with, a.lazy = t, nil, nil
	}
	return a.task
}

// Lazy makes the part of a Task that a driver does not make before somebody asks for it.
type Lazy interface {
	// Complete sets all fields that the driver has a value for, except With, Secret and
	// Lazy. It is called once at most, on any goroutine, and may be called after the
	// attempt has ended.
	Complete(t *Task)
}

// Lean reports that the work of a kind reads nothing of its Task but With, unless it asks
// for it by the context (TaskOf, Step, Note). For other kinds Run completes a lazy Task at
// once. Kinds that Func makes are lean.
func (s Spec) Lean() bool {
	_, lean := s.Node.(interface{ lean() })
	return lean && !s.Secrets && !s.Talks
}

// Spend adds to what the running attempt, or the running Step, has used up. It counts
// towards `limits: {tokens, cost}` however the attempt ends: also when it times out,
// is cancelled or is cut off. Spend it when it is used, not at the end. It may be
// called from several goroutines, and does nothing outside an attempt.
func Spend(ctx context.Context, tokens int64, cost float64) {
	if s, ok := ctx.Value(stepKey{}).(*spent); ok {
		s.add(tokens, cost)
	} else if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		a.add(tokens, cost)
	}
}

// TaskOf is the attempt that ctx belongs to: its idempotency key, its number,
// its logger. It is false outside an attempt.
func TaskOf(ctx context.Context) (Task, bool) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		return *a.whole(), true
	}
	return Task{}, false
}
