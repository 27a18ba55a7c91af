package dsl_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/nodes/std"
)

const studied = `graphrun: 1
name: studied
params: {goal: string}
secrets: [TOKEN]
types:
  Todo:
    type: object
    required: [id, status]
    properties: {id: string, status: {enum: [open, done]}}
state:
  todos: {type: list(Todo), reduce: "upsert(id)"}
  text: string
define:
  left: filter(state.todos, .status == "open")
events:
  hello: {to: text}
pools:
  few: {parallel: 2}
nodes:
  first:
    description: Begins.
    uses: exec
    with: {command: [echo, "${{ params.goal }}"], parse: text}
    pool: few
    writes: {text: output}
  second-one:
    uses: exec
    with: {command: [sh, -c, "true"], parse: json, output: {type: object, required: [text, todos], properties: {text: string, todos: list(Todo)}}, env: {KEY: "${{ secrets.TOKEN }}"}}
    writes: [text, todos]
edges:
  - {to: first, when: len(left) > 0}
  - from: first
    to: second-one
    when: 'nodes["second-one"].attempts == 0 and state["text"] != ""'
stop: len(left) == 0 and state.text != ""
`

// place is where | stands, and the text without it.
func place(t *testing.T, text string) (string, diag.Pos) {
	t.Helper()
	before, after, ok := strings.Cut(text, "‖")
	if !ok {
		t.Fatal("no place is marked")
	}
	last := before[strings.LastIndex(before, "\n")+1:]
	return before + after, diag.Pos{Line: strings.Count(before, "\n") + 1, Col: len([]rune(last)) + 1}
}

// with is the studied graph with one thing changed.
func with(t *testing.T, old, by string) string {
	t.Helper()
	if strings.Count(studied, old) != 1 {
		t.Fatalf("%q is not once in the graph", old)
	}
	return strings.Replace(studied, old, by, 1)
}

func span(s diag.Span) string {
	return fmt.Sprintf("%d:%d-%d", s.Start.Line, s.Start.Col, s.End.Col)
}

func TestStudiedIsValid(t *testing.T) {
	t.Parallel()
	if s := dsl.Examine("studied.graphrun.yaml", []byte(studied), std.Registry(), dsl.Known{}); s.Problems.HasErrors() {
		t.Error(s.Problems)
	}
}

// TestAt: ‖ marks the place.
func TestAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, by, want string }{
		{"len(left) > 0", "len(le‖ft) > 0", `define left 31:27-31 list(Todo) declared 14:3-7 code filter(state.todos, .status == "open")`},
		{"len(left) > 0", "l‖en(left) > 0", "function len 31:23-26 code len(string, list or object) integer"},
		{"filter(state.todos,", "filter(state.tod‖os,", "state key todos 14:22-27 list(Todo) declared 11:3-8 doc reduce: upsert(id)"},
		{"filter(state.todos,", "filter(st‖ate.todos,", "name state 14:16-21 object"},
		{", .status ==", ", .sta‖tus ==", `property status 14:30-36 "open"|"done"`},
		{"${{ params.goal }}", "${{ params.go‖al }}", "param goal 23:40-44 string declared 3:10-14"},
		{`nodes["second-one"].att`, `nodes["second-‖one"].att`, "node second-one 34:18-30 object declared 26:3-13 code uses: exec"},
		{"from: first", "from: fi‖rst", "node first 32:11-16 string declared 20:3-8 doc Begins. code uses: exec"},
		{"pool: few", "pool: ‖few", "pool few 24:11-14 declared 18:3-6"},
		{"writes: [text, todos]", "writes: [text, to‖dos]", "state key todos 29:20-25 list(Todo) declared 11:3-8 doc reduce: upsert(id)"},
		{`{type: list(Todo)`, `{type: list(To‖do)`, "type Todo 11:22-26 Todo declared 6:3-7"},
		{"  hello: {to: text}", "  hello: {to: t‖ext}", "state key text 16:15-19 string declared 12:3-7"},
		{"parallel: 2", "para‖llel: 2", "field of an entry of `pools` parallel 18:9-17 doc How many tasks run at once; 0 holds all of them. Default: 4."},
		{"secrets.TOKEN", "secrets.TO‖KEN", "secret TOKEN 28:172-177 string declared 4:11-16"},
		{"name: studied", "name: stu‖died", ""},
	} {
		text, p := place(t, with(t, c.old, c.by))
		var got string
		if info, ok := dsl.Examine("s.graphrun.yaml", []byte(text), std.Registry(), dsl.Known{}).At(p); ok {
			got = strings.Join([]string{info.What, info.Name, span(info.At)}, " ")
			if info.Type != nil {
				got += " " + info.Type.String()
			}
			if !info.Declared.IsZero() {
				got += " declared " + span(info.Declared)
			}
			if info.Doc != "" {
				got += " doc " + info.Doc
			}
			if info.Code != "" {
				got += " code " + info.Code
			}
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.by, got, c.want)
		}
	}
}

