package cond

import (
	"testing"

	"github.com/graphrun/graphrun/diag"
)

func TestObjectsAsPredicates(t *testing.T) {
	for _, c := range []struct{ text, parsed string }{
		{`map(l, {id: .id})`, `map(l, ({id: .id}))`},
		{`map(l, {"é": .id, b: 1})`, `map(l, ({"é": .id, b: 1}))`},
		{`map(é, {id: map(.x, {y: #})})`, `map(é, ({id: map(.x, ({y: #}))}))`},
		{`l | map({id: .id}) | filter({.id > 1})`, `l | map(({id: .id})) | filter({.id > 1})`},
		{`map(l, {}) == []`, `map(l, ({})) == []`},
		{`map(l, {(.k): .v})`, `map(l, ({(.k): .v}))`},
		{`map(l, {in: 1})`, `map(l, ({in: 1}))`},
		{`map(l, {.id})`, `map(l, {.id})`},
		{`map(l, { .a ? 1 : 2 })`, `map(l, { .a ? 1 : 2 })`},
		{`map(l, { a ? b : c })`, `map(l, { a ? b : c })`},
		{`reduce(l, {n: #acc}, {n: 0})`, `reduce(l, ({n: #acc}), {n: 0})`},
		{`map({a: 1}, .x)`, `map({a: 1}, .x)`},
		{`merge(a, {id: 1})`, `merge(a, {id: 1})`},
		{`map(l, {id: .id`, `map(l, {id: .id`},
	} {
		_, src := parse(diag.Plain(c.text), &diag.List{})
		if src.parsed != c.parsed {
			t.Errorf("%s is read as %s, want %s", c.text, src.parsed, c.parsed)
		}
	}
}

func TestObjectInBlockHasHelp(t *testing.T) {
	table(t, []row{
		{`map(rs, {let y1 = 1; {a: y1}})`, `[{"a":1},{"a":1},{"a":1}]`},
		{`map(rs, {.id: 1})`, `13 expr-syntax: unexpected ":" (an object in place of a predicate begins with a key, as in {id: .id}; put any other into brackets: ({…}))`},
		{`map(rs, {id: .n})[0].id + 1`, `3`},
		{`map(rs, {id: .nn})`, `15 unknown-property: object has no property "nn" (did you mean "n"?)`},
		{`all(rs, {id: .n})`, `9 not-boolean: a boolean is needed here, this is object (compare its length, as in len(x) > 0)`},
	})
}
