package cond

import (
	"fmt"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// editorScope has what expressions of a graph see.
func editorScope() *Scope {
	todo := &schema.Type{Kind: schema.Object, Name: "Todo", Props: []schema.Prop{
		{Name: "id", Type: schema.StringType, Required: true},
		{Name: "status", Type: schema.EnumOf(schema.String, "pending", "done"), Required: true},
		{Name: "remark", Type: schema.StringType}}}
	state := schema.ObjectOf(schema.Prop{Name: "todos", Type: schema.ListOf(todo), Required: true},
		schema.Prop{Name: "current", Type: todo.OrNull(), Required: true})
	scope := NewScope(Name{Name: "state", Type: state, Record: true}, Name{Name: "now", Type: schema.TimeType, Slot: 1},
		Name{Name: "output", Type: schema.AnyType, Forbidden: "not here"})
	pending, _ := Compile(diag.Plain(`filter(state.todos, .status == "pending")`), scope, Want{})
	return scope.With(Name{Name: "pending", Type: pending.Type(), Define: pending})
}

// TestComplete: | is the place. Each line of want is `TEXT TYPE`; a line `+ TEXT` asks for a
// candidate among others, a line `- TEXT` for its absence.
func TestComplete(t *testing.T) {
	t.Parallel()
	scope := editorScope()
	for text, want := range map[string]string{
		`state.|`:                                 "todos list(Todo)\ncurrent Todo?",
		`state.to|dos`:                            "todos list(Todo)\ncurrent Todo?",
		`len(state.|`:                             "todos list(Todo)\ncurrent Todo?",
		`state["|"] == nil`:                       "todos list(Todo)\ncurrent Todo?",
		`state.current.| != nil and true`:         "id string?\nstatus (pending|done)?\nremark string?",
		`state.todos[0].|`:                        "id string\nstatus pending|done\nremark string?",
		`any(state.todos, .|`:                     "id string\nstatus pending|done\nremark string?",
		`any(state.todos, .|) and now.Hour() > 3`: "id string\nstatus pending|done\nremark string?",
		`map(pending, #.|)`:                       "id string\nstatus pending|done\nremark string?",
		`let x = first(pending); x?.|`:            "id string?\nstatus (pending|done)?\nremark string?",
		`any(state.todos, .status == "|")`:        "pending pending|done\ndone pending|done",
		`any(state.todos, .status == "|`:          "pending pending|done\ndone pending|done",
		`any(state.todos, .status in ["done", '|`: "pending pending|done\ndone pending|done",
		`any(state.todos, .status == |)`:          "+ pending\n+ done\n+ .remark\n+ #\n+ state",
		`any(state.todos, |`:                      "+ #index\n+ .id\n+ len",
		`reduce(state.todos, #|, 0)`:              "+ #acc\n+ #",
		`len(|`:                                   "+ pending\n+ state\n- output\n- #\n- .id",
		`true ? |`:                                "+ pending",
		`let n = 1; |`:                            "+ n\n+ state",
		`let n = |`:                               "+ pending\n- n",
		`not |`:                                   "+ true",
		`now.|`:                                   "+ Hour()\n+ Unix()",
		`"no |`:                                   "",
		`state.nothing.|`:                         "",
		`|`:                                       "+ state\n+ any\n+ not",
	} {
		want = strings.ReplaceAll(want, "pending|done", `"pending"|"done"`)
		at := strings.Index(text, "|")
		_, _, got := Complete(text[:at]+text[at+1:], at, scope, Want{})
		byText := map[string]bool{}
		var lines []string
		for _, c := range got {
			byText[c.Text] = true
			lines = append(lines, fmt.Sprintf("%s %s", c.Text, c.Type))
		}
		if !strings.HasPrefix(want, "+") {
			if all := strings.Join(lines, "\n"); all != want {
				t.Errorf("%s has\n%s\nwant\n%s", text, all, want)
			}
			continue
		}
		for _, line := range strings.Split(want, "\n") {
			if byText[line[2:]] != (line[0] == '+') {
				t.Errorf("%s: %s; there are %v", text, line, lines)
			}
		}
	}
}

// TestCompleteReplaces: a candidate takes the place of the whole word.
func TestCompleteReplaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`state.to|dos == nil`: "todos", `any(state.todos, .status == "pe|n")`: "pen", `#in|dex`: "#index", `a b|`: "b",
	} {
		at := strings.Index(text, "|")
		plain := text[:at] + text[at+1:]
		if from, to, _ := Complete(plain, at, editorScope(), Want{}); plain[from:to] != want {
			t.Errorf("%s: %q", text, plain[from:to])
		}
	}
}

// TestCompleteValueWanted: the type that an expression is for counts too.
func TestCompleteValueWanted(t *testing.T) {
	t.Parallel()
	enum := schema.EnumOf(schema.String, "low", "high")
	_, _, got := Complete(`true ? "`, 8, editorScope(), Want{Type: enum})
	if len(got) != 2 || got[0].Text != "low" || got[0].Quote {
		t.Errorf("%+v", got)
	}
	_, _, got = Complete(``, 0, editorScope(), Want{Type: enum})
	if len(got) < 3 || got[1].Text != "high" || !got[1].Quote {
		t.Errorf("%+v", got)
	}
}

// TestMarks lists the names of expressions, also of those with problems.
func TestMarks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`state.current != nil and state.current.id == "ä" and len(pending) > 0`: "0 name state object; 6 property state.current Todo?; " +
			"25 name state object; 31 property state.current Todo; 39 property id string; 54 function len integer; 58 name pending list(Todo) define",
		`let x = state["todos"]; any(x, .id == #.remark)`: "8 name state object; 14 property state.todos list(Todo); 24 function any boolean; " +
			"28 variable x list(Todo); 32 property id string; 38 variable # Todo; 40 property remark string?",
		`state.nothing + output`: "0 name state object; 6 property state.nothing any",
		`state.`:                 "",
	} {
		var got []string
		for _, m := range Marks(diag.Plain(text), editorScope(), Want{}) {
			name := m.Name
			if m.Of != "" {
				name = m.Of + "." + name
			}
			line := fmt.Sprintf("%d %s %s %s", m.From, []string{"name", "variable", "property", "function"}[m.Kind], name, m.Type)
			if m.Define != nil {
				line += " define"
			}
			got = append(got, line)
			if in := text[m.From:m.To]; strings.Trim(in, `"`) != m.Name {
				t.Errorf("%s: the mark of %s is %q", text, m.Name, in)
			}
		}
		if all := strings.Join(got, "; "); all != want {
			t.Errorf("%s has\n%s\nwant\n%s", text, all, want)
		}
	}
}
