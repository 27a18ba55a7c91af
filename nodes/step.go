package nodes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph/value"
)

// StepRecord is a part of a task's work that was done and recorded.
type StepRecord struct {
	Name     string // what the work calls it
	Content  any    // canonical; what the work needs to continue from it
	Duration time.Duration
	Tokens   int64 // what it used, apart from what the attempt reports
	Cost     float64
	Error    *Error // the part failed, and the work continued; nil if it succeeded
	Mark     bool   // the part only begins: a later attempt knows that it did. It is no step
	// Void says that the step is forgotten, because what it came to was wrong: only what it
	// used still counts.
	Void bool
}

// Step runs a part of a task's work once per task. The first call runs fn and makes
// its value durable before it returns; in every later attempt the same call returns
// that value without calling fn. Within an attempt the same name again is the next
// call of that name. Calls that run at the same time need different names, and calls
// are not nested: fn must not call Step.
//
// The value goes through JSON, both times, and secrets in it are masked. It has at
// most 1 MiB, and a task has at most 1,000 steps; a step beyond that fails with kind
// "limit", as the task should. The steps are forgotten when an attempt fails with kind
// "limit" or "schema": what they came to was wrong. An error of fn is returned as it is and not recorded:
// the next attempt calls fn again. What fn spends (Spend) is recorded with the step.
//
// When a crash cuts fn off, or the time before its value is durable, the next attempt
// calls it again. Work with effects outside uses Task.Key to recognize itself.
//
// Outside of an attempt, and where the driver records no steps, Step only calls fn.
func Step[T any](ctx context.Context, name string, fn func(context.Context) (T, error)) (T, error) {
	var zero T
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return fn(ctx)
	}
	if _, nested := ctx.Value(stepKey{}).(*spent); nested {
		return zero, Permanent(Errorf("config", "step %q begins within another step", name))
	}
	if err := value.CheckText(name); err != nil { // its record would have another name
		return zero, Permanent(Errorf("config", "the name of step %q: %v", name, err))
	}
	if known := a.nextStep(name); known != nil {
		return decoded[T](name, known.Content)
	}
	record := a.whole().Record
	if record == nil {
		return fn(ctx)
	}
	used, recorded := &spent{}, false
	defer func() { // also when fn panics
		if !recorded {
			a.add(used.sum())
		}
	}()
	began := time.Now()
	v, err := fn(context.WithValue(ctx, stepKey{}, used))
	if err = orNil(err); err != nil {
		return zero, err
	}
	own, err := value.CopyOf(v)
	if err != nil {
		return zero, Errorf("output", "the value of step %q is no JSON value: %v", name, err)
	}
	tokens, cost := used.sum()
	if e := checkCost(cost); e != nil {
		return zero, e
	}
	content, err := record(ctx, StepRecord{Name: name, Content: own.Any(), Duration: time.Since(began), Tokens: tokens, Cost: cost})
	if err != nil {
		return zero, err
	}
	recorded = true
	return decoded[T](name, content)
}

// decoded is the recorded value of a step.
func decoded[T any](name string, content any) (v T, err error) {
	if any, ok := any(&v).(*any); ok {
		own, err := value.CopyOf(content) // the record stays as it is, whatever the work does to its value
		*any = own.Any()
		return v, err
	}
	if err := Decode(content, &v); err != nil {
		return v, Permanent(Errorf("config", "the recorded value of step %q does not fit any more: %v", name, err))
	}
	return v, nil
}

// nextStep is the recorded step of the next call of a name; nil if there is none.
func (a *attempt) nextStep(name string) *StepRecord {
	t := a.whole()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.steps == nil {
		a.steps = map[string][]*StepRecord{}
		for i := range t.Steps {
			if s := &t.Steps[i]; s.Error == nil && !s.Mark && !s.Void {
				a.steps[s.Name] = append(a.steps[s.Name], s)
			}
		}
	}
	if t.Mask != nil {
		name = t.Mask(name) // as its record has it
	}
	known := a.steps[name]
	if len(known) == 0 {
		return nil
	}
	a.steps[name] = known[1:]
	return known[0]
}

// stepKey is the context's key of what a running step has spent.
type stepKey struct{}

// spent sums up what was used. It is safe for concurrent use.
type spent struct {
	mu     sync.Mutex
	tokens int64
	cost   float64
}

func (s *spent) add(tokens int64, cost float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens += tokens
	s.cost += cost
}

func (s *spent) sum() (tokens int64, cost float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens, s.cost
}

// Note shows what a running task is doing, as "turn 3 of 20", to whoever watches at
// this moment. It is not stored, secrets in it are masked, and a note may be lost. It
// does nothing outside of an attempt.
func Note(ctx context.Context, format string, args ...any) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		if note := a.whole().Note; note != nil {
			note(fmt.Sprintf(format, args...))
		}
	}
}
