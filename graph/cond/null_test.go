package cond

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// nullGen writes conditions over nullable values, with and without the checks
// that make them safe. What the checker accepts must not fail.
type nullGen struct {
	gen
	elem bool // # is a nullable integer
}

func (g nullGen) nullable(d int) string {
	refs := []string{"a", "b", "o.n", "o?.n", "o.p.n", `o["n"]`, "first(l)", "last(l)", "l[0]", "m.x", `m["y"]`, "get(l, 9)", "find(l, # != nil)", "first(k)"}
	if g.elem {
		refs = append(refs, "#", "#")
	}
	if d <= 0 {
		return g.one(refs...)
	}
	return g.pick(
		func(int) string { return g.one(refs...) },
		func(int) string { return g.one(refs...) },
		func(d int) string { return fmt.Sprintf("(%s ?? %s)", g.nullable(d-1), g.nullable(d-1)) },
		func(d int) string {
			return fmt.Sprintf("(%s ? %s : %s)", g.condition(d-1), g.nullable(d-1), g.nullable(d-1))
		},
		func(d int) string { return fmt.Sprintf("(%s + 1)", g.nullable(d-1)) },
	)(d)
}

func (g nullGen) condition(d int) string {
	if d <= 0 {
		return g.one("f", "a != nil", "nil != b", "o != nil", "o.p != nil", "len(k) > 0", "len(l) == 0", "t")
	}
	return g.pick(
		func(d int) string { return fmt.Sprintf("(%s && %s)", g.condition(d-1), g.condition(d-1)) },
		func(d int) string { return fmt.Sprintf("(%s || %s)", g.condition(d-1), g.condition(d-1)) },
		func(d int) string { return "not " + g.condition(d-1) },
		func(d int) string { return fmt.Sprintf("(%s == nil)", g.nullable(d-1)) },
		func(d int) string { return fmt.Sprintf("(%s != nil)", g.nullable(d-1)) },
		func(d int) string { return fmt.Sprintf("(%s == %s)", g.nullable(d-1), g.nullable(d-1)) },
		func(d int) string { return fmt.Sprintf("(%s == 1)", g.nullable(d-1)) },
		func(d int) string { return fmt.Sprintf("(%s < 3)", g.nullable(d-1)) },
		func(d int) string { return fmt.Sprintf("(%s in [1, 2])", g.nullable(d-1)) },
		func(d int) string {
			v := g.nullable(0)
			return fmt.Sprintf("(%s != nil %s %s > 0)", v, g.one("&&", "||"), v)
		},
		func(d int) string {
			v := g.nullable(0)
			return fmt.Sprintf("(%s == nil %s %s + 1 > 0)", v, g.one("&&", "||", "== f ||"), v)
		},
		func(d int) string {
			return fmt.Sprintf("(%s ? %s : %s)", g.condition(d-1), g.condition(d-1), g.condition(d-1))
		},
		func(d int) string {
			in := nullGen{g.gen, true}
			return fmt.Sprintf("%s(l, %s)", g.one("any", "all", "none", "one"), in.condition(d-1))
		},
		func(d int) string {
			return fmt.Sprintf("(let v%d = %s; v%d != nil && v%d > 1)", d, g.nullable(d-1), d, d)
		},
		func(d int) string { return fmt.Sprintf("(let c%d = %s; c%d && a > 1)", d, g.condition(d-1), d) },
		func(d int) string { return fmt.Sprintf("((%s) ?? false)", g.condition(d-1)) },
	)(d - 1)
}

func TestAcceptedNeverFailsForNull(t *testing.T) {
	t.Parallel()
	integer := schema.IntegerType.OrNull()
	inner := schema.ObjectOf(may("n", schema.IntegerType))
	names := []Name{
		{Name: "a", Type: integer}, {Name: "b", Type: integer},
		{Name: "o", Type: schema.ObjectOf(may("n", schema.IntegerType), may("p", inner)).OrNull()},
		{Name: "l", Type: schema.ListOf(integer)}, {Name: "k", Type: schema.ListOf(schema.IntegerType)},
		{Name: "m", Type: schema.MapOf(schema.IntegerType)},
		{Name: "f", Type: schema.BooleanType}, {Name: "t", Type: schema.BooleanType.OrNull()},
	}
	for i := range names {
		names[i].Slot = i
	}
	scope := NewScope(names...)
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		g := nullGen{gen: gen{t}}
		text := g.condition(rapid.SampledFrom([]int{2, 4, 7}).Draw(t, "depth"))
		p, problems := Compile(diag.Plain(text), scope, Want{Condition: true})
		if problems.HasErrors() {
			t.Skip()
		}
		accepted++
		maybe := func(v any) any {
			if rapid.Bool().Draw(t, "null") {
				return nil
			}
			return v
		}
		for range 8 {
			list := []any{}
			if rapid.Bool().Draw(t, "filled") {
				list = append(list, maybe(int64(1)), maybe(int64(5)))
			}
			k := []any{}
			if rapid.Bool().Draw(t, "filled") {
				k = append(k, int64(2))
			}
			env := &Env{Slots: []any{maybe(int64(1)), maybe(int64(4)),
				maybe(map[string]any{"n": maybe(int64(2)), "p": maybe(map[string]any{})}),
				list, k, map[string]any{"x": int64(1)}, true, maybe(true)}}
			if _, err := p.Holds(env); err != nil && !isRange(err) {
				t.Fatalf("%s: %v\n%v", text, err, env.Slots)
			}
		}
	})
	if accepted < 20 {
		t.Errorf("the checker accepted only %d conditions", accepted)
	}
}

func isRange(err error) bool {
	e := AsError(err)
	return e != nil && len(e.Message) > 6 && e.Message[:6] == "index "
}
