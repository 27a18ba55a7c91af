package cond

import (
	"github.com/graphrun/graphrun/graph/schema"
)

// listFunctions work on lists.
func listFunctions() []*function {
	one := []param{aList}
	measured := []param{{kinds: []schema.Kind{schema.String, schema.List, schema.Object}}}
	return []*function{
		{name: "len", doc: "len(string, list or object) integer", least: 1, most: 1, params: measured, result: lenResult, run: func(a args) any { return nil }},
		{name: "first", doc: "first(list(T)) T?", least: 1, most: 1, params: one, result: givesElement, run: func(a args) any { return elementAt(a.list(0), 0) }},
		{name: "last", doc: "last(list(T)) T?", least: 1, most: 1, params: one, result: givesElement, run: func(a args) any { return elementAt(a.list(0), -1) }},
		{name: "get", doc: "get(list or object, index or key) T?", least: 2, most: 2, params: []param{anyValue, anyValue}, result: getResult, run: get},
		{name: "take", doc: "take(list(T), n) list(T)", least: 2, most: 2, params: []param{aList, anInteger}, result: givesFirst, run: take},
		{name: "reverse", doc: "reverse(list(T)) list(T)", least: 1, most: 1, params: one, result: givesFirst, run: reverse},
		{name: "uniq", doc: "uniq(list(T)) list(T)", least: 1, most: 1, params: one, result: givesFirst, run: uniq},
		{name: "concat", doc: "concat(list(T), …) list(T)", least: 1, most: -1, params: one, result: concatResult, shares: true, run: concatLists},
		{name: "flatten", doc: "flatten(list) list", least: 1, most: 1, params: one, result: flattenResult, shares: true, run: flatten},
		{name: "sort", doc: `sort(list(T)[, "desc"]) list(T)`, least: 1, most: 2, params: []param{aSortable, aText}, result: givesFirst, run: sortList},
	}
}

// length is len without a box.
type length struct {
	of code
	k  *call
}

func (c *length) eval(e *Env) any { return c.int(e) }

func (c *length) int(e *Env) int64 {
	switch v := c.of.eval(e).(type) {
	case []any:
		return int64(len(v))
	case string:
		e.tick(&c.k.at, len(v)>>3)
		return int64(runeCount(v))
	case map[string]any:
		return int64(len(v))
	default:
		e.fail(c.k.places[0], "len needs a string, a list or an object, not %s", kindOf(v))
		return 0
	}
}

func lenResult(_ *checker, k *call, args []typed) typed {
	of := args[0].typ
	return typed{code: &length{of: args[0].code, k: k}, typ: schema.IntegerType,
		firm: of.Kind == schema.List && !of.Elem.Nullable && of.Elem.Kind != schema.Any}
}

func elementAt(l []any, i int) any {
	if i < 0 {
		i += len(l)
	}
	if i < 0 || i >= len(l) {
		return nil
	}
	return l[i]
}

func getResult(c *checker, k *call, args []typed) typed {
	of, key := args[0].typ, args[1]
	switch of.Kind {
	case schema.Any, schema.Null:
		return typed{typ: schema.AnyType}
	case schema.List:
		if !c.needs(key, k.places[1], "the index of get", schema.Integer) {
			return broken()
		}
		return typed{typ: of.Elem.OrNull()}
	case schema.Object:
		if !c.needs(key, k.places[1], "the key of get", schema.String) {
			return broken()
		}
		if v, ok := constantOf(key.code); ok {
			if name, ok := v.(string); ok {
				return typed{typ: c.propertyType(of, name, k.places[1], "").OrNull()}
			}
		}
		return typed{typ: anyProperty(of)}
	}
	return c.report("expr-type", k.places[0], k.function.usage(), "get needs a list or an object, not %s", of)
}

