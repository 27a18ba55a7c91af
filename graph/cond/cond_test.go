package cond

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// fields is a Record for tests.
type fields []any

func (f fields) Field(i int) any { return f[i] }
func (f fields) Len() int        { return len(f) }

func must(name string, t *schema.Type) schema.Prop {
	return schema.Prop{Name: name, Type: t, Required: true}
}

func may(name string, t *schema.Type) schema.Prop { return schema.Prop{Name: name, Type: t} }

// The world of the tests: the state of the example in the language reference,
// and some more.
var (
	statusType = schema.EnumOf(schema.String, "pending", "done")
	todoType   = &schema.Type{Name: "Todo", Kind: schema.Object, Props: []schema.Prop{
		must("id", schema.StringType), must("title", schema.StringType), must("status", statusType),
		may("due", schema.IntegerType), must("n", schema.IntegerType), may("tags", schema.ListOf(schema.StringType))}}
	artifactType = (&schema.Type{Kind: schema.Object, Props: []schema.Prop{
		may("path", schema.StringType), may("reviewed", schema.BooleanType)}}).OrNull()
	stateType = schema.ObjectOf(
		must("idea", schema.StringType.OrNull()),
		must("todos", schema.ListOf(todoType)),
		must("artifact", artifactType),
		must("cost", schema.NumberType),
		must("n", schema.IntegerType),
		must("flag", schema.BooleanType),
		must("maybe", schema.BooleanType.OrNull()),
		must("kind", schema.EnumOf(schema.String, "a", "b").OrNull()),
		must("any", schema.AnyType),
		must("scores", schema.MapOf(schema.IntegerType)),
		must("words", schema.ListOf(schema.StringType)),
		must("gaps", schema.ListOf(schema.IntegerType.OrNull())),
		must("deadline", schema.IntegerType.OrNull()),
		must("big", schema.IntegerType),
	)
	nodesType = schema.ObjectOf(must("plan", nodeType), must("a-b", nodeType))
	nodeType  = schema.ObjectOf(
		must("status", schema.EnumOf(schema.String, "pending", "succeeded", "failed", "skipped", "waiting")),
		must("attempts", schema.IntegerType))
)

func testScope(t testing.TB) *Scope {
	t.Helper()
	base := NewScope(
		Name{Name: "state", Type: stateType, Slot: 0, Record: true},
		Name{Name: "nodes", Type: nodesType, Slot: 1, Record: true},
		Name{Name: "now", Type: schema.TimeType, Slot: 2},
		Name{Name: "secrets", Forbidden: "secrets are known in `with` only", Code: diag.SecretLeak},
	)
	pending, problems := Compile(diag.Plain(`filter(state.todos, .status == "pending")`), base, Want{})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return base.With(Name{Name: "pending", Type: pending.Type(), Slot: 0, Define: pending})
}

func testEnv() *Env {
	todo := func(id, status string, n int64, due any) any {
		m := map[string]any{"id": id, "title": "t" + id, "status": status, "n": n}
		if due != nil {
			m["due"] = due
		}
		return m
	}
	return &Env{Slots: []any{
		fields{nil, []any{todo("1", "pending", 1, nil), todo("2", "done", 2, int64(7)), todo("3", "pending", 3, int64(2))},
			nil, 1.5, int64(3), true, nil, "a", map[string]any{"x": []any{int64(1), "two"}},
			map[string]any{"b": int64(2), "a": int64(1)}, []any{"x", "y"}, []any{int64(1), nil, int64(3)}, nil, int64(1) << 62},
		fields{map[string]any{"status": "failed", "attempts": int64(2)}, map[string]any{"status": "pending", "attempts": int64(0)}},
		time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
	}}
}

// placed is text as it stands in line 1 of a file, from column 1 on.
func placed(s string) diag.Text {
	span := diag.Span{File: "f", Start: diag.Pos{Line: 1, Col: 1}, End: diag.Pos{Line: 1, Col: 1 + len([]rune(s))}}
	return diag.Placed(s, span, span.Start)
}

// problemsOf lists problems as COL CODE.
func problemsOf(l diag.List) string {
	var out []string
	for _, d := range l {
		out = append(out, fmt.Sprintf("%d %s", d.Span.Start.Col, d.Code))
	}
	return strings.Join(out, ", ")
}

