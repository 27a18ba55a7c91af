package cond

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// panics is code with a mistake.
type panics struct{}

func (panics) eval(*Env) any { panic("a mistake") }

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	broken := &Program{text: placed("true"), code: panics{}}
	p := &Program{text: placed("x"), code: panics{}, test: &truth{of: panics{}}, scope: NewScope(Name{Name: "x", Type: schema.BooleanType, Define: broken})}
	env := &Env{}
	const want = "internal error: a mistake"
	if _, err := p.Eval(env); err == nil || err.Error() != want {
		t.Errorf("Eval: %v", err)
	}
	if _, err := p.Holds(env); err == nil || err.Error() != want {
		t.Errorf("Holds: %v", err)
	}
	if part := p.Explain(env); part.Err == nil || part.Err.Message != want {
		t.Errorf("Explain: %+v", part)
	}
	scope, ready := tableWorld()
	sound, _ := Compile(placed("i + 1"), scope, Want{})
	env.Slots = ready.Slots
	if v, err := sound.Eval(env); err != nil || v != int64(8) {
		t.Errorf("the Env after a panic gives %v, %v", v, err)
	}
}

// TestMessagesAreBounded: a message may quote what is in the expression or in
// its values, and has at most 2 KiB.
func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 1900)
	scope, env := tableWorld()
	for _, expr := range []string{
		`a_i["` + long + `"]`,
		`s matches ("(" + "` + long + `" + empty)`,
		`int("` + long + `" + empty)`,
		`float("` + long + `" + empty)`,
		`duration("` + long + `" + empty)`,
		`date("` + long + `" + empty)`,
		`date("2026 X", "2006 ` + long + `" + empty)`,
		`fromBase64("` + long + `" + empty)`,
		`fromJSON("` + long + `" + empty)`,
		`fromJSON("\"` + long + `" + empty)`,
		`sort(is, "` + long + `" + empty)`,
	} {
		p, problems := Compile(placed(expr), scope, Want{})
		if p == nil {
			t.Fatal(problems)
		}
		_, err := p.Eval(env)
		if err == nil || len(err.Error()) > 2<<10 {
			t.Errorf("%.40s… fails with %d bytes: %v", expr, len(err.Error()), err)
		}
	}
}

// TestMissingSlots: an Env with too few slots has null in the others.
func TestMissingSlots(t *testing.T) {
	t.Parallel()
	scope := NewScope(
		Name{Name: "r", Type: schema.ObjectOf(must("x", schema.IntegerType.OrNull())), Record: true, Slot: 0},
		Name{Name: "v", Type: schema.AnyType, Slot: 1})
	for _, tt := range []struct {
		expr  string
		slots []any
		want  any
	}{
		{"r.x", nil, nil},
		{"r.x", []any{nil}, nil},
		{"r.x", []any{fields{}}, nil},
		{"r.x", []any{fields{int64(1)}}, int64(1)},
		{"r.x", []any{map[string]any{"x": int64(2)}}, int64(2)},
		{"r", []any{fields{int64(1)}}, map[string]any{"x": int64(1)}},
		{"r", []any{map[string]any{"x": int64(2)}}, map[string]any{"x": int64(2)}},
		{"v", []any{nil}, nil},
	} {
		p, problems := Compile(placed(tt.expr), scope, Want{})
		if p == nil {
			t.Fatal(problems)
		}
		got, err := p.Eval(&Env{Slots: tt.slots})
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s with %v: %v %s", tt.expr, tt.slots, err, diff)
		}
	}
}

func TestProgramText(t *testing.T) {
	t.Parallel()
	p, _ := Compile(placed("1 + 1"), NewScope(), Want{})
	if p.Text().Value != "1 + 1" {
		t.Errorf("got %q", p.Text().Value)
	}
}

// TestVerdicts: what is known of a condition when it is loaded.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	scope, _ := tableWorld()
	for _, r := range []row{
		{`true`, "1 always-true"},
		{`  false`, "3 always-false"},
		{"\ttrue", "2 always-true"},
		{"\n", "1 expr-syntax"},
		{`not true`, "1 always-false"},
		{`1 == 1`, "1 always-true"},
		{`1 > 2`, "1 always-false"},
		{`"a" in ["a"]`, ""},
		{`b && false`, "1 always-false"},
		{`b || true`, "1 always-true"},
		{`true && true`, "1 always-true"},
		{`true && b`, ""},
		{`false || false`, "1 always-false"},
		{`false || b`, ""},
		{`nil == nil`, "1 always-true"},
		{`i == nil`, "1 always-false"},
		{`i != nil`, "1 always-true"},
		{`null_i != nil`, ""},
		{`a_i != nil`, ""},
		{`true ? true : b`, "1 always-true"},
		{`false ? true : b`, ""},
		{`b ? true : false`, ""},
		{`nil`, "1 not-boolean"},
		{`i`, "1 not-boolean"},
		{`s`, "1 not-boolean"},
		{`is`, "1 not-boolean"},
		{`null_r`, "1 not-boolean"},
		{`null_b`, ""},
		{`a_b`, "1 untyped"},
	} {
		_, problems := Compile(placed(r.expr), scope, Want{Condition: true})
		if got := problemsOf(problems); got != r.want {
			t.Errorf("%s\ngot  %s\nwant %s", r.expr, got, r.want)
		}
	}
}

func TestEmptyScope(t *testing.T) {
	t.Parallel()
	var outer *Scope
	_, problems := Compile(placed("x"), outer.With(), Want{})
	if len(problems) != 1 || problems[0].Help != "" || problems[0].Code != diag.UnknownName {
		t.Errorf("got %+v", problems)
	}
	_, problems = Compile(placed("x"), NewScope(Name{Name: "x", Forbidden: "not here"}), Want{})
	if problemsOf(problems) != "1 unknown-name" || problems[0].Help != "not here" {
		t.Errorf("got %+v", problems)
	}
	_, problems = Compile(diag.Plain("\xff"), NewScope(), Want{})
	if problemsOf(problems) != "0 expr-syntax" || problems[0].Message != "the expression is not valid UTF-8" {
		t.Errorf("got %+v", problems)
	}
}