// TestAtKinds: what a program says of its kinds and of their fields.
func TestAtKinds(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]string{"uses: ex‖ec": "kind exec", "uses: exec\n    with: {com‖mand: [echo, \"${{ params.goal }}\"], parse: text}": "field of the kind exec command"} {
		old, _, _ := strings.Cut(strings.ReplaceAll(by, "‖", ""), "\x00")
		full := strings.Replace(studied, old, by, 1)
		text, p := place(t, full)
		info, ok := dsl.Examine("s.graphrun.yaml", []byte(text), std.Registry(), dsl.Known{}).At(p)
		if !ok || info.What+" "+info.Name != want || info.Doc == "" {
			t.Errorf("%s: %+v", by, info)
		}
	}
}

// TestCompletePlaces: ‖ marks the place. Wanted are some labels; one with a minus must not be
// there; `=X` says what the first label is written as; `@N` how many characters are replaced.
func TestCompletePlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, by, want string }{
		{"stop: ", "pau‖\nstop: ", "pause =pause:  once schedule -nodes @3"},
		{"stop: ", "‖\nstop: ", "pause once @0"},
		{"    pool: few\n", "    ‖\n", "pool =pool:  retry for_each -uses -with"},
		{"    pool: few\n", "    poo‖: few\n", "pool =pool @3"},
		{"pool: few", "pool: ‖", "few default-not -first @0"},
		{"pool: few", "pool: f‖", "few @1"},
		{"uses: exec\n    with: {command: [echo", "uses: ‖\n    with: {command: [echo", "exec set http"},
		{"parse: text}", "parse: ‖}", ""},
		{", parse: text}", ", ‖}", "dir =dir:  env parse -command"},
		{", parse: text}", ", ‖", "dir env parse -command"},
		{"  - {to: first, when", "  - {to: ‖, when", "first second-one -start"},
		{"from: first", "from: ‖", "start first second-one"},
		{"from: first", "fr‖", "from =from:  after -to -when"},
		{"  - {to: first, when: len(left) > 0}", "  - {‖", "to from after when else outcome"},
		{"  - {to: first, when: len(left) > 0}", "  - ‖", "to =to: "},
		{"when: len(left) > 0", "when: len(‖) > 0", "left state params -output @0"},
		{"when: len(left) > 0", "when: len(le‖ft) > 0", "left @4"},
		{"len(left) > 0}", "state.‖}", "todos text @0"},
		{"len(left) > 0}", "state.‖", "todos text"},
		{"len(left) > 0}", "'state.te‖", "todos text @2"},
		{"len(left) > 0}", "'any(state.todos, .status == ‖)'}", `open ="open" done`},
		{"len(left) > 0}", `"any(state.todos, .status == ‖)"}`, `open ='open' done`},
		{"len(left) > 0}", `'any(state.todos, .status == "‖")'}`, `open =open done @0`},
		{"${{ params.goal }}", "${{ params.‖ }}", "goal"},
		{"${{ params.goal }}", "${{ params.‖", "goal"},
		{"${{ secrets.TOKEN }}", "${{ secrets.‖ }}", "TOKEN"},
		{"writes: {text: output}", "writes: {text: ‖}", "output state"},
		{"writes: {text: output}", "writes: {‖}", "text =text:  todos"},
		{"writes: [text, todos]", "writes: [text, ‖]", "todos text"},
		{"{to: text}", "{to: ‖}", "text todos"},
		{"type: list(Todo)", "type: ‖", "Todo string list(T)"},
		{"type: list(Todo)", "type: list(‖", "Todo string"},
		{"text: string\n", "text: ‖\n", "Todo string"},
		{`reduce: "upsert(id)"`, `reduce: ‖`, "append merge"},
		{"parallel: 2", "‖", "parallel rate shared"},
		{"pools:\n  few: {parallel: 2}", "pools:\n  few: ‖", "parallel ={parallel: $0} rate"},
		{"secrets: [TOKEN]", "once: ‖", "true false"},
		{"secrets: [TOKEN]", "waves: ‖", "barrier eager"},
		{"pool: few", "join: ‖", "any all at_least(2)"},
		{"name: studied", "name: ‖", "-first"},
		{"stop: ", "# ‖\nstop: ", "-first -state"},
	} {
		text, p := place(t, with(t, c.old, c.by))
		got := dsl.Complete("s.graphrun.yaml", []byte(text), p, std.Registry(), dsl.Known{})
		labels := make([]string, len(got.Items))
		for i, it := range got.Items {
			labels[i] = it.Label
		}
		var first string
		words := strings.Split(c.want, " ")
		for i := 0; i < len(words); i++ {
			w := words[i]
			switch {
			case w == "":
			case w[0] == '-':
				if slices.Contains(labels, w[1:]) {
					t.Errorf("%s: %q is there", c.by, w[1:])
				}
			case w[0] == '@':
				if n := got.At.End.Col - got.At.Start.Col; fmt.Sprint(n) != w[1:] {
					t.Errorf("%s: %d characters are replaced, want %s", c.by, n, w[1:])
				}
			case w[0] == '=':
				want := w[1:]
				if i+1 < len(words) && words[i+1] == "" {
					want += " "
				}
				if strings.HasPrefix(want, "{") {
					want += " " + words[i+1]
					i++
				}
				if at := slices.Index(labels, first); at < 0 || got.Items[at].Insert != want {
					t.Errorf("%s: %q is not written as %q: %+v", c.by, first, want, got.Items)
				}
			case strings.HasSuffix(w, "-not"):
			default:
				if first == "" {
					first = w
				}
				if !slices.Contains(labels, w) {
					t.Errorf("%s: no %q in %v", c.by, w, labels)
				}
			}
		}
	}
}