func TestEval(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expr string
		want any
	}{
		{`len(state.todos) == 3`, true},
		{`len(pending)`, int64(2)},
		{`state.artifact?.reviewed == true`, false},
		{`state.artifact != nil && not state.artifact.reviewed`, false},
		{`map(pending, .id)`, []any{"1", "3"}},
		{`any(state.todos, .status == "done" && .due != nil && .due > 5)`, true},
		{`first(state.todos).id`, "1"},
		{`sum(state.todos, .n)`, int64(6)},
		{`sortBy(state.todos, -.n) | map(.id)`, []any{"3", "2", "1"}},
		{`keys(state.scores)`, []any{"a", "b"}},
		{`toJSON({"b": 1, "a": [nil, 2.5]})`, `{"a":[null,2.5],"b":1}`},
		{`1..3`, []any{int64(1), int64(2), int64(3)}},
		{`reduce(1..4, #acc + #)`, int64(10)},
		{`reduce(state.todos, concat(#acc, [.id]), [])`, []any{"1", "2", "3"}},
		{`7 / 2`, 3.5},
		{`7 % 2`, int64(1)},
		{`2 ** 3`, 8.0},
		{`-state.n`, int64(-3)},
		{`nodes["a-b"].status`, "pending"},
		{`nodes.plan.attempts`, int64(2)},
		{`let a = state.n; a * a`, int64(9)},
		{`now`, "2026-01-02T15:04:05Z"},
		{`now - duration("1h")`, "2026-01-02T14:04:05Z"},
		{`[now]`, []any{"2026-01-02T15:04:05Z"}},
		{`now.Hour()`, int64(15)},
		{`state.any.x[1]`, "two"},
		{`state.todos[-1].id`, "3"},
		{`state.words[1:]`, []any{"y"}},
		{`"häß"[1:2]`, "ä"},
		{`state.maybe ? 1 : 2`, int64(2)},
		{`not state.maybe`, true},
		{`find(state.todos, .id == "9")?.title`, nil},
		{`(groupBy(state.todos, .status)["done"] ?? []) | map(.id)`, []any{"2"}},
		{`"abc" matches "^a.c$"`, true},
		{`count(state.todos, #index > 0)`, int64(2)},
		{`len(state)`, int64(14)},
		{`if state.flag { "yes" } else { "no" }`, "yes"},
		{`max(map(state.todos, .n)) ?? 0`, int64(3)},
		{`state.scores["a"] ?? 0`, int64(1)},
		{`uniq([1, 2.0, 2, 1])`, []any{int64(1), 2.0}},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			p, problems := Compile(placed(tt.expr), testScope(t), Want{})
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			got, err := p.Eval(testEnv())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	condition, any := Want{Condition: true}, Want{}
	for _, tt := range []struct {
		expr string
		want Want
		out  string
	}{
		{`state.todoss`, any, "7 unknown-property"},
		{`len(state.todos) > 0 && foo`, any, "25 unknown-name"},
		{`any(state.todos, .titel == "x")`, condition, "19 unknown-property"},
		{`first(state.todos).titel`, any, "20 unknown-property"},
		{`find(state.todos, .n == 1).titel == "x" || foo`, condition, "28 unknown-property, 44 unknown-name"},
		{`any(pending, .status == "pnding")`, condition, "25 enum-value"},
		{`"pnding" == first(pending).status`, condition, "1 enum-value"},
		{`state.kind in ["a", "c"]`, condition, "21 enum-value"},
		{`["a", "c"] == [state.kind]`, condition, "7 enum-value"},
		{`state.n == "x"`, condition, "9 expr-type"},
		{`state.n + "x"`, any, "9 expr-type"},
		{`state.deadline < 3`, condition, "16 expr-type"},
		{`len(state.idea)`, any, "5 expr-type"},
		{`  state.n`, condition, "3 not-boolean"},
		{`state.any`, condition, "1 untyped"},
		{`now() > 3`, condition, "1 unknown-function"},
		{`state.todos.length > 3`, condition, "13 unknown-property"},
		{`state.todos.length() > 3`, condition, "13 unknown-function"},
		{`state.n = 3`, condition, "9 expr-syntax"},
		{`state.n == `, condition, "12 expr-syntax"},
		{``, condition, "1 expr-syntax"},
		{`$env`, any, "1 unknown-name"},
		{`secrets.X`, any, "1 secret-leak"},
		{`1..1000000000`, any, "2 expr-too-costly"},
		{strings.Repeat(`reduce([1, 2.5], #acc + # + `, 12) + "1" + strings.Repeat(", 0)", 12), any, "1 expr-too-costly"},
		{`repeat("x", 900000000)`, any, "1 expr-too-costly"},
		{`true`, condition, "1 always-true"},
		{`state.n == nil`, condition, "1 always-false"},
		{`99999999999999999999`, any, "1 expr-syntax"},
		{`"a" matches "("`, any, "13 expr-syntax"},
		{`state.deadline != nil && state.deadline < 3`, condition, ""},
		{`state.deadline == nil || state.deadline < 3`, condition, ""},
		{`not (state.deadline == nil) && state.deadline < 3`, condition, ""},
		{`state.deadline != nil ? state.deadline + 1 : 0`, any, ""},
		{`any(state.todos, .due != nil && .due < 3)`, condition, ""},
		{`let d = state.deadline; d != nil && d < 3`, condition, ""},
		{`len(pending) > 0 && first(pending).n > 2`, condition, ""},
		{`(state.deadline ?? 0) < 3`, condition, ""},
		{`state.maybe && state.flag`, condition, ""},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			_, problems := Compile(placed(tt.expr), testScope(t), tt.want)
			if got := problemsOf(problems); got != tt.out {
				t.Errorf("got  %s\nwant %s\n%v", got, tt.out, problems)
			}
		})
	}
}