func get(a args) any {
	switch of := a.v[0].(type) {
	case nil:
		return nil
	case []any:
		i := a.int(1)
		if n := int64(len(of)); a.failed() || i >= n || i < -n {
			return nil
		}
		return elementAt(of, int(i))
	case map[string]any:
		key := a.text(1)
		if !a.e.looksUp(&a.k.at, key) {
			return nil
		}
		return of[key]
	}
	a.wrong(0, "a list or an object")
	return nil
}

func take(a args) any {
	l, n := a.list(0), a.int(1)
	if a.failed() {
		return nil
	}
	if n < 0 {
		return a.fail("take cannot take %d elements", n)
	}
	n = min(n, int64(len(l)))
	return l[:n:n]
}

func reverse(a args) any {
	l := a.list(0)
	if a.failed() || !a.spendList(len(l)) {
		return nil
	}
	out := make([]any, len(l))
	for i, it := range l {
		out[len(l)-1-i] = it
	}
	return out
}

// uniq keeps the first of equal elements. It looks scalars up in a map, and
// compares all others with every element that it kept.
func uniq(a args) any {
	l := a.list(0)
	if a.failed() || !a.spend(len(l)*bytesPerEntry) {
		return nil
	}
	seen := map[any]bool{}
	var deep []any
	out := []any{}
next:
	for _, it := range l {
		switch it := it.(type) {
		case string, bool, int64, nil:
			if s, ok := it.(string); ok && !a.e.looksUp(&a.k.at, s) {
				return nil
			}
			if seen[it] {
				continue
			}
			seen[it] = true
		case float64:
			key := any(it)
			if i := int64(it); it >= -1<<63 && it < 1<<63 && float64(i) == it {
				key = i // 2.0 is 2
			}
			if seen[key] {
				continue
			}
			seen[key] = true
		default:
			for _, d := range deep {
				if !a.tick(1) {
					return nil
				}
				if equal(a.e, &a.k.at, it, d, 0) {
					continue next
				}
			}
			deep = append(deep, it)
		}
		out = append(out, it)
	}
	return out
}

func concatResult(c *checker, _ *call, args []typed) typed {
	elem := schema.NothingType
	for _, t := range args {
		elem = schema.Join(elem, elemOf(t.typ))
	}
	return typed{typ: schema.ListOf(elem)}
}

func concatLists(a args) any {
	n := 0
	for i := range a.v {
		n += len(a.list(i))
	}
	if a.failed() || !a.spendList(n) {
		return nil
	}
	out := make([]any, 0, n)
	for i := range a.v {
		out = append(out, a.list(i)...)
	}
	return out
}

// flattenResult is the type of the elements of the lists within the list.
func flattenResult(_ *checker, _ *call, args []typed) typed {
	elem := elemOf(args[0].typ)
	for range maxNesting {
		if elem.Kind != schema.List {
			return typed{typ: schema.ListOf(elem)}
		}
		if elem.Nullable {
			break
		}
		elem = elem.Elem
	}
	return typed{typ: schema.ListOf(schema.AnyType)}
}

func flatten(a args) any {
	out := []any{}
	var walk func(l []any, depth int) bool
	walk = func(l []any, depth int) bool {
		if depth > maxDepth {
			a.fail("the value is nested deeper than %d", maxDepth)
			return false
		}
		if !a.spendList(len(l)) || !a.tick(walkCost(len(l))) {
			return false
		}
		for _, it := range l {
			if inner, ok := it.([]any); !ok {
				out = append(out, it)
			} else if !walk(inner, depth+1) {
				return false
			}
		}
		return true
	}
	walk(a.list(0), 0)
	return out
}

func sortList(a args) any {
	l, order := a.list(0), a.textOr(1, "asc")
	if a.failed() {
		return nil
	}
	if order != "asc" && order != "desc" {
		return a.fail(`the order of sort must be "asc" or "desc", not %q`, shorten(order))
	}
	return sorted(a.e, &a.k.at, "sort", l, l, order == "desc")
}
