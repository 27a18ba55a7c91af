package cond

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/schema"
	jsonvalue "github.com/graphrun/graphrun/graph/value"
)

// row is one line of a table: an expression, and what becomes of it. That is
// its value as JSON; or "fails COL: MESSAGE", for a failure while it runs; or
// "COL code: MESSAGE (HELP)" for each problem at load, joined by " | ".
type row struct{ expr, want string }

// tableNames are the names that the tables use, with their types and values.
// Names that begin with `a_` have the type any.
var tableNames = []struct {
	name  string
	typ   *schema.Type
	value any
}{
	{"i", schema.IntegerType, int64(7)},
	{"zero", schema.IntegerType, int64(0)},
	{"most", schema.IntegerType, int64(math.MaxInt64)},
	{"least", schema.IntegerType, int64(math.MinInt64)},
	{"x", schema.NumberType, 2.5},
	{"huge", schema.NumberType, 1e308},
	{"s", schema.StringType, "Häß"},
	{"empty", schema.StringType, ""},
	{"b", schema.BooleanType, true},
	{"is", schema.ListOf(schema.IntegerType), []any{int64(3), int64(1), int64(2)}},
	{"xs", schema.ListOf(schema.NumberType), []any{2.5, int64(1)}},
	{"ss", schema.ListOf(schema.StringType), []any{"b", "ä", "a"}},
	{"bs", schema.ListOf(schema.BooleanType), []any{true, false, true}},
	{"none_of", schema.ListOf(schema.IntegerType), []any{}},
	{"gaps", schema.ListOf(schema.IntegerType.OrNull()), []any{int64(1), nil}},
	{"o", schema.MapOf(schema.IntegerType), map[string]any{"b": int64(2), "a": int64(1)}},
	{"r", schema.ObjectOf(must("id", schema.StringType), may("n", schema.IntegerType)), map[string]any{"id": "k"}},
	{"rs", schema.ListOf(schema.ObjectOf(must("id", schema.StringType), must("n", schema.IntegerType))),
		[]any{map[string]any{"id": "p", "n": int64(2)}, map[string]any{"id": "q", "n": int64(1)}, map[string]any{"id": "r", "n": int64(2)}}},
	{"kind", schema.EnumOf(schema.String, "open", "done"), "open"},
	{"level", schema.EnumOf(schema.Integer, int64(1), int64(2)), int64(1)},
	{"bare", &schema.Type{Kind: schema.Object}, map[string]any{"k": int64(1)}},
	{"params", schema.ObjectOf(), map[string]any{}},
	{"t", schema.TimeType, time.Date(2026, 1, 2, 15, 4, 5, 6, time.UTC)},
	{"d", schema.DurationType, 90 * time.Minute},
	{"null_i", schema.IntegerType.OrNull(), nil},
	{"null_s", schema.StringType.OrNull(), nil},
	{"null_b", schema.BooleanType.OrNull(), nil},
	{"null_is", schema.ListOf(schema.IntegerType).OrNull(), nil},
	{"null_r", schema.ObjectOf(must("id", schema.StringType)).OrNull(), nil},
	{"a_i", schema.AnyType, int64(5)},
	{"a_x", schema.AnyType, 2.5},
	{"a_s", schema.AnyType, "text"},
	{"a_b", schema.AnyType, true},
	{"a_null", schema.AnyType, nil},
	{"a_list", schema.AnyType, []any{int64(1), "two", nil}},
	{"a_object", schema.AnyType, map[string]any{"k": int64(1)}},
	{"deep", schema.AnyType, nested(99)},
}

// nested is a list within lists.
func nested(depth int) any {
	v := any(int64(1))
	for range depth {
		v = []any{v}
	}
	return v
}

func tableWorld() (*Scope, *Env) {
	var names []Name
	var slots []any
	for i, n := range tableNames {
		names = append(names, Name{Name: n.name, Type: n.typ, Slot: i})
		slots = append(slots, n.value)
	}
	return NewScope(names...), &Env{Slots: slots}
}

// becomes is what becomes of an expression, as a row has it.
func becomes(expr string, want Want) string {
	scope, env := tableWorld()
	p, problems := Compile(placed(expr), scope, want)
	if p == nil {
		var out []string
		for _, d := range problems {
			text := fmt.Sprintf("%d %s: %s", d.Span.Start.Col, d.Code, d.Message)
			if d.Help != "" {
				text += " (" + d.Help + ")"
			}
			out = append(out, text)
		}
		return strings.Join(out, " | ")
	}
	v, err := p.Eval(env)
	if e := AsError(err); e != nil {
		return fmt.Sprintf("fails %d: %s", e.Span.Start.Col, e.Message)
	}
	return jsonvalue.String(v)
}

// table runs the rows of a table.
func table(t *testing.T, rows []row) {
	t.Helper()
	t.Parallel()
	for _, r := range rows {
		t.Run(r.expr, func(t *testing.T) {
			t.Parallel()
			if got := becomes(r.expr, Want{}); got != r.want {
				t.Errorf("%s\ngot  %s\nwant %s", r.expr, got, r.want)
			}
		})
	}
}
