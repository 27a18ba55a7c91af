package cond

import "testing"

func TestLet(t *testing.T) {
	table(t, []row{
		{`let a = 1; let b2 = 2; a + b2`, `3`},
		{`let a = i; a`, `7`},
		{`let i = 1; i`, `5 bad-name: "i" is taken (choose another name)`},
		{`let len = 1; len`, `5 bad-name: "len" is taken (choose another name)`},
		{`let a = 1; let a = 2; a`, `16 bad-name: "a" is taken (choose another name)`},
		{`let a = b; a ? 1 : 2`, `1`},
		{`let a = nil; a ?? 1`, `1`},
		{`let a = "opne"; kind == a`, `9 enum-value: "opne" is not a value of "open"|"done" (did you mean "open"?)`},
		{`let a = b ? "open" : "opne"; kind == a`, `22 enum-value: "opne" is not a value of "open"|"done" (did you mean "open"?)`},
		{`1; 2`, `2`},
		{`1 / zero; 2`, `fails 3: division by zero`},
		{`s; 1; b`, `true`},
		{`(1; 2) + 1`, `3`},
	})
}

func TestNames(t *testing.T) {
	table(t, []row{
		{`i`, `7`},
		{`nope`, `1 unknown-name: unknown name "nope" (in scope: a_b, a_i, a_list, a_null, a_object, a_s, a_x, b, bare, bs, d, deep, empty, gaps, huge, i, is, kind, least, level and 17 more)`},
		{`isx`, `1 unknown-name: unknown name "isx" (did you mean "is"?)`},
		{`null`, `1 unknown-name: unknown name "null" (null is written nil)`},
		{`None`, `1 unknown-name: unknown name "None" (null is written nil)`},
		{`True`, `1 unknown-name: unknown name "True" (write true)`},
		{`item`, `1 unknown-name: unknown name "item" (the element is written # in a predicate)`},
		{`$env`, `1 unknown-name: unknown name "$env" (names are written without $env)`},
		{`$env.i`, `1 unknown-name: unknown name "$env" (names are written without $env)`},
		{`i()`, `1 unknown-function: "i" is not a function (write i without parentheses)`},
		{`s.foo()`, `3 unknown-function: unknown function "foo"`},
		{`s.len()`, `3 unknown-function: unknown function "len" (there are no methods: write len(x))`},
		{`s.size()`, `3 unknown-function: unknown function "size" (write len(x))`},
		{`is.first()`, `4 unknown-function: unknown function "first" (there are no methods: write first(x))`},
		{`foo(1)`, `1 unknown-function: unknown function "foo" (did you mean "floor"?)`},
		{`lenn(is)`, `1 unknown-function: unknown function "lenn" (did you mean "len"?)`},
		{`size(is)`, `1 unknown-function: unknown function "size" (write len(x))`},
		{`contains(s, "a")`, `1 expr-syntax: unexpected "contains" (write text contains part, or x in list)`},
		{`some(is, # > 1)`, `1 unknown-function: unknown function "some" (write any(list, predicate))`},
		{`is.map(# > 1)`, `4 unknown-function: unknown function "map" (there are no methods: write map(list, predicate) list)`},
		{`(i)()`, `4 expr-syntax: unexpected "("`},
		{`i.x()`, `3 unknown-function: unknown function "x"`},
		{`a_i.x()`, `5 unknown-function: unknown function "x"`},
		{`is[0]()`, `6 expr-syntax: unexpected "("`},
		{`"a"[0]()`, `7 expr-syntax: unexpected "("`},
		{`let x2 = 1; x3`, `13 unknown-name: unknown name "x3" (did you mean "x"?)`},
	})
}
