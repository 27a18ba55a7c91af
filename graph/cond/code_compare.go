package cond

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/diag"
)

// equalOp is == and !=.
type equalOp struct {
	left, right code
	negated     bool
	at          diag.Span
}

func (c *equalOp) eval(e *Env) any { return c.test(e) }

func (c *equalOp) test(e *Env) bool {
	return equal(e, &c.at, c.left.eval(e), c.right.eval(e), 0) != c.negated
}

// equalText is == and != with a string literal, the most frequent comparison.
type equalText struct {
	of      code
	text    string
	negated bool
}

func (c *equalText) eval(e *Env) any { return c.test(e) }

func (c *equalText) test(e *Env) bool {
	s, ok := c.of.eval(e).(string)
	return (ok && s == c.text) != c.negated
}

// equalNull is == and != with nil.
type equalNull struct {
	of      code
	negated bool
}

func (c *equalNull) eval(e *Env) any { return c.test(e) }

func (c *equalNull) test(e *Env) bool { return (c.of.eval(e) == nil) != c.negated }

// compareInts compares two integers without boxing them.
type compareInts struct {
	op          compareOp
	left, right intCode
}

func (c *compareInts) eval(e *Env) any { return c.test(e) }

func (c *compareInts) test(e *Env) bool {
	a, b := c.left.int(e), c.right.int(e)
	return e.err == nil && c.op.holds(cmp.Compare(a, b))
}

// compareOp is a comparison of ordered values.
type compareOp uint8

const (
	less compareOp = iota
	lessOrEqual
	greater
	greaterOrEqual
	same
	different
)

func (op compareOp) holds(order int) bool {
	switch op {
	case less:
		return order < 0
	case lessOrEqual:
		return order <= 0
	case greater:
		return order > 0
	case greaterOrEqual:
		return order >= 0
	case same:
		return order == 0
	}
	return order != 0
}

// turned is the operator for swapped operands.
func (op compareOp) turned() compareOp {
	switch op {
	case less:
		return greater
	case lessOrEqual:
		return greaterOrEqual
	case greater:
		return less
	case greaterOrEqual:
		return lessOrEqual
	}
	return op
}

// compare is < <= > >=.
type compare struct {
	op          compareOp
	left, right code
	at          diag.Span
}

func (c *compare) eval(e *Env) any { return c.test(e) }

func (c *compare) test(e *Env) bool {
	a, b := c.left.eval(e), c.right.eval(e)
	if e.err != nil {
		return false
	}
	if !e.readsBoth(&c.at, a, b) {
		return false
	}
	order, ok := compareValues(a, b)
	if !ok {
		e.fail(c.at, "%s cannot be compared with %s", kindOf(a), kindOf(b))
		return false
	}
	return c.op.holds(order)
}

// compareValues orders numbers, strings (by their bytes), times and durations; a
// time and its text can be compared too. ok is false for all other pairs.
func compareValues(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b), true
		case float64:
			return compareMixed(a, b), true
		}
	case float64:
		switch b := b.(type) {
		case float64:
			return cmp.Compare(a, b), true
		case int64:
			return -compareMixed(b, a), true
		}
	case string:
		switch b := b.(type) {
		case string:
			return strings.Compare(a, b), true
		case time.Time:
			t, ok := toTime(a)
			return t.Compare(b), ok
		}
	case time.Time:
		t, ok := toTime(b)
		return a.Compare(t), ok
	case time.Duration:
		if b, ok := b.(time.Duration); ok {
			return cmp.Compare(a, b), true
		}
	}
	return 0, false
}

// compareMixed compares exactly, without rounding the integer.
func compareMixed(a int64, b float64) int {
	switch {
	case b >= 1<<63:
		return -1
	case b < -1<<63:
		return 1
	}
	whole := int64(b)
	if a != whole {
		return cmp.Compare(a, whole)
	}
	return cmp.Compare(0, b-float64(whole))
}

// equal compares deeply. 2 and 2.0 are equal, and so are a moment and its text.
func equal(e *Env, at *diag.Span, a, b any, depth int) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case string:
		if b, ok := b.(string); ok {
			return len(a) == len(b) && e.reads(at, len(a)) && a == b
		}
	case []any:
		b, ok := b.([]any)
		return ok && equalLists(e, at, a, b, depth)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && equalObjects(e, at, a, b, depth)
	}
	order, ok := compareValues(a, b)
	return ok && order == 0
}

func equalLists(e *Env, at *diag.Span, a, b []any, depth int) bool {
	if len(a) != len(b) || len(a) == 0 || &a[0] == &b[0] {
		return len(a) == len(b) // the same memory is the same value, because values never change in place
	}
	if depth > maxDepth || !e.tick(at, walkCost(len(a))) {
		return tooDeep(e, at, depth)
	}
	for i := range a {
		if !equal(e, at, a[i], b[i], depth+1) {
			return false
		}
	}
	return true
}

func equalObjects(e *Env, at *diag.Span, a, b map[string]any, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	if depth > maxDepth || !e.tick(at, 2*walkCost(len(a))) {
		return tooDeep(e, at, depth)
	}
	for _, k := range slices.Sorted(maps.Keys(a)) { // what is compared before a difference counts as work
		w, ok := b[k]
		if !ok || !equal(e, at, a[k], w, depth+1) {
			return false
		}
	}
	return true
}

func tooDeep(e *Env, at *diag.Span, depth int) bool {
	if depth > maxDepth {
		e.fail(*at, "the value is nested deeper than %d", maxDepth)
	}
	return false
}

// in is `x in list` and `key in object`.
type in struct {
	needle, within code
	at             diag.Span
}

func (c *in) eval(e *Env) any { return c.test(e) }

func (c *in) test(e *Env) bool {
	needle, within := c.needle.eval(e), c.within.eval(e)
	if e.err != nil {
		return false
	}
	switch within := within.(type) {
	case []any:
		if !e.tick(&c.at, len(within)) {
			return false
		}
		for _, it := range within {
			if equal(e, &c.at, needle, it, 0) {
				return true
			}
		}
		return false
	case map[string]any:
		key, ok := needle.(string)
		if !ok && needle != nil {
			e.fail(c.at, "the keys of an object are strings, not %s", kindOf(needle))
		}
		if !e.looksUp(&c.at, key) {
			return false
		}
		_, has := within[key]
		return ok && has
	}
	e.fail(c.at, `"in" needs a list or an object, not %s`, kindOf(within))
	return false
}

// textTest is contains, startsWith, endsWith.
type textTest struct {
	op          string
	left, right code
	at          diag.Span
}

func (c *textTest) eval(e *Env) any { return c.test(e) }

func (c *textTest) test(e *Env) bool {
	a, b := c.left.eval(e), c.right.eval(e)
	if e.err != nil {
		return false
	}
	s, ok1 := a.(string)
	t, ok2 := b.(string)
	if !ok1 || !ok2 {
		e.fail(c.at, "%q needs two strings, not %s and %s", c.op, kindOf(a), kindOf(b))
		return false
	}
	if !e.tick(&c.at, len(s)>>4) {
		return false
	}
	switch c.op {
	case "contains":
		return strings.Contains(s, t)
	case "startsWith":
		return strings.HasPrefix(s, t)
	}
	return strings.HasSuffix(s, t)
}
