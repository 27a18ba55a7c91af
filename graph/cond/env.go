package cond

import (
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/diag"
)

// Env holds the values that an evaluation reads. It can be used for any number of
// programs of one scope. It keeps the values of defines, so call Reset when a slot
// changes. It is not safe for concurrent use.
type Env struct {
	Slots []any // by Name.Slot: a canonical value, a Record, a time.Time, or nil

	memo  []memo
	stack []any // variables of `let` and of predicates; base and top frame the running program
	base  int
	top   int
	argv  []any // arguments of the calls that are being prepared
	spent spent
	err   *Error // the first failure; what runs after it has no effect
}

type memo struct {
	done  bool
	value any
	err   *Error
}

// Reset drops the kept values of defines. Call it after a change of Slots.
func (e *Env) Reset() { clear(e.memo) }

// Error is a failure of an expression at run time.
type Error struct {
	Span    diag.Span
	Message string
	Limit   bool // a bound on work or memory was passed
}

func (e *Error) Error() string { return e.Message }

// maxMessage is the greatest length of the message of a failure, in bytes.
const maxMessage = 2 << 10

// fail records a failure; the first one counts. It returns nil so that an
// evaluation can end with `return e.fail(…)`.
func (e *Env) fail(at diag.Span, format string, args ...any) any {
	if e.err == nil {
		e.err = &Error{Span: at, Message: diag.Shorten(fmt.Sprintf(format, args...), maxMessage)}
	}
	return nil
}

// Eval returns the value in canonical form (graph/value); moments and durations
// are text. An error is an *Error. Eval never panics, and its work and memory are
// bounded.
func (p *Program) Eval(env *Env) (v any, err error) {
	env.begin()
	defer env.guard(p, &err)
	v = p.run(env)
	if p.shared {
		env.measure(p.whole(), v)
	}
	if p.timely && env.err == nil {
		at := p.whole()
		v = plainTimes(env, &at, v, 0)
	}
	if env.err != nil {
		return nil, env.err
	}
	return v, nil
}

// Holds evaluates a condition. Null counts as false; an error is an *Error.
func (p *Program) Holds(env *Env) (ok bool, err error) {
	env.begin()
	defer env.guard(p, &err)
	if p.locals == 0 {
		ok = p.test.test(env)
	} else {
		leave := env.enter(p.locals)
		ok = p.test.test(env)
		env.leave(leave)
	}
	if env.err != nil {
		return false, env.err
	}
	return ok, nil
}

// run evaluates p inside an evaluation that has begun.
func (p *Program) run(e *Env) any {
	if p.locals == 0 {
		return p.code.eval(e)
	}
	f := e.enter(p.locals)
	v := p.code.eval(e)
	e.leave(f)
	return v
}

func (p *Program) whole() diag.Span { return p.text.Sub(0, len(p.text.Value)) }

func (e *Env) begin() {
	e.spent, e.err = spent{}, nil
	e.base, e.top = 0, 0
}

// guard turns a panic into an error, because a mistake in this package must not
// end a process that runs many stacks.
func (e *Env) guard(p *Program, err *error) {
	if r := recover(); r != nil {
		clear(e.stack)
		e.argv = e.argv[:0]
		*err = &Error{Span: p.whole(), Message: diag.Shorten(fmt.Sprintf("internal error: %v", r), maxMessage)}
	}
}

// enter makes room for n variables and returns the outer frame.
func (e *Env) enter(n int) (outer int) {
	outer = e.base
	e.base = e.top
	e.top += n
	for len(e.stack) < e.top {
		e.stack = append(e.stack, nil)
	}
	return outer
}

func (e *Env) leave(outer int) {
	clear(e.stack[e.base:e.top])
	e.top, e.base = e.base, outer
}

// define returns the value of a define, computed at most once per Env. A define
// has bounds of its own, so that the verdict of a condition does not depend on
// which condition read the define first.
func (e *Env) define(slot int, p *Program) any {
	for len(e.memo) <= slot {
		e.memo = append(e.memo, memo{})
	}
	if m := &e.memo[slot]; m.done {
		if m.err != nil && e.err == nil {
			e.err = m.err
		}
		return m.value
	}
	if e.err != nil {
		return nil
	}
	outer := e.spent
	e.spent = spent{}
	v := p.run(e)
	e.spent = outer
	m := &e.memo[slot] // p.run may have moved the memo
	*m = memo{done: true, value: v, err: e.err}
	return v
}

// AsError returns the *Error that err is or wraps, or nil.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
