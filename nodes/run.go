package nodes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// MaxOutput bounds the output of one attempt, in bytes of compact JSON. It is
// the bound of a value in a stack's state.
const MaxOutput = value.MaxBytes

// MaxMessage bounds the message of a failure, in bytes: journals keep it, and
// people read it. What is beyond is left out, with a … in its place.
const MaxMessage = 64 << 10

// MaxErrorOutput bounds what a failure keeps of the output of its work, in bytes.
const MaxErrorOutput = 64 << 10

// Run does one attempt and answers for it: whatever the kind does, the caller
// gets a Result whose Output is canonical (package graph/value) and at most
// MaxOutput large, or an Error. The Error is nil after a success; keep it in a
// variable of its own type.
//
// A panic becomes kind "panic" with the top of its stack. When ctx has ended,
// every failure is "timeout" (its deadline passed) or "cancelled"; a cause of
// ctx that is an *Error decides instead (context.WithTimeoutCause). An output
// that is no JSON, or too large, is kind "output", and so is a cost that is not finite.
// When the kind returns ErrHeld, that is no failure: Result.Held says so.
func Run(ctx context.Context, s Spec, t Task) (Result, *Error) {
	if s.Node == nil {
		return Result{}, &Error{Kind: "config", Permanent: true,
			Message: fmt.Sprintf("kind %q has no work to run", s.Name)}
	}
	with, failed := filled(t)
	if failed != nil {
		return Result{}, failed
	}
	t.With = with
	if t.Lazy != nil && !s.Lean() {
		t = completed(t)
	}
	if !s.Secrets && !s.Talks {
		t.Secret = nil
	}
	a := newAttempt(ctx, t)
	res, e := guarded(a, s.Node, t)
	tokens, cost := a.sum()
	if e != nil {
		e.Message = bounded(e.Message)
		if e.Output != nil {
			output := within(*e.Output, MaxErrorOutput)
			e.Output = &output
		}
		e.Tokens += tokens
		if e.Cost += cost; checkCost(e.Cost) != nil {
			e.Cost = 0 // the failure says more than a cost that is none
		}
		return Result{}, e
	}
	res.Tokens += tokens
	res.Cost += cost
	if e := checkCost(res.Cost); e != nil {
		e.Tokens = res.Tokens
		return Result{}, e
	}
	return res, nil
}

// checkCost refuses a cost that no journal can hold and that no limit can count.
func checkCost(cost float64) *Error {
	if math.IsNaN(cost) || math.IsInf(cost, 0) {
		return Errorf("output", "the cost is %v, which is no number that can be counted", cost)
	}
	return nil
}

// filled is the `with` of a task with its secrets.
func filled(t Task) (any, *Error) {
	with, err := value.Fill(t.With, t.Secret)
	if err != nil {
		return nil, unfilled(err)
	}
	return with, nil
}

func unfilled(err error) *Error {
	var missing *value.MissingSecretError
	if errors.As(err, &missing) {
		return &Error{Kind: "config", Message: err.Error(), Permanent: true}
	}
	return &Error{Kind: "expression", Message: bounded(err.Error()), Permanent: true}
}

// guarded turns a panic of the kind's code into a failure: of its work, and of
// the methods of what it gives, which make JSON of an output and text of an
// error.
func guarded(ctx context.Context, n Node, t Task) (res Result, e *Error) {
	defer func() {
		if p := recover(); p != nil {
			e = failure(ctx, Errorf("panic", "panic: %v\n%s", p, shortStack(debug.Stack())))
		}
	}()
	res, err := n.Run(ctx, t)
	if err = orNil(err); errors.Is(err, ErrHeld) {
		return Result{Tokens: res.Tokens, Cost: res.Cost, held: true}, nil
	}
	if err != nil {
		e := failure(ctx, err)
		if e.Tokens == 0 && e.Cost == 0 { // what it used counts, wherever it says so
			e.Tokens, e.Cost = res.Tokens, res.Cost
		}
		return res, e
	}
	out, err := value.Of(res.Output)
	if err != nil {
		return res, &Error{Kind: "output", Tokens: res.Tokens, Cost: res.Cost,
			Message: fmt.Sprintf("the output is no JSON value: %v", err)}
	}
	if n := out.Size(); n > MaxOutput {
		return res, &Error{Kind: "output", Tokens: res.Tokens, Cost: res.Cost,
			Message: fmt.Sprintf("the output has %d bytes, at most %d are allowed", n, MaxOutput)}
	}
	res.Output, res.value = out.Any(), out
	if e := res.besides(); e != nil {
		e.Tokens, e.Cost = res.Tokens, res.Cost
		return res, e
	}
	return res, nil
}

