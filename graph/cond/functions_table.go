package cond

import (
	"sync"

	"github.com/graphrun/graphrun/graph/schema"
)

// builtins is the table of all functions, by name.
var builtins = sync.OnceValue(func() map[string]*function {
	table := map[string]*function{}
	for _, part := range [][]*function{loopFunctions(), textFunctions(), numberFunctions(),
		listFunctions(), objectFunctions(), timeFunctions()} {
		for _, f := range part {
			table[f.name] = f
		}
	}
	return table
})

// Parameters that many functions share.
var (
	anyValue     = param{null: true}
	someValue    = param{}
	aText        = param{kinds: []schema.Kind{schema.String}}
	anInteger    = param{kinds: []schema.Kind{schema.Integer}}
	aNumber      = param{kinds: []schema.Kind{schema.Number}}
	aList        = param{kinds: []schema.Kind{schema.List}}
	anObject     = param{kinds: []schema.Kind{schema.Object}}
	aListOfLists = param{kinds: []schema.Kind{schema.List}, elems: []schema.Kind{schema.List}}
	aTextList    = param{kinds: []schema.Kind{schema.List}, elems: []schema.Kind{schema.String}}
	aSortable    = param{kinds: []schema.Kind{schema.List}, elems: []schema.Kind{schema.Integer, schema.Number, schema.String, schema.Time, schema.Duration}}
	numbersToo   = param{kinds: []schema.Kind{schema.Number, schema.List}, elems: []schema.Kind{schema.Integer, schema.Number}}
)

// gives is the result rule of a function whose result type is fixed.
func gives(t *schema.Type) func(*checker, *call, []typed) typed {
	return func(*checker, *call, []typed) typed { return typed{typ: t} }
}

// givesFirst is the result rule of a function that returns the type of its first
// argument.
func givesFirst(_ *checker, _ *call, args []typed) typed {
	return typed{typ: plainType(args[0].typ)}
}

// plainType is t without its enum: a value computed from enum values need not be
// one of them.
func plainType(t *schema.Type) *schema.Type {
	if t.Enum == nil {
		return t
	}
	return &schema.Type{Kind: t.Kind, Nullable: t.Nullable}
}

// elemOf is the type of the elements of a list, or any.
func elemOf(t *schema.Type) *schema.Type {
	if t.Kind != schema.List {
		return schema.AnyType
	}
	return t.Elem
}

// givesElement is the result rule of first and last: an empty list gives null.
func givesElement(_ *checker, _ *call, args []typed) typed {
	return typed{typ: elemOf(args[0].typ).OrNull()}
}

// loopFunctions are those that run a predicate.
func loopFunctions() []*function {
	condition := func(name string, code func(l *loop) code) *function {
		return &function{name: name, doc: name + "(list, predicate) boolean",
			loop: &looping{test: true, result: func(_ *checker, l *loop, _, _ typed, _ *schema.Type) typed {
				return typed{code: code(l), typ: schema.BooleanType}
			}}}
	}
	tests := func(name string, run func(*loop, *Env, []any) any, result func(elem *schema.Type) *schema.Type, doc string) *function {
		return &function{name: name, doc: name + "(list, predicate) " + doc,
			loop: &looping{test: true, run: run, result: func(_ *checker, _ *loop, _, _ typed, elem *schema.Type) typed {
				return typed{typ: result(elem)}
			}}}
	}
	element := func(elem *schema.Type) *schema.Type { return elem.OrNull() }
	place := func(*schema.Type) *schema.Type { return schema.IntegerType.OrNull() }
	return []*function{
		condition("all", func(l *loop) code { return &anyOf{loop: *l, all: true} }),
		condition("none", func(l *loop) code { return &anyOf{loop: *l, none: true} }),
		condition("any", func(l *loop) code { return &anyOf{loop: *l} }),
		tests("one", runOne, func(*schema.Type) *schema.Type { return schema.BooleanType }, "boolean"),
		tests("filter", runFilter, schema.ListOf, "list(T)"),
		tests("find", runFind, element, "T?"),
		tests("findLast", runFindLast, element, "T?"),
		tests("findIndex", runFindIndex, place, "integer?"),
		tests("findLastIndex", runFindLastIndex, place, "integer?"),
		tests("count", runCount, func(*schema.Type) *schema.Type { return schema.IntegerType }, "integer"),
		{name: "map", doc: "map(list, predicate) list", shares: true, loop: &looping{run: runMap, result: mapResult}},
		{name: "sum", doc: "sum(list[, predicate]) integer or number", loop: &looping{run: runSum, result: sumResult}},
		{name: "groupBy", doc: "groupBy(list, predicate) map(list(T))", loop: &looping{run: runGroupBy, result: groupResult}},
		{name: "sortBy", doc: `sortBy(list, predicate[, "desc"]) list(T)`, loop: &looping{run: runSortBy, result: sortResult}},
		{name: "reduce", doc: "reduce(list, predicate[, first]) any", shares: true, loop: &looping{run: runReduce, result: reduceResult}},
	}
}

func mapResult(_ *checker, _ *loop, list, body typed, _ *schema.Type) typed {
	return typed{typ: schema.ListOf(body.typ), size: list.size}
}

func sumResult(c *checker, l *loop, _, body typed, _ *schema.Type) typed {
	if !c.needs(body, c.place(body), "what sum adds up", schema.Number) {
		return broken()
	}
	t := plainType(body.typ)
	if t.Kind == schema.Any {
		t = &schema.Type{Kind: schema.Any}
	}
	return typed{typ: t}
}

func groupResult(c *checker, _ *loop, _, body typed, elem *schema.Type) typed {
	if !c.needs(body, c.place(body), "the key of groupBy", schema.String) {
		return broken()
	}
	return typed{typ: schema.MapOf(schema.ListOf(elem))}
}

func sortResult(c *checker, _ *loop, _, body typed, elem *schema.Type) typed {
	if !c.needs(body, c.place(body), "the key of sortBy", schema.Number, schema.String, schema.Time, schema.Duration) {
		return broken()
	}
	return typed{typ: schema.ListOf(elem)}
}

func reduceResult(_ *checker, l *loop, _, body typed, elem *schema.Type) typed {
	t := body.typ
	if l.init == nil {
		return typed{typ: schema.Join(elem, t).OrNull()} // null for an empty list
	}
	return typed{typ: schema.Join(l.first, t)}
}
