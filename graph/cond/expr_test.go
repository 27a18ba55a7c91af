package cond

import (
	"fmt"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// gen writes random expressions whose meaning is the same in expr and here:
// small integers, no division by zero, no null, no order of a map's keys.
type gen struct{ t *rapid.T }

func (g gen) pick(of ...func(int) string) func(int) string {
	return rapid.SampledFrom(of).Draw(g.t, "pick")
}

func (g gen) one(of ...string) string { return rapid.SampledFrom(of).Draw(g.t, "one") }

func (g gen) integer(d int) string {
	if d <= 0 {
		return g.one("1", "2", "7", "n", "m", "0x10", "-3")
	}
	return g.pick(
		g.integer,
		func(d int) string {
			return fmt.Sprintf("(%s %s %s)", g.integer(d-1), g.one("+", "-", "*"), g.integer(d-1))
		},
		func(d int) string { return fmt.Sprintf("(%s %% 5)", g.integer(d-1)) },
		func(d int) string { return fmt.Sprintf("len(%s)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("len(%s)", g.text(d-1)) },
		func(d int) string { return fmt.Sprintf("count(%s, # > %s)", g.list(d-1), g.integer(d-2)) },
		func(d int) string { return fmt.Sprintf("sum(%s)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("sum(%s, # * 2)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("abs(%s)", g.integer(d-1)) },
		func(d int) string { return fmt.Sprintf("reduce(%s, #acc + #, %s)", g.list(d-1), g.integer(d-1)) },
		func(d int) string {
			return fmt.Sprintf("(%s ? %s : %s)", g.boolean(d-1), g.integer(d-1), g.integer(d-1))
		},
		func(d int) string { return fmt.Sprintf("(let v = %s; v + v)", g.integer(d-1)) },
		func(d int) string { return fmt.Sprintf("(last(%s) ?? 4)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("indexOf(%s, %s)", g.text(d-1), g.text(d-2)) },
		func(d int) string {
			return fmt.Sprintf("bit%s(%s, %s)", g.one("and", "or", "xor", "nand"), g.integer(d-1), g.integer(d-1))
		},
	)(d - 1)
}

func (g gen) number(d int) string {
	if d <= 0 {
		return g.one("1.5", "0.25", "x", "-2.0")
	}
	return g.pick(
		func(d int) string {
			return fmt.Sprintf("(%s %s %s)", g.number(d-1), g.one("+", "-", "*"), g.integer(d-1))
		},
		func(d int) string { return fmt.Sprintf("(%s / 4)", g.integer(d-1)) },
		func(d int) string { return fmt.Sprintf("%s(%s)", g.one("floor", "ceil", "round"), g.number(d-1)) },
		func(d int) string { return fmt.Sprintf("mean(%s)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("median(%s)", g.list(d-1)) },
	)(d - 1)
}

func (g gen) text(d int) string {
	if d <= 0 {
		return g.one(`"a"`, `'bc'`, `""`, "s", "w[0]", `"x,y"`)
	}
	return g.pick(
		func(d int) string { return fmt.Sprintf("(%s + %s)", g.text(d-1), g.text(d-1)) },
		func(d int) string { return fmt.Sprintf("%s(%s)", g.one("upper", "lower", "trim"), g.text(d-1)) },
		func(d int) string { return fmt.Sprintf("replace(%s, %s, %s)", g.text(d-1), g.text(0), g.text(0)) },
		func(d int) string { return fmt.Sprintf("repeat(%s, 2)", g.text(d-1)) },
		func(d int) string { return fmt.Sprintf("join(%s, %s)", g.texts(d-1), g.text(0)) },
		func(d int) string { return fmt.Sprintf("string(%s)", g.integer(d-1)) },
		func(d int) string { return fmt.Sprintf("%s[%d:%d]", g.text(d-1), 0, 3) },
	)(d - 1)
}

func (g gen) texts(d int) string {
	if d <= 0 {
		return g.one("w", `["q"]`, "map(o, .id)")
	}
	return g.pick(
		func(d int) string { return fmt.Sprintf("split(%s, \",\")", g.text(d-1)) },
		func(d int) string { return fmt.Sprintf("map(%s, # + %s)", g.texts(d-1), g.text(0)) },
		func(d int) string { return fmt.Sprintf("sort(%s)", g.texts(d-1)) },
		func(d int) string { return fmt.Sprintf("(sortBy(o, %s) | map(.id))", g.one(".n", ".id", "-.n")) },
	)(d - 1)
}

func (g gen) list(d int) string {
	if d <= 0 {
		return g.one("l", "[3, 1, 2]", "(1..4)", "map(o, .n)")
	}
	return g.pick(
		func(d int) string { return fmt.Sprintf("filter(%s, # > %s)", g.list(d-1), g.integer(d-2)) },
		func(d int) string { return fmt.Sprintf("map(%s, # + #index)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("%s(%s)", g.one("reverse", "uniq", "sort"), g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("concat(%s, %s)", g.list(d-1), g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("flatten([%s, %s])", g.list(d-1), g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("take(%s, 2)", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("%s[1:]", g.list(d-1)) },
		func(d int) string { return fmt.Sprintf("[%s, %s]", g.integer(d-1), g.integer(d-1)) },
	)(d - 1)
}

func (g gen) boolean(d int) string {
	if d <= 0 {
		return g.one("true", "false", "b")
	}
	return g.pick(
		func(d int) string {
			return fmt.Sprintf("(%s %s %s)", g.boolean(d-1), g.one("&&", "||", "and", "or", "=="), g.boolean(d-1))
		},
		func(d int) string { return "not " + g.boolean(d-1) },
		func(d int) string {
			return fmt.Sprintf("(%s %s %s)", g.integer(d-1), g.one("<", "<=", ">", ">=", "==", "!="), g.number(d-1))
		},
		func(d int) string {
			return fmt.Sprintf("(%s %s %s)", g.text(d-1), g.one("<", "==", "contains", "startsWith", "endsWith", "not contains"), g.text(d-1))
		},
		func(d int) string {
			return fmt.Sprintf("(%s %s %s)", g.integer(d-1), g.one("in", "not in"), g.list(d-1))
		},
		func(d int) string { return fmt.Sprintf("(%s == %s)", g.list(d-1), g.list(d-1)) },
		func(d int) string {
			return fmt.Sprintf("%s(%s, # > %s)", g.one("any", "all", "none", "one"), g.list(d-1), g.integer(d-2))
		},
		func(d int) string { return fmt.Sprintf("any(o, .id == %s && .n < %s)", g.text(d-1), g.integer(d-2)) },
		func(d int) string {
			return fmt.Sprintf("(%s < %s < %s)", g.integer(d-1), g.integer(d-1), g.integer(d-1))
		},
	)(d - 1)
}

// TestAgreesWithExpr holds our evaluator against expr's own.
func TestAgreesWithExpr(t *testing.T) {
	t.Parallel()
	object := schema.ObjectOf(must("id", schema.StringType), must("n", schema.IntegerType))
	names := []Name{
		{Name: "n", Type: schema.IntegerType}, {Name: "m", Type: schema.IntegerType}, {Name: "x", Type: schema.NumberType},
		{Name: "s", Type: schema.StringType}, {Name: "b", Type: schema.BooleanType},
		{Name: "l", Type: schema.ListOf(schema.IntegerType)}, {Name: "w", Type: schema.ListOf(schema.StringType)},
		{Name: "o", Type: schema.ListOf(object)},
	}
	values := []any{int64(5), int64(-2), 2.5, "Abc", true, []any{int64(4), int64(9), int64(4)}, []any{"a", "b,c"},
		[]any{map[string]any{"id": "b", "n": int64(2)}, map[string]any{"id": "a", "n": int64(3)}}}
	env := map[string]any{}
	for i := range names {
		names[i].Slot = i
		env[names[i].Name] = theirs(values[i])
	}
	scope := NewScope(names...)
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		g := gen{t}
		text := g.pick(g.integer, g.number, g.text, g.texts, g.list, g.boolean)(rapid.SampledFrom([]int{2, 5, 9, 14}).Draw(t, "depth"))
		p, problems := Compile(diag.Plain(text), scope, Want{})
		if problems.HasErrors() {
			if problems[0].Code == diag.ExprTooCostly {
				t.Skip()
			}
			t.Fatalf("%s: %v", text, problems)
		}
		got, err := p.Eval(&Env{Slots: values})
		program, err2 := expr.Compile(text, expr.Env(env), expr.Optimize(false)) // its optimizer makes [1, last(filter(…))] a list with a boolean
		if err2 != nil {
			t.Skip(err2) // expr's checker knows less of the elements of lists
		}
		want, err2 := expr.Run(program, env)
		if err != nil || err2 != nil {
			if err == nil || err2 == nil {
				t.Logf("%s: we say %v, they say %v", text, err, err2)
			}
			t.Skip()
		}
		compared++
		if diff := cmp.Diff(ours(want), ours(got)); diff != "" {
			t.Fatalf("%s\n%s", text, diff)
		}
	})
	if compared < 20 {
		t.Errorf("only %d expressions were compared", compared)
	}
}

// theirs is a canonical value with expr's integers, ours the way back; numbers
// without fraction are compared as integers, where the two differ in kind.
func theirs(v any) any {
	switch v := v.(type) {
	case int64:
		return int(v)
	case []any:
		out := make([]any, len(v))
		for i, it := range v {
			out[i] = theirs(it)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, it := range v {
			out[k] = theirs(it)
		}
		return out
	}
	return v
}

func ours(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case []int:
		out := []any{}
		for _, it := range v {
			out = append(out, float64(it))
		}
		return out
	case []string:
		out := []any{}
		for _, it := range v {
			out = append(out, it)
		}
		return out
	case []any:
		out := []any{}
		for _, it := range v {
			out = append(out, ours(it))
		}
		return out
	}
	return v
}