// besides makes canonical what an attempt gives besides its output.
func (r *Result) besides() *Error {
	if t := r.Talk; t != nil {
		own := *t
		for what, v := range map[string]*any{"messages": &own.Messages, "usage": &own.Usage} {
			c, err := value.Of(*v)
			if err != nil {
				return Errorf("output", "the %s are no JSON value: %v", what, err)
			}
			if n := c.Size(); n > MaxOutput {
				return Errorf("output", "the %s have %d bytes, at most %d are allowed", what, n, MaxOutput)
			}
			*v = c.Any()
		}
		r.Talk = &own
	}
	if len(r.Memory) == 0 {
		return nil
	}
	size := 0
	r.Memory = slices.Clone(r.Memory)
	for i := range r.Memory {
		w := &r.Memory[i]
		if w.ID == "" {
			return Errorf("output", "what is written to memory %q has no id", w.Memory)
		}
		for _, text := range []string{w.Memory, w.ID, w.Text, w.Model, w.Vector} {
			if err := value.CheckText(text); err != nil {
				return Errorf("output", "what is written to memory %q: %v", w.Memory, err)
			}
			size += len(text)
		}
		c, err := value.Of(w.Data)
		if err != nil {
			return Errorf("output", "the data for memory %q are no JSON value: %v", w.Memory, err)
		}
		if w.Data, size = c.Any(), size+c.Size(); size > MaxOutput {
			return Errorf("output", "what is written to memories has %d bytes, at most %d are allowed", size, MaxOutput)
		}
	}
	return nil
}

// CleanUp ends what the attempts of a task left behind, where the kind can; a
// panic becomes an error.
func CleanUp(ctx context.Context, s Spec, t Task) (err error) {
	c, ok := s.Node.(Cleaner)
	if !ok {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = Errorf("panic", "panic: %v\n%s", p, shortStack(debug.Stack()))
		}
	}()
	return c.CleanUp(ctx, t)
}

// failure gives err its kind.
func failure(ctx context.Context, err error) *Error {
	e := asError(err)
	if ctx.Err() == nil {
		if e.Kind == "error" && errors.Is(err, context.DeadlineExceeded) {
			e.Kind = "timeout" // a limit of the kind's own
		}
		return e
	}
	if e.Kind == "panic" {
		return e
	}
	var cause *Error
	switch {
	case errors.As(context.Cause(ctx), &cause):
		e.Kind, e.Message, e.Permanent = cause.Kind, cause.Message, cause.Permanent
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Kind, e.Message = "timeout", "timed out"
	default:
		e.Kind, e.Message = "cancelled", "cancelled"
	}
	return e
}

// bounded is a message within MaxMessage, of characters that JSON can hold.
func bounded(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxMessage {
		return s
	}
	return within(s, MaxMessage) + "…"
}

// within is the beginning of a text within a number of bytes, of characters that JSON can
// hold.
func within(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// stackLines is how much of a panic's stack goes into its message: two lines a
// frame, enough to find the place and little enough for a journal.
const stackLines = 12

// shortStack is the part of a goroutine's stack that leads to the panic,
// without the frames of the recovery itself.
func shortStack(stack []byte) string {
	lines := strings.Split(strings.TrimSpace(string(stack)), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+2 <= len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(len(lines), stackLines)], "\n")
}
