package cond

import (
	"math"
	"math/bits"
	"time"

	"github.com/graphrun/graphrun/diag"
)

// integerOp is an operator with two operands of the type integer.
type integerOp struct {
	op          byte // + - * %
	left, right intCode
	at          diag.Span
}

func (c *integerOp) eval(e *Env) any { return c.int(e) }

func (c *integerOp) int(e *Env) int64 {
	a, b := c.left.int(e), c.right.int(e)
	if e.err != nil {
		return 0
	}
	return integers(e, &c.at, c.op, a, b)
}

// integers computes in 64 bits. Overflow and division by zero are failures.
func integers(e *Env, at *diag.Span, op byte, a, b int64) int64 {
	var r int64
	ok := true
	switch op {
	case '+':
		r = a + b
		ok = (r > a) == (b > 0)
	case '-':
		r = a - b
		ok = (r < a) == (b > 0)
	case '*':
		r, ok = multiply(a, b)
	case '%':
		if b == 0 {
			e.fail(*at, "remainder of a division by zero")
			return 0
		}
		if b == -1 {
			return 0 // the one case in which the processor's division overflows
		}
		return a % b
	}
	if !ok {
		e.fail(*at, "%d %c %d overflows a 64-bit integer", a, op, b)
	}
	return r
}

func multiply(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if (a < 0) != (b < 0) {
		return -int64(lo), hi == 0 && lo <= 1<<63
	}
	return int64(lo), hi == 0 && lo < 1<<63
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// numberOp is an operator that computes with numbers: an operand is a number, or
// the operator is / or **.
type numberOp struct {
	op          byte // + - * / ^
	left, right code
	at          diag.Span
}

func (c *numberOp) eval(e *Env) any {
	a, b := c.left.eval(e), c.right.eval(e)
	if e.err != nil {
		return nil
	}
	x, ok1 := toFloat(a)
	y, ok2 := toFloat(b)
	if !ok1 || !ok2 {
		return e.fail(c.at, "%s cannot be computed from %s and %s", opText(c.op), kindOf(a), kindOf(b))
	}
	return numbers(e, &c.at, c.op, x, y)
}

const divisionByZero = "division by zero"

// numbers computes in floating point. A result that is not finite is a failure,
// because JSON cannot hold it.
func numbers(e *Env, at *diag.Span, op byte, a, b float64) any {
	var r float64
	switch op {
	case '+':
		r = a + b
	case '-':
		r = a - b
	case '*':
		r = a * b
	case '/':
		if b == 0 {
			return e.fail(*at, divisionByZero)
		}
		r = a / b
	case '^':
		r = math.Pow(a, b)
	}
	return finite(e, at, r)
}

func finite(e *Env, at *diag.Span, f float64) any {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return e.fail(*at, "the result is not a finite number")
	}
	return f
}

// dynamicOp is an arithmetic operator with an operand whose type is not known
// when the graph is loaded.
type dynamicOp struct {
	op          byte
	left, right code
	at          diag.Span
}

func (c *dynamicOp) eval(e *Env) any {
	a, b := c.left.eval(e), c.right.eval(e)
	if e.err != nil {
		return nil
	}
	return arithmetic(e, &c.at, c.op, a, b)
}

func arithmetic(e *Env, at *diag.Span, op byte, a, b any) any {
	if i, ok := a.(int64); ok && op != '/' && op != '^' {
		if j, ok := b.(int64); ok {
			return integers(e, at, op, i, j)
		}
	}
	if x, ok := toFloat(a); ok && op != '%' {
		if y, ok := toFloat(b); ok {
			return numbers(e, at, op, x, y)
		}
	}
	if s, ok := a.(string); ok && op == '+' {
		if t, ok := b.(string); ok {
			return concat(e, at, s, t)
		}
	}
	if v, ok := timeArithmetic(op, a, b); ok {
		return v
	}
	if timeOperator(op, timeKind(a), timeKind(b)) != nil {
		if f, isNumber := toFloat(b); op == '/' && (b == time.Duration(0) || isNumber && f == 0) {
			return e.fail(*at, divisionByZero)
		}
		return e.fail(*at, outOfRange)
	}
	return e.fail(*at, "%s cannot be computed from %s and %s", opText(op), kindOf(a), kindOf(b))
}

func opText(op byte) string {
	if op == '^' {
		return `"**"`
	}
	return `"` + string(rune(op)) + `"`
}

// concatOp is + of strings.
type concatOp struct {
	left, right code
	at          diag.Span
}

func (c *concatOp) eval(e *Env) any {
	a, ok1 := c.left.eval(e).(string)
	b, ok2 := c.right.eval(e).(string)
	if e.err != nil {
		return nil
	}
	if !ok1 || !ok2 {
		return e.fail(c.at, `"+" needs two strings`)
	}
	return concat(e, &c.at, a, b)
}

func concat(e *Env, at *diag.Span, a, b string) any {
	if !e.alloc(at, len(a)+len(b)) {
		return nil
	}
	return a + b
}

// negate is the unary minus.
type negate struct {
	of code
	at diag.Span
}

func (c *negate) eval(e *Env) any {
	switch v := c.of.eval(e).(type) {
	case int64:
		if v == math.MinInt64 {
			return e.fail(c.at, "-(%d) overflows a 64-bit integer", v)
		}
		return -v
	case float64:
		return -v
	default:
		return timesMinusOne(e, &c.at, v)
	}
}

// positive is the unary plus.
type positive struct {
	of code
	at diag.Span
}

func (c *positive) eval(e *Env) any {
	v := c.of.eval(e)
	if _, ok := toFloat(v); !ok && e.err == nil {
		return e.fail(c.at, `"+" needs a number, not %s`, kindOf(v))
	}
	return v
}

// span is `from..to`, both ends included. It is empty when to is less than from.
type span struct {
	from, to intCode
	at       diag.Span
}

func (c *span) eval(e *Env) any {
	from, n := c.bounds(e)
	if n == 0 || !e.alloc(&c.at, n*(bytesPerItem+bytesPerBox)) {
		return []any{}
	}
	out := make([]any, n)
	for i := range out {
		out[i] = from + int64(i)
	}
	return out
}

// bounds returns the first integer and how many there are. Every count that is
// too large for memory is returned as the same one.
func (c *span) bounds(e *Env) (from int64, n int) {
	from, to := c.from.int(e), c.to.int(e)
	if e.err != nil || to < from {
		return from, 0
	}
	return from, int(min(uint64(to)-uint64(from), 1<<40)) + 1
}

// toFloat is a numeric value as a number.
func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// integral returns v as an integer. A number without fraction up to 2^53 is one.
func integral(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
			return int64(v), true
		}
	}
	return 0, false
}
