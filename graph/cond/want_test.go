package cond

import (
	"encoding/json"
	"fmt"
	"strings"
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
		{`state.flag && (len(state.todos) == 0 || state.maybe)`, `&&[state.flag && (len(state.todos) == 0 || state.maybe)]=false (value[state.flag]=true <state.flag=true>, ||[len(state.todos) == 0 || state.maybe]=false (==[len(state.todos) == 0]=false (call[len(state.todos)]=3 (value[state.todos]=[{"id":"1",…le":"t3"}] <state.todos=[{"id":"1",…le":"t3"}]>), value[0]=0), value[state.maybe]=null <state.maybe=null>))`},
		{`not any(state.todos, .n > 2) && state.flag`, `&&[not any(state.todos, .n > 2) && state.flag]=false (not[not any(state.todos, .n > 2)]=false (any[any(state.todos, .n > 2)]=true 1/3 #2={"due":2,"i…tle":"t3"} true (value[state.todos]=[{"id":"1",…le":"t3"}] <state.todos=[{"id":"1",…le":"t3"}]>)), value[state.flag]- <state.flag=null>)`},
		{`state.todos[9].n == 1 || state.flag`, `||[state.todos[9].n == 1 || state.flag]! (==[state.todos[9].n == 1]! (value[state.todos[9].n]! <state.todos[9].n=null>, value[1]-), value[state.flag]- <state.flag=null>)`},
		{`"(" in state.words or state.words[1] == "y"`, `||["(" in state.words or state.words[1] == "y"]=true (in["(" in state.words]=false (value["("]="(", value[state.words]=["x","y"] <state.words=["x","y"]>), ==[state.words[1] == "y"]=true (value[state.words[1]]="y" <state.words[1]="y">, value["y"]="y"))`},
		{`(state.n + 1) * 2 == 8 and state.flag`, `&&[(state.n + 1) * 2 == 8 and state.flag]=true (==[(state.n + 1) * 2 == 8]=true (value[(state.n + 1) * 2]=8 <state.n=3>, value[8]=8), value[state.flag]=true <state.flag=true>)`},
		{`state.n > 1 && state.flag && state.n < 3 && state.flag`, `&&[state.n > 1 && state.flag && state.n < 3 && state.flag]=false (>[state.n > 1]=true (value[state.n]=3 <state.n=3>, value[1]=1), value[state.flag]=true <state.flag=true>, <[state.n < 3]=false (value[state.n]=3 <state.n=3>, value[3]=3), value[state.flag]- <state.flag=null>)`},
		{`(state.maybe ?? state.flag) ? state.n > 2 : state.n > 5`, `?:[(state.maybe ?? state.flag) ? state.n > 2 : state.n > 5]=true (??[state.maybe ?? state.flag]=true (value[state.maybe]=null <state.maybe=null>, value[state.flag]=true <state.flag=true>), >[state.n > 2]=true (value[state.n]=3 <state.n=3>, value[2]=2), >[state.n > 5]- (value[state.n]- <state.n=null>, value[5]-))`},
		{`"z" not in state.words`, `not in["z" not in state.words]=true (value["z"]="z", value[state.words]=["x","y"] <state.words=["x","y"]>)`},
		{`all(state.todos, .n < state.n)`, `all[all(state.todos, .n < state.n)]=false <state.n=3> 2/3 #2={"due":2,"i…tle":"t3"} false (value[state.todos]=[{"id":"1",…le":"t3"}] <state.todos=[{"id":"1",…le":"t3"}]>)`},
		{`any(state.todos, (.due ?? 0) > 1 && .n > 2)`, `any[any(state.todos, (.due ?? 0) > 1 && .n > 2)]=true 1/3 #2={"due":2,"i…tle":"t3"} true (value[state.todos]=[{"id":"1",…le":"t3"}] <state.todos=[{"id":"1",…le":"t3"}]>)`},
		{`len(pending) == 2 && len(pending) > len(filter(pending, .n > 2))`, `&&[len(pending) == 2 && len(pending) > len(filter(pending, .n > 2))]=true (==[len(pending) == 2]=true (call[len(pending)]=2 (define[pending]=[{"id":"1",…le":"t3"}] (filter[filter(state.todos, .status == "pending")]=[{"id":"1",…le":"t3"}] 2/3 #0={"id":"1","…tle":"t1"} true (value[state.todos]=[{"id":"1",…le":"t3"}] <state.todos=[{"id":"1",…le":"t3"}]>))), value[2]=2), >[len(pending) > len(filter(pending, .n > 2))]=true (call[len(pending)]=2 (define[pending]=[{"id":"1",…le":"t3"}]), call[len(filter(pending, .n > 2))]=1 (filter[filter(pending, .n > 2)]=[{"due":2,"…le":"t3"}] 1/2 #1={"due":2,"i…tle":"t3"} true (define[pending]=[{"id":"1",…le":"t3"}]))))`},
		{`let head = state.todos[0]; head.n == 1 && state.todos[-1].n == 3`, `let[let head = state.todos[0]; head.n == 1 && state.todos[-1].n == 3]=true (value[state.todos[0]]={"id":"1","…tle":"t1"} <state.todos[0]={"id":"1","…tle":"t1"}>, &&[head.n == 1 && state.todos[-1].n == 3]=true (==[head.n == 1]=true (value[head.n]=1, value[1]=1), ==[state.todos[-1].n == 3]=true (value[state.todos[-1].n]=3 <state.todos[-1].n=3>, value[3]=3)))`},
		{`now.Year() == 2026 && map(state.todos, .n * state.n)[0] == 3`, `&&[now.Year() == 2026 && map(state.todos, .n * state.n)[0] == 3]=true (==[now.Year() == 2026]=true (call[now.Year()]=2026 (value[now]="2026-01-02T15:04:05Z" <now="2026-01-02T15:04:05Z">), value[2026]=2026), ==[map(state.todos, .n * state.n)[0] == 3]=true (value[map(state.todos, .n * state.n)[0]]=3 <state.todos=[{"id":"1",…le":"t3"}]> <state.n=3>, value[3]=3))`},
		{`state.words[state.n - 3] == "x"`, `==[state.words[state.n - 3] == "x"]=true (value[state.words[state.n - 3]]="x" <state.words=["x","y"]> <state.n=3>, value["x"]="x")`},
		{`len(pending) + len(pending) == 4`, `==[len(pending) + len(pending) == 4]=true (value[len(pending) + len(pending)]=4 <state.todos=[{"id":"1",…le":"t3"}]>, value[4]=4)`},
		{`none(state.todos, .n == 2)`, `none[none(state.todos, .n == 2)]=false 1/3 #1={"due":7,"i…tle":"t2"} true (value[state.todos]=[{"id":"1",…le":"t3"}] <state.todos=[{"id":"1",…le":"t3"}]>)`},
	} {
		p, problems := Compile(placed(tt.expr), testScope(t), Want{Condition: true})
		if p == nil {
			t.Fatal(problems)
		}
		if got := drawn(p.Explain(testEnv())); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.expr, got, tt.want)
		}
	}
}