// TestRename: the text after a rename, as a difference, and what is refused.
func TestRename(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by, to string
		want   []string // lines that are new
	}{
		{"  tex‖t: string", "note", []string{"  note: string", "  hello: {to: note}", "    writes: {note: output}",
			"    writes: {note: output.text, todos: output.todos}", `    when: 'nodes["second-one"].attempts == 0 and state["note"] != ""'`,
			`stop: len(left) == 0 and state.note != ""`}},
		{"  second-‖one:", "last", []string{"  last:", "    to: last", `    when: 'nodes["last"].attempts == 0 and state["text"] != ""'`}},
		{"  le‖ft: filter", "rest", []string{`  rest: filter(state.todos, .status == "open")`, "  - {to: first, when: len(rest) > 0}",
			`stop: len(rest) == 0 and state.text != ""`}},
		{"    pool: f‖ew", "lots", []string{"  lots: {parallel: 2}", "    pool: lots"}},
		{"  To‖do:", "Task", []string{"  Task:", `  todos: {type: list(Task), reduce: "upsert(id)"}`,
			`    with: {command: [sh, -c, "true"], parse: json, output: {type: object, required: [text, todos], properties: {text: string, todos: list(Task)}}, env: {KEY: "${{ secrets.TOKEN }}"}}`}},
		{"  tex‖t: string", "todos", []string{`! there is a state key "todos" already`}},
		{"  le‖ft: filter", "state", []string{`! "state" cannot be the name: line 14: "state" cannot be a name in "define"`}},
		{"  tex‖t: string", "a b", []string{`! "a b" cannot be the name: line 12: "a b" cannot be the name of a state key`}},
		{"na‖me: studied", "x", []string{"! nothing that the graph names stands here"}},
	} {
		old := strings.ReplaceAll(c.by, "‖", "")
		text, p := place(t, with(t, old, c.by))
		s := dsl.Examine("s.graphrun.yaml", []byte(text), std.Registry(), dsl.Known{})
		edits, err := s.Rename(p, c.to)
		var got []string
		if err != nil {
			got = []string{"! " + err.Error()}
		} else {
			before := strings.Split(text, "\n")
			for i, line := range strings.Split(string(dsl.Apply([]byte(text), edits)), "\n") {
				if line != before[i] {
					got = append(got, line)
				}
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", c.by, c.to, diff)
		}
	}
}

