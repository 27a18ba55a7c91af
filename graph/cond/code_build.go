package cond

import "github.com/graphrun/graphrun/diag"

// list is a list literal.
type list struct {
	items []code
	at    diag.Span
}

func (c *list) eval(e *Env) any {
	if !e.allocList(&c.at, len(c.items)) {
		return nil
	}
	out := make([]any, len(c.items))
	for i, it := range c.items {
		out[i] = it.eval(e)
	}
	return out
}

// object is an object literal.
type object struct {
	keys   []code
	values []code
	at     diag.Span
}

func (c *object) eval(e *Env) any {
	if !e.alloc(&c.at, len(c.keys)*bytesPerEntry) {
		return nil
	}
	out := make(map[string]any, len(c.keys))
	for i, k := range c.keys {
		v := k.eval(e)
		key, ok := v.(string)
		if !ok && e.err == nil {
			return e.fail(c.at, "the keys of an object are strings, not %s", kindOf(v))
		}
		if !e.looksUp(&c.at, key) {
			return nil
		}
		out[key] = c.values[i].eval(e)
	}
	return out
}

// sequence evaluates its steps in order; its value is the last one's.
type sequence struct{ steps []code }

func (c *sequence) eval(e *Env) any {
	var v any
	for _, s := range c.steps {
		if v = s.eval(e); e.err != nil {
			return nil
		}
	}
	return v
}
