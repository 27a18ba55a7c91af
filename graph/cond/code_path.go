package cond

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// slot reads Env.Slots.
type slot struct{ at int }

func (c slot) eval(e *Env) any {
	if c.at < len(e.Slots) {
		return e.Slots[c.at]
	}
	return nil
}

// record reads a whole Record as an object.
type record struct {
	slot slot
	typ  *schema.Type
	at   diag.Span
}

func (c *record) eval(e *Env) any {
	v := c.slot.eval(e)
	r, ok := v.(Record)
	if !ok {
		return v
	}
	if !e.alloc(&c.at, r.Len()*bytesPerEntry) {
		return nil
	}
	out := make(map[string]any, r.Len())
	for i := range min(r.Len(), len(c.typ.Props)) {
		out[c.typ.Props[i].Name] = r.Field(i)
	}
	return out
}

// field reads one field of a Record by its position.
type field struct {
	slot, at int
	name     string
}

func (c *field) eval(e *Env) any {
	if c.slot >= len(e.Slots) {
		return nil
	}
	switch r := e.Slots[c.slot].(type) {
	case Record:
		if c.at < r.Len() {
			return r.Field(c.at)
		}
	case map[string]any:
		return r[c.name]
	}
	return nil
}

func (c *field) test(e *Env) bool {
	b, _ := c.eval(e).(bool)
	return b
}

// define reads the value of a define.
type define struct {
	slot    int
	program *Program
}

func (c *define) eval(e *Env) any { return e.define(c.slot, c.program) }

// local reads a variable of `let` or of a predicate.
type local struct{ at int }

func (c local) eval(e *Env) any { return e.stack[e.base+c.at] }

// let sets a variable for the rest of the expression.
type let struct {
	at          int
	value, rest code
}

func (c *let) eval(e *Env) any {
	v := c.value.eval(e)
	e.stack[e.base+c.at] = v
	return c.rest.eval(e)
}

// property reads a property of an object. Every property of null is null.
type property struct {
	of   code
	name string
	at   diag.Span
}

func (c *property) eval(e *Env) any {
	switch v := c.of.eval(e).(type) {
	case map[string]any:
		return v[c.name]
	case nil:
		return nil
	default:
		return e.fail(c.at, "%s has no property %q", kindOf(v), c.name)
	}
}

// index reads a[i] of a list (negative: from its end) or a[key] of an object.
type index struct {
	of, key code
	at      diag.Span
}

func (c *index) eval(e *Env) any {
	of, key := c.of.eval(e), c.key.eval(e)
	if e.err != nil {
		return nil
	}
	switch of := of.(type) {
	case nil:
		return nil
	case []any:
		i, ok := integral(key)
		if !ok {
			return e.fail(c.at, "a list is indexed by an integer, not %s", kindOf(key))
		}
		n := int64(len(of))
		if i < -n || i >= n {
			return e.fail(c.at, "index %d is out of range: the list has %d %s", i, n, plural(n, "element"))
		}
		return of[(i+n)%n]
	case map[string]any:
		if key == nil {
			return nil
		}
		k, ok := key.(string)
		if !ok {
			return e.fail(c.at, "an object is indexed by a string, not %s", kindOf(key))
		}
		if !e.looksUp(&c.at, k) {
			return nil
		}
		return of[k]
	}
	return e.fail(c.at, "%s cannot be indexed", kindOf(of))
}

func plural(n int64, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// slice is a part of a list or of a string (in characters). Bounds beyond the
// ends are moved to the ends; negative ones count from the end.
type slice struct {
	of       code
	from, to intCode // nil for an open end
	at       diag.Span
}

func (c *slice) eval(e *Env) any {
	of := c.of.eval(e)
	switch v := of.(type) {
	case nil:
		return nil
	case []any:
		from, to := c.bounds(e, len(v))
		return v[from:to:to]
	case string:
		if !e.tick(&c.at, len(v)>>2) {
			return nil
		}
		from, to := c.bounds(e, runeCount(v))
		return runeSlice(v, from, to)
	}
	return e.fail(c.at, "%s cannot be sliced", kindOf(of))
}

func (c *slice) bounds(e *Env, n int) (from, to int) {
	to = n
	if c.to != nil {
		to = cut(c.to.int(e), n)
	}
	if c.from != nil {
		from = cut(c.from.int(e), n)
	}
	return min(from, to), to
}

func cut(i int64, n int) int {
	if i < 0 {
		i += int64(n)
	}
	return int(min(max(i, 0), int64(n)))
}
