package cond

import (
	"cmp"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// loop runs a body for each element of a list, with the element in a variable.
type loop struct {
	name   string
	list   code
	body   code         // nil for the element itself
	test   testCode     // body, as a condition
	elem   int          // the variable of the element
	index  int          // the variable of its index, -1 when the body does not use it
	acc    int          // the variable of reduce's accumulator, -1 when the body does not use it
	init   code         // of reduce
	first  *schema.Type // of init
	desc   bool         // of sortBy
	cost   int          // work of one turn
	at     diag.Span
	finish func(l *loop, e *Env, items []any) any
}

func (l *loop) eval(e *Env) any {
	v := l.list.eval(e)
	if e.err != nil {
		return nil
	}
	items, ok := v.([]any)
	if !ok {
		return e.fail(l.at, "%s needs a list, not %s", l.name, kindOf(v))
	}
	return l.finish(l, e, items)
}

// turn sets the variables for element i. It returns false when the evaluation
// must stop.
func (l *loop) turn(e *Env, i int, item any) bool {
	e.stack[e.base+l.elem] = item
	if l.index >= 0 {
		e.stack[e.base+l.index] = int64(i)
	}
	return e.tick(&l.at, l.cost)
}

// seek returns the index of the first element (the last, when backwards) for
// which the body is want, or -1.
func (l *loop) seek(e *Env, items []any, want, backwards bool) int {
	for n := range items {
		i := n
		if backwards {
			i = len(items) - 1 - n
		}
		if !l.turn(e, i, items[i]) {
			return -1
		}
		if l.test.test(e) == want {
			return i
		}
	}
	return -1
}

// count is the number of elements for which the body holds, up to most.
func (l *loop) count(e *Env, items []any, most int) int {
	n := 0
	for i, it := range items {
		if !l.turn(e, i, it) {
			return 0
		}
		if l.test.test(e) {
			if n++; n == most {
				break
			}
		}
	}
	return n
}

// anyOf is any, all and none, the loops that conditions use most. Their results
// are not boxed.
type anyOf struct {
	loop
	none bool // it is none
	all  bool
}

func (c *anyOf) eval(e *Env) any { return c.test(e) }

func (c *anyOf) test(e *Env) bool {
	v := c.list.eval(e)
	items, ok := v.([]any)
	if !ok {
		e.fail(c.at, "%s needs a list, not %s", c.name, kindOf(v))
		return false
	}
	found := c.seek(e, items, !c.all, false) >= 0
	return e.err == nil && found != (c.none || c.all)
}

func runOne(l *loop, e *Env, items []any) any { return l.count(e, items, 2) == 1 }

func runCount(l *loop, e *Env, items []any) any { return int64(l.count(e, items, -1)) }

func runFind(l *loop, e *Env, items []any) any {
	if i := l.seek(e, items, true, false); i >= 0 {
		return items[i]
	}
	return nil
}

func runFindLast(l *loop, e *Env, items []any) any {
	if i := l.seek(e, items, true, true); i >= 0 {
		return items[i]
	}
	return nil
}

func runFindIndex(l *loop, e *Env, items []any) any {
	if i := l.seek(e, items, true, false); i >= 0 {
		return int64(i)
	}
	return nil
}

func runFindLastIndex(l *loop, e *Env, items []any) any {
	if i := l.seek(e, items, true, true); i >= 0 {
		return int64(i)
	}
	return nil
}

func runFilter(l *loop, e *Env, items []any) any {
	out := []any{}
	for i, it := range items {
		if !l.turn(e, i, it) {
			return nil
		}
		if l.test.test(e) {
			if !e.alloc(&l.at, bytesPerItem) {
				return nil
			}
			out = append(out, it)
		}
	}
	return out
}

// each is the body's value for every element.
func (l *loop) each(e *Env, items []any) []any {
	if !e.allocList(&l.at, len(items)) {
		return nil
	}
	out := make([]any, len(items))
	for i, it := range items {
		if !l.turn(e, i, it) {
			return nil
		}
		out[i] = l.body.eval(e)
	}
	return out
}

func runMap(l *loop, e *Env, items []any) any { return l.each(e, items) }

func runSum(l *loop, e *Env, items []any) any {
	var sum any = int64(0)
	for i, it := range items {
		if !l.turn(e, i, it) {
			return nil
		}
		v := l.body.eval(e)
		if _, ok := toFloat(v); !ok && e.err == nil {
			return e.fail(l.at, "sum needs numbers, not %s", kindOf(v))
		}
		if sum = arithmetic(e, &l.at, '+', sum, v); e.err != nil {
			return nil
		}
	}
	return sum
}

func runGroupBy(l *loop, e *Env, items []any) any {
	out := map[string]any{}
	for i, it := range items {
		if !l.turn(e, i, it) {
			return nil
		}
		v := l.body.eval(e)
		if e.err != nil {
			return nil
		}
		key, ok := v.(string)
		if !ok {
			return e.fail(l.at, "groupBy needs strings as keys, not %s", kindOf(v))
		}
		if !e.looksUp(&l.at, key) {
			return nil
		}
		group, ok := out[key].([]any)
		if !e.alloc(&l.at, 2*bytesPerItem) || !ok && !e.alloc(&l.at, bytesPerEntry) {
			return nil
		}
		out[key] = append(group, it)
	}
	return out
}

func runSortBy(l *loop, e *Env, items []any) any {
	keys := l.each(e, items)
	if e.err != nil {
		return nil
	}
	return sorted(e, &l.at, l.name, items, keys, l.desc)
}

// sorted returns items in the order of keys. The order is stable; all keys must
// be of one kind.
func sorted(e *Env, at *diag.Span, name string, items, keys []any, desc bool) any {
	if !e.allocList(at, 2*len(items)) || !e.tick(at, len(items)*20) {
		return nil
	}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
		if i == 0 {
			continue
		}
		if !e.readsBoth(at, keys[i-1], keys[i]) {
			return nil
		}
		if _, ok := compareValues(keys[i-1], keys[i]); !ok {
			return e.fail(*at, "%s cannot order %s and %s", name, kindOf(keys[i-1]), kindOf(keys[i]))
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if e.err != nil || !e.readsBoth(at, keys[i], keys[j]) {
			return 0
		}
		c, _ := compareValues(keys[i], keys[j])
		if desc {
			c = -c
		}
		return cmp.Or(c, 0)
	})
	if e.err != nil {
		return nil
	}
	out := make([]any, len(items))
	for i, from := range order {
		out[i] = items[from]
	}
	return out
}

func runReduce(l *loop, e *Env, items []any) any {
	var acc any
	first := 0
	if l.init != nil {
		acc = l.init.eval(e)
	} else if len(items) > 0 {
		acc, first = items[0], 1
	}
	for i := first; i < len(items) && e.err == nil; i++ {
		if l.acc >= 0 {
			e.stack[e.base+l.acc] = acc
		}
		if !l.turn(e, i, items[i]) {
			return nil
		}
		acc = l.body.eval(e)
	}
	return acc
}
