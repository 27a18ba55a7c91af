package graph

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/cond"
)

// env is what templates of the graphs here see.
type env []any

func (e env) Field(i int) any { return e[i] }
func (e env) Len() int        { return len(e) }

func testEnv(state ...any) *cond.Env {
	slots := make([]any, NumSlots)
	slots[SlotState] = env(state)
	slots[SlotCycle] = map[string]any{"number": int64(7), "started_at": time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	return &cond.Env{Slots: slots}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, with string
		want       any
		typ        string
	}{
		{"keeps its type", `"${{ state.n }}"`, int64(2), "integer"},
		{"in text", `"n is ${{ state.n }}, list ${{ state.list }}!"`, `n is 2, list ["a","b"]!`, "string"},
		{"null is nothing", `"<${{ nil }}>"`, "<>", "string"},
		{"literal", `"$${{ state.n }} and ${{ state.n }}"`, "${{ state.n }} and 2", "string"},
		{"literal alone", `"$${{ x }}"`, "${{ x }}", "string"},
		{"braces and quotes", `"${{ {\"a\": {\"b\": \"}}\"}} }}"`, map[string]any{"a": map[string]any{"b": "}}"}}, "object"},
		{"space around is text", `"${{ state.n }}\n"`, "2\n", "string"},
		{"at any depth", `{"a": [{"b": "${{ state.n + 1 }}"}, 1, null]}`, map[string]any{"a": []any{map[string]any{"b": int64(3)}, int64(1), nil}}, "object"},
		{"no expression", `{"a": [1, 2.5, "x"]}`, map[string]any{"a": []any{int64(1), 2.5, "x"}}, "object"},
		{"a moment within, in text", `"in ${{ cycle }}"`, `in {"number":7,"started_at":"2026-05-01T12:00:00Z"}`, "string"},
		{"a moment within", `"${{ [cycle, {\"c\": cycle}] }}"`, []any{
			map[string]any{"number": int64(7), "started_at": "2026-05-01T12:00:00Z"},
			map[string]any{"c": map[string]any{"number": int64(7), "started_at": "2026-05-01T12:00:00Z"}},
		}, "list(object)"},
		{"lone braces", `"a }} {{ $ {"`, "a }} {{ $ {", "string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := mustCompile(t, `"nodes": [{"id": "a", "uses": "set", "with": {"x": `+tt.with+`}}]`)
			with := g.Nodes[0].With
			got, err := with.Eval(testEnv(int64(2), []any{"a", "b"}))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got.(map[string]any)["x"]); d != "" {
				t.Error(d)
			}
			p, _ := with.Type().Prop("x")
			if p.Type.String() != tt.typ {
				t.Errorf("type %s, want %s", p.Type, tt.typ)
			}
		})
	}
}

func TestTemplateSharesConstants(t *testing.T) {
	t.Parallel()
	g := mustCompile(t, `"nodes": [{"id": "a", "uses": "set", "with": {"x": {"big": [1, 2]}, "y": "${{ state.n }}"}}, {"id": "b", "uses": "set", "with": {"z": 1}}]`)
	e := testEnv(int64(1), nil)
	first, _ := g.Nodes[0].With.Eval(e)
	second, _ := g.Nodes[0].With.Eval(e)
	x := first.(map[string]any)["x"].(map[string]any)
	x["mark"] = true
	if second.(map[string]any)["x"].(map[string]any)["mark"] != true {
		t.Error("the constant part was built twice")
	}
	if _, ok := g.Nodes[0].With.Const(); ok {
		t.Error("a template with an expression is no constant")
	}
	if v, ok := g.Nodes[1].With.Const(); !ok || !cmp.Equal(v, map[string]any{"z": int64(1)}) {
		t.Errorf("constant: %v, %v", v, ok)
	}
	if n := len(g.Nodes[0].With.Programs()); n != 1 {
		t.Errorf("%d programs, want 1", n)
	}
}

func TestTemplateFails(t *testing.T) {
	t.Parallel()
	g := mustCompile(t, `"nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ state.list[5] }}"}}]`)
	_, err := g.Nodes[0].With.Eval(testEnv(int64(1), []any{}))
	if _, ok := err.(*cond.Error); !ok {
		t.Errorf("got %v, want a *cond.Error", err)
	}
}
