package cond

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

func TestWanted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expr string
		want *schema.Type
		out  string
	}{
		{`"done"`, statusType, ""},
		{`"dome"`, statusType, "1 enum-value"},
		{`state.flag ? "done" : "dome"`, statusType, "23 enum-value"},
		{`state.kind ?? "c"`, schema.EnumOf(schema.String, "a", "b"), "15 enum-value"},
		{`state.idea`, statusType, "1 expr-type"},
		{`state.words[0]`, statusType, ""},
		{`"3"`, schema.IntegerType, "1 expr-type"},
		{`state.n / 2`, schema.IntegerType, ""},
		{`state.n`, schema.NumberType, ""},
		{`state.any`, todoType, ""},
		{`nil`, schema.StringType, "1 expr-type"},
		{`nil`, artifactType, ""},
		{`[]`, schema.ListOf(todoType), ""},
		{`[{"id": "1", "title": "t", "status": "pending", "n": 1}]`, schema.ListOf(todoType), ""},
		{`[{"id": "1", "titel": "t", "status": "open", "n": "1"}]`, schema.ListOf(todoType),
			"2 expr-type, 14 unknown-property, 38 enum-value, 51 expr-type"},
		{`concat(state.todos, [{"id": "1", "title": "t", "status": "open", "n": 1}])`, schema.ListOf(todoType), ""},
		{`{"path": state.artifact.path, "reviewed": true}`, artifactType, ""},
		{`{"path": 1}`, artifactType, "10 expr-type"},
		{`{"x": 1, "y": "2"}`, schema.MapOf(schema.IntegerType), "15 expr-type"},
		{`{}`, schema.ObjectOf(), ""},
		{`let t = first(state.todos); t`, todoType, "29 expr-type"},
		{`first(state.todos)`, todoType, "1 expr-type"},
		{`map(state.todos, .n)`, schema.ListOf(schema.StringType), "1 expr-type"},
		{`now`, schema.StringType, ""},
	} {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			_, problems := Compile(placed(tt.expr), testScope(t), Want{Type: tt.want})
			if got := problemsOf(problems); got != tt.out {
				t.Errorf("got  %s\nwant %s\n%v", got, tt.out, problems)
			}
		})
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expr string
		want Reads
	}{
		{`state.n > 1 && state.flag`, Reads{Slots: 1, Fields: map[int][]int{0: {4, 5}}}},
		{`len(pending)`, Reads{Slots: 1, Fields: map[int][]int{0: {1}}}},
		{`nodes["a-b"].attempts`, Reads{Slots: 2, Fields: map[int][]int{1: {1}}}},
		{`toJSON(state)`, Reads{Slots: 1, Whole: 1}},
		{`state[state.words[0]]`, Reads{Slots: 1, Whole: 1, Fields: map[int][]int{0: {10}}}},
		{`now`, Reads{Slots: 4}},
		{`1`, Reads{}},
	} {
		p, problems := Compile(placed(tt.expr), testScope(t), Want{})
		if p == nil {
			t.Fatal(problems)
		}
		if diff := cmp.Diff(tt.want, p.Reads()); diff != "" {
			t.Errorf("%s: %s", tt.expr, diff)
		}
	}
}

// TestHelp holds the help of the most frequent tokenHints.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expr, help string }{
		{`state.n = 3`, "comparison is written =="},
		{`state.n === 3`, "comparison is written =="},
		{`state.flag & state.maybe`, "write && or and"},
		{`state.flag AND state.maybe`, "write && or and"},
		{`state.flag | state.maybe`, "write || or or; a single | passes a value to a function"},
		{`state.artifact == null`, "null is written nil"},
		{`NOT state.flag`, "write ! or not"},
		{`state.todos.length > 0`, "write len(x)"},
		{`state.words.len()`, "there are no methods: write len(x)"},
		{`state.todso == nil`, `did you mean "todos"?`},
		{`todos == nil`, `did you mean "state.todos"?`},
		{`pendng == nil`, `did you mean "pending"?`},
		{`fliter(state.todos, .n)`, `did you mean "filter"?`},
		{`now() > now`, "write now, without parentheses: it is one instant for the whole wave"},
		{`state.kind == "c"`, `one of "a", "b"`},
		{`state.deadline > 1`, "give a value for null, as in (x ?? 0), or check x != nil before"},
		{`state.words contains "x"`, "write x in list"},
		{`"x" + state.n`, "string(x) makes text of a value"},
		{`now > "2026-01-01"`, "date(x) reads a time from a text"},
		{`now - now < "5s"`, "duration(x) reads a duration from a text"},
		{`len`, "it is a function: write len(…)"},
		{`pending()`, "write pending without parentheses"},
	} {
		_, problems := Compile(placed(tt.expr), testScope(t), Want{Condition: true})
		if len(problems) == 0 || problems[0].Help != tt.help {
			t.Errorf("%s\ngot  %+v\nwant %s", tt.expr, problems, tt.help)
		}
	}
}

