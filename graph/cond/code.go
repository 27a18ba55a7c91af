package cond

import (
	"time"

	"github.com/graphrun/graphrun/diag"
)

// code is one compiled node. Evaluating it never panics: it records a failure in
// the Env, and its value is then meaningless.
type code interface {
	eval(e *Env) any
}

// testCode is code that can be evaluated to a bool without boxing.
type testCode interface {
	code
	test(e *Env) bool
}

// intCode is code whose value is an integer whenever it does not fail.
type intCode interface {
	code
	int(e *Env) int64
}

// asTest is c as a condition. Null counts as false; any other value that is not
// a boolean is a failure at the given place.
func asTest(c code, at diag.Span) testCode {
	if t, ok := c.(testCode); ok {
		return t
	}
	return &truth{of: c, at: at}
}

type truth struct {
	of code
	at diag.Span
}

func (c *truth) eval(e *Env) any { return c.test(e) }

func (c *truth) test(e *Env) bool {
	switch v := c.of.eval(e).(type) {
	case bool:
		return v
	case nil:
		return false
	default:
		e.fail(c.at, "expected a boolean, got %s", kindOf(v))
		return false
	}
}

// asInt is c as an integer; anything else is a failure at the given place.
func asInt(c code, at diag.Span) intCode {
	if t, ok := c.(intCode); ok {
		return t
	}
	return &whole{of: c, at: at}
}

type whole struct {
	of code
	at diag.Span
}

func (c *whole) eval(e *Env) any { return c.int(e) }

func (c *whole) int(e *Env) int64 {
	v := c.of.eval(e)
	n, ok := integral(v)
	if !ok {
		e.fail(c.at, "expected an integer, got %s", kindOf(v))
	}
	return n
}

// constant is a value that is known when the graph is loaded.
type constant struct{ value any }

func (c *constant) eval(*Env) any { return c.value }

func (c *constant) test(*Env) bool {
	b, _ := c.value.(bool)
	return b
}

// integer is an integer literal.
type integer struct {
	value int64
	boxed any
}

func (c *integer) eval(*Env) any  { return c.boxed }
func (c *integer) int(*Env) int64 { return c.value }

// literal returns the fastest code for a constant.
func literal(v any) code {
	if n, ok := v.(int64); ok {
		return &integer{value: n, boxed: v}
	}
	return &constant{value: v}
}

// constantOf returns the value of constant code.
func constantOf(c code) (any, bool) {
	switch c := c.(type) {
	case *constant:
		return c.value, true
	case *integer:
		return c.boxed, true
	}
	return nil, false
}

// kindOf names the kind of a value in a message.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any, Record:
		return "an object"
	case time.Time:
		return "a time"
	case time.Duration:
		return "a duration"
	}
	return "an unknown value"
}