// drawn prints a part: OP[text] of a part that is evaluated, with its value or ! for a
// failure, and - behind one that is not; then what it reads, what matches, and its parts.
func drawn(p Part) string {
	out := p.Op + "[" + p.Text + "]"
	switch {
	case p.Err != nil:
		out += "!"
	case p.Evaluated:
		out += "=" + brief(p.Value)
	default:
		out += "-"
	}
	for _, r := range p.Reads {
		out += " <" + r.Path + "=" + brief(r.Value) + ">"
	}
	if m := p.List; m != nil {
		out += fmt.Sprintf(" %d/%d", m.Matched, m.Of)
		if m.First != nil {
			out += fmt.Sprintf(" #%d=%s %t", m.First.Index, brief(m.First.Value), m.First.Holds)
		}
	}
	if len(p.Parts) > 0 {
		var kids []string
		for _, kid := range p.Parts {
			kids = append(kids, drawn(kid))
		}
		out += " (" + strings.Join(kids, ", ") + ")"
	}
	return out
}

func brief(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return diag.Shorten(string(text), 24)
}

func TestScopeHidesOuterNames(t *testing.T) {
	t.Parallel()
	scope := NewScope(Name{Name: "x", Type: schema.IntegerType, Slot: 0}).With(Name{Name: "x", Forbidden: "not here", Code: diag.SecretLeak})
	if _, problems := Compile(placed("x"), scope, Want{}); problemsOf(problems) != "1 secret-leak" {
		t.Error(problems)
	}
}