// TestOutline lists the parts of a graph.
func TestOutline(t *testing.T) {
	t.Parallel()
	var got []string
	for _, section := range dsl.Examine("s.graphrun.yaml", []byte(studied), std.Registry(), dsl.Known{}).Outline() {
		line := section.Name + ":"
		for _, part := range section.Parts {
			line += fmt.Sprintf(" %s (%s)", part.Name, part.Detail)
			if part.NameAt.Start.Less(part.At.Start) || part.At.End.Less(part.NameAt.End) {
				t.Errorf("the name of %s is outside of it", part.Name)
			}
		}
		got = append(got, line)
	}
	want := []string{"params: goal (string)", "secrets:", "types: Todo (object)", "state: todos (list(Todo)) text (string)",
		`define: left (filter(state.todos, .status == "open"))`, "events: hello (text)", "pools: few ()",
		"nodes: first (exec) second-one (exec)",
		`edges: start → first (len(left) > 0) first → second-one (nodes["second-one"].attempts == 0 and state["text"] != "")`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStudyOfBrokenText: a text that is no YAML has the problems of its YAML alone. What is
// left without the broken part has answers, but no name of it is changed.
func TestStudyOfBrokenText(t *testing.T) {
	t.Parallel()
	s := dsl.Examine("s.graphrun.yaml", []byte("name: [\n"), std.Registry(), dsl.Known{})
	if s.Readable() || !s.Problems.HasErrors() || s.Outline() != nil || s.Uses(diag.Pos{Line: 1, Col: 1}) != nil {
		t.Errorf("%+v", s.Problems)
	}
	if _, ok := s.At(diag.Pos{Line: 1, Col: 1}); ok {
		t.Error("something stands in it")
	}
	text := with(t, "    pool: few\n", "    pool: [few\n    timeout: {{\n")
	text, p := place(t, strings.Replace(text, "when: len(left)", "when: len(le‖ft)", 1))
	s = dsl.Examine("s.graphrun.yaml", []byte(text), std.Registry(), dsl.Known{})
	_, want := dsl.Compile("s.graphrun.yaml", []byte(text), std.Registry())
	if diff := cmp.Diff(want, s.Problems); diff != "" || s.Readable() {
		t.Errorf("problems (-Compile +Examine):\n%s", diff)
	}
	if info, ok := s.At(p); !ok || info.Name != "left" || info.Type.String() != "list(Todo)" {
		t.Errorf("%+v", info)
	}
	if n := len(s.Uses(p)); n != 3 {
		t.Errorf("%d uses", n)
	}
	if _, err := s.Rename(p, "rest"); err == nil {
		t.Error("a name is changed, though a part of the file cannot be read")
	}
}

// TestCompleteInBrokenText: what can be read of a text is enough to complete a line of it.
func TestCompleteInBrokenText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"a node is broken":           {with(t, "    pool: few\n", "    pool: [few\n") + "finally: [‖", "first second-one"},
		"a line of this node":        {with(t, "    pool: few\n", "    timeout: a: b\n    pool: ‖\n"), "few"},
		"this line and another":      {with(t, "    pool: few\n", "    a b\n    writes: {‖\n"), "todos text"},
		"a quote is open":            {with(t, "when: len(left) > 0}", "when: 'len(le‖}"), "left"},
		"a quote is open over lines": {with(t, `[echo, "${{ params.goal }}"], parse: text}`, "[echo, \"${{ params.‖"), "goal"},
		"brackets over lines":        {with(t, `[echo, "${{ params.goal }}"], parse: text}`, "[echo,\n        x, \"${{ params.‖"), "goal"},
		"the section above":          {with(t, "  few: {parallel: 2}\n", "  few: {parallel: 2\n") + "finally: [‖]", "first second-one"},
	} {
		text, p := place(t, tt.text)
		var labels []string
		for _, it := range dsl.Complete("s.graphrun.yaml", []byte(text), p, std.Registry(), dsl.Known{}).Items {
			labels = append(labels, it.Label)
		}
		for _, want := range strings.Fields(tt.want) {
			if !slices.Contains(labels, want) {
				t.Errorf("%s: no %q in %q", name, want, labels)
			}
		}
	}
}

// TestExamineAgain: a study that uses the work of an earlier one says what a new one does.
func TestExamineAgain(t *testing.T) {
	t.Parallel()
	former := dsl.Examine("s.graphrun.yaml", []byte(studied), std.Registry(), dsl.Known{})
	for _, change := range [][2]string{
		{"name: studied", "name: studied\n\n# more\n"}, {"len(left) > 0}", "len(lef) > 0}"}, {"text: string\n", "text: integer\n"},
		{"  second-one:\n", "  second:\n"}, {"uses: exec\n    with: {command: [sh", "uses: exe\n    with: {command: [sh"}, {"few: {parallel: 2}", "few: {parallel: x"},
	} {
		text := with(t, change[0], change[1])
		former = dsl.Examine("s.graphrun.yaml", []byte(text), std.Registry(), dsl.Known{Former: former})
		_, want := dsl.Compile("s.graphrun.yaml", []byte(text), std.Registry())
		if diff := cmp.Diff(want, former.Problems); diff != "" {
			t.Errorf("%q (-Compile +Examine):\n%s", change[1], diff)
		}
	}
}