func TestDefine(t *testing.T) {
	t.Parallel()
	scope := testScope(t)
	bad, _ := Compile(placed(`state.todos[9].id`), scope, Want{})
	scope = scope.With(Name{Name: "bad", Type: bad.Type(), Slot: 1, Define: bad})
	p, problems := Compile(placed(`len(pending) == 2 && bad == "x"`), scope, Want{Condition: true})
	if p == nil {
		t.Fatal(problems)
	}
	env := testEnv()
	for range 2 { // the define's failure is kept, with its own place
		_, err := p.Holds(env)
		e := AsError(err)
		if e == nil || e.Message != "index 9 is out of range: the list has 3 elements" || e.Span.Start.Col != 12 {
			t.Errorf("got %+v", e)
		}
	}
	env.Slots[0].(fields)[1] = []any{}
	if ok, _ := p.Holds(env); ok {
		t.Error("a define is kept until Reset")
	}
	env.Reset()
	if ok, err := p.Holds(env); ok || err != nil {
		t.Errorf("after Reset: %v, %v", ok, err)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expr, want string }{
		{`state.flag && (len(state.todos) == 0 || state.maybe)`, `(false: && [state.flag]=true (false: || [len(state.todos) == 0]=false [state.maybe]=null))`},
		{`not any(state.todos, .n > 2) && state.flag`, `(false: && (false: not [any(state.todos, .n > 2)]=true) [state.flag]-)`},
		{`state.todos[9].n == 1 || state.flag`, `(error: || [state.todos[9].n == 1]! [state.flag]-)`},
		{`"(" in state.words or state.words[1] == "y"`, `(true: || ["(" in state.words]=false [state.words[1] == "y"]=true)`},
		{`(state.n + 1) * 2 == 8 and state.flag`, `(true: && [(state.n + 1) * 2 == 8]=true [state.flag]=true)`},
	} {
		p, problems := Compile(placed(tt.expr), testScope(t), Want{Condition: true})
		if p == nil {
			t.Fatal(problems)
		}
		if diff := cmp.Diff(tt.want, drawn(p.Explain(testEnv()))); diff != "" {
			t.Errorf("%s: %s", tt.expr, diff)
		}
	}
}

// drawn prints a part: [text]=value, [text]! for a failure, [text]- for what
// was not evaluated.
func drawn(p Part) string {
	end := "-"
	switch {
	case p.Err != nil:
		end = "!"
	case p.Evaluated:
		end = "=" + map[any]string{true: "true", false: "false", nil: "null"}[p.Value]
	}
	if p.Op == "" {
		return "[" + p.Text + "]" + end
	}
	out := "(" + map[string]string{"!": "error", "-": "idle", "=true": "true", "=false": "false"}[end] + ": " + p.Op
	for _, kid := range p.Parts {
		out += " " + drawn(kid)
	}
	return out + ")"
}

func TestScopeHidesOuterNames(t *testing.T) {
	t.Parallel()
	scope := NewScope(Name{Name: "x", Type: schema.IntegerType, Slot: 0}).With(Name{Name: "x", Forbidden: "not here", Code: diag.SecretLeak})
	if _, problems := Compile(placed("x"), scope, Want{}); problemsOf(problems) != "1 secret-leak" {
		t.Error(problems)
	}
}
