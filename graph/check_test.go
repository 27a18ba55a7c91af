package graph

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const two = `"nodes": [{"id": "a", "uses": "set"}, {"id": "b", "uses": "set"}]`

// Each entry is a definition and all its problems, as CODE: a part of the
// message.
var problemTests = []struct {
	name, def string
	want      []string
}{
	{"fine", start + "," + two, nil},
	{"names", `"graphrun": 1, "name": "G", "limits": {"cycles": 1}, "state": [{"name": "a-b", "type": "any"}],
		"define": [{"name": "state", "expr": "1"}],
		"nodes": [{"id": "start", "uses": "set"}, {"id": "a-b", "uses": "set", "for_each": {"in": "[1]", "as": "error"}}, {"id": "1", "uses": "set"}]`,
		[]string{`bad-name: "1" cannot be`, `bad-name: "G" cannot be`, `bad-name: "a-b" cannot be the name of a state key`,
			`bad-name: "error" cannot be a name in "as"`, `bad-name: "start" cannot be`, `bad-name: "state" cannot be a name in "define"`}},
	{"schedule", start + "," + two + `, "schedule": {"cron": "0 25 * * *", "timezone": "Europe/Berlino"}, "pause": {"none": true}`,
		[]string{`unused: "pause" is not used: the graph has a "schedule"`, `wrong-type: "25" is not a valid hour: expected 0 to 23`, `wrong-type: unknown time zone "Europe/Berlino"`}},
	{"scheduled", start + "," + two + `, "schedule": {"cron": "*/5 9-17 * * mon-fri", "timezone": "Europe/Berlin"}`, nil},
	{"zone alone", start + "," + two + `, "schedule": {"timezone": "Europe/Berlin"}`, []string{`unused: a time zone is used by a "schedule" only`}},
	{"wait for an event", start + `, "events": [{"name": "go", "to": "n"}], "nodes": [{"id": "a", "uses": "ask", "with": {"event": "go"}}, {"id": "b", "uses": "ask", "with": {"event": "gone"}}]`,
		[]string{`unknown-name: unknown event "gone"`}},
	{"twice", start + `, "nodes": [{"id": "a", "uses": "set"}, {"id": "a", "uses": "set"}]`, []string{`duplicate-key: node "a" is declared twice`}},
	{"version", `"graphrun": 2, "name": "g", "limits": {"cycles": 1},` + two, []string{"bad-version: version 2"}},
	{"unknown", start + `, "nodes": [{"id": "a", "uses": "sett"}, {"id": "b", "uses": "work", "with": {"command": []}, "pool": "p", "writes": [{"key": "m", "expr": "1"}]}],
		"events": [{"name": "e", "to": "m"}], "edges": [{"from": "c", "to": "a"}]`,
		[]string{`unknown-kind: unknown kind "sett"`, `unknown-node: unknown node "c"`, `unknown-pool: unknown pool "p"`,
			`unknown-state: unknown state key "m"`}},
	{"expressions", start + "," + two + `, "edges": [{"to": "a", "when": "state.m > 0"}, {"to": "b", "when": "state.n"}]`,
		[]string{`not-boolean:`, `unknown-property:`}},
	{"outputs", start + "," + two + `, "edges": [{"to": "a", "when": "output.x == 1"}, {"to": "b", "when": "error == nil"}]`,
		[]string{`unknown-name: "error"`, `unknown-name: "output"`}},
	{"secret", `"secrets": ["KEY"],` + start + `, "nodes": [{"id": "a", "uses": "set", "with": {"k": "${{ secrets.KEY }}"}, "writes": [{"key": "n", "expr": "secrets.KEY"}]}]`,
		[]string{`secret-leak: "secrets"`}},
	{"recursion", `"define": [{"name": "x", "expr": "y"}, {"name": "y", "expr": "z || state.n > 0"}, {"name": "z", "expr": "x"}, {"name": "fine", "expr": "n2 + 1"}, {"name": "n2", "expr": "state.n"}],` +
		start + "," + two + `, "edges": [{"to": "a", "when": "x"}, {"to": "b", "when": "fine > 2"}]`,
		[]string{`recursion: a define cannot use itself: x -> y -> z -> x`}},
	{"loop", start + `, "nodes": [{"id": "c", "uses": "set"}, {"id": "a", "uses": "set"}, {"id": "b", "uses": "set"}],
		"edges": [{"to": "a"}, {"from": "a", "to": "b"}, {"from": "b", "to": "c"}, {"from": "c", "to": "a"}]`,
		[]string{`cycle: the edges form a loop: a -> b -> c -> a`}},
	{"loop by after", start + "," + two + `, "edges": [{"from": "a", "to": "b"}, {"after": "b", "to": "a"}]`, []string{`cycle: the edges form a loop: a -> b -> a`}},
	{"loop by else", start + `, "nodes": [{"id": "a", "uses": "set"}, {"id": "t", "uses": "set"}, {"id": "e", "uses": "set"}],
		"edges": [{"to": "a"}, {"from": "a", "to": "t", "when": "state.n > 0"}, {"from": "e", "to": "t"}, {"from": "a", "to": "e", "else": true}]`,
		[]string{`cycle: the edges form a loop: e -> e`}},
	{"no loop", start + "," + two + `, "edges": [{"to": "a"}, {"from": "a", "to": "b"}, {"from": "b", "to": "a", "next_cycle": true}, {"from": "b", "to": "b", "next_cycle": true}]`, nil},
	{"self", start + "," + two + `, "edges": [{"from": "a", "to": "a"}]`, []string{`self-edge: "a" has an edge to itself`}},
	{"duplicate", start + "," + two + `, "edges": [{"from": "a", "to": ["b", "b"]}, {"to": "a", "when": "state.n > 1"}, {"from": "start", "to": "a"}]`,
		[]string{`duplicate-edge: there is an edge from "a" to "b"`, `duplicate-edge: there is an edge from the start to "a"`}},
	{"no duplicate", start + "," + two + `, "edges": [{"from": "a", "to": "b"}, {"from": "a", "to": "b", "outcome": "failure"}, {"after": "a", "to": "b"}, {"from": "a", "to": "b", "next_cycle": true}]`, nil},
	{"edge forms", start + "," + two + `, "edges": [{"from": "a", "after": "a", "to": "b"}, {"from": "a"}, {"to": "b", "next_cycle": true},
		{"from": "a", "to": "b", "outcome": "sucess", "next_cycle": true}, {"to": "a", "outcome": "failure"}, {"after": "start", "to": "b"}]`,
		[]string{`missing-field: an edge needs "to"`, `wrong-type: "outcome" cannot be on an edge from the start`, `wrong-type: "start" cannot be in "after"`,
			`wrong-type: "sucess" cannot be`, `wrong-type: an edge has "from" or "after"`, `wrong-type: an edge with "next_cycle" needs "from"`}},
	{"else", start + "," + two + `, "edges": [{"to": "a", "else": true}, {"from": "a", "to": "b", "else": true, "when": "state.n > 1"}, {"after": "a", "to": "b", "else": true}]`,
		[]string{`wrong-type: "else" cannot be on an edge with "after"`, `wrong-type: "else" has no condition`, `wrong-type: an edge has "else" or "when"`}},
	{"unreachable", start + "," + two + `, "edges": [{"from": "a", "to": "a", "next_cycle": true}, {"from": "a", "to": "b"}]`,
		[]string{`unreachable: nothing can start "a"`, `unreachable: nothing can start "b"`}},
	{"reachable by none", start + `, "nodes": [{"id": "a", "uses": "set", "join": {"text": "none"}}, {"id": "b", "uses": "set", "join": {"text": "all"}}],
		"edges": [{"from": "a", "to": "a", "next_cycle": true}, {"after": "a", "to": "b", "when": "state.n > 1"}]`, nil},
	{"joins", start + `, "nodes": [{"id": "a", "uses": "set"}, {"id": "b", "uses": "set", "join": {"text": "all"}}, {"id": "c", "uses": "set", "join": {"text": "at_least(2)"}},
		{"id": "d", "uses": "set", "join": {"text": "at_least(0)"}}, {"id": "e", "uses": "set", "join": {"text": "at_least(2)"}}],
		"edges": [{"to": "a"}, {"from": "a", "to": ["b", "e"]}, {"from": "a", "to": ["b", "e"], "outcome": "failure"}, {"from": "a", "to": ["c", "d"]}, {"after": "b", "to": "c"}]`,
		[]string{`join-unsatisfiable: "c" asks for 2 live edges and has only 1`, `join-unsatisfiable: at_least(0)`,
			`join-unsatisfiable: the edges from "a" to "b"`, `join-unsatisfiable: the edges from "a" to "e"`}},
	{"join words", start + `, "nodes": [{"id": "a", "uses": "set", "join": {"text": "al"}}, {"id": "b", "uses": "set", "join": {"text": "at_least(x)"}}]`,
		[]string{`wrong-type: "al" cannot be the value of "join"`, `wrong-type: "at_least(x)" is no number`}},
	{"reducer", `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "state": [{"name": "n", "type": "integer", "reduce": {"name": "append"}}], "stop": [{"when": "state.n > 1"}],` + two,
		[]string{`bad-reducer:`}},
	{"defaults", `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "types": [{"name": "T", "schema": {"type": "object", "required": ["id"], "properties": {"id": "string"}}}],
		"params": [{"name": "p", "type": "integer", "default": "x"}],
		"state": [{"name": "a", "type": "T"}, {"name": "b", "type": "T?"}, {"name": "c", "type": "list(T)", "default": [{"id": 1}]}],` + two,
		[]string{`bad-default: state key "a" needs a default`, `bad-default: the default of param "p" does not fit: p must be`,
			`bad-default: the default of state key "c" does not fit: c[0].id must be`}},
	{"type", `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "state": [{"name": "a", "type": "Todo"}],` + two, []string{`unknown-type:`}},
	{"config", start + `, "nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work", "with": {"command": ["x", 1], "comand": 1, "mode": "quick", "wait": 5}},
		{"id": "c", "uses": "work", "with": {"command": ["${{ state.n }}", "is ${{ state.n }}"], "mode": "${{ \"fast\" }}", "wait": "5 s"}},
		{"id": "d", "uses": "work", "with": {"command": "${{ state.list }}", "input": 1}}]`,
		[]string{`bad-config: "mode" takes no ${{ }}`, `bad-config: input needs a mode`, `bad-config: work needs "command"`, `bad-duration: "5 s"`, `bad-duration: 5 is no`,
			`unknown-field: work has no entry "comand"`, `wrong-type: "command"[0] must be string`, `wrong-type: "command"[1] must be a string`, `wrong-type: "mode" must be`}},
	{"templates", start + `, "nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ state.n", "y": {"z": ["${{ state.m }}"]}, "${{": 1}}]`,
		[]string{`expr-syntax: "${{" without its "}}"`, `unknown-property:`}},
	{"node words", start + `, "nodes": [{"id": "a", "uses": "set", "priority": "high", "retry": {"errors": ["timeot"]}},
		{"id": "b", "uses": "set", "priority": "${{ state.list }}", "for_each": {"in": "state.n", "key": "state.list", "max": "\"1\"", "on_failure": "colect"}}],
		"mode": "robin", "fleet": "lock", "pause": {"template": "${{ state.n }}"}`,
		[]string{`expr-type: must be a list, this is integer`, `expr-type: must be a string or an integer`, `expr-type: must be an integer`,
			`wrong-type: "colect" cannot be the value of "on_failure"`, `wrong-type: "lock" cannot be the value of "fleet"`, `wrong-type: "pause" must give a duration`,
			`wrong-type: "priority" must be an integer`, `wrong-type: "robin" cannot be the value of "mode"`, `wrong-type: "timeot" cannot be the value of "errors"`}},
	{"writes twice", start + `, "nodes": [{"id": "a", "uses": "set", "with": {"n": 1}, "writes": [{"key": "n", "short": true, "expr": ""}, {"key": "n", "short": true, "expr": ""}]}]`,
		[]string{`duplicate-key: "a" writes "n" twice`}},
	{"short write of a lacking property", start + `, "nodes": [{"id": "a", "uses": "set", "writes": [{"key": "n", "short": true, "expr": ""}]}]`, []string{`expr-type:`}},
	{"warnings", `"graphrun": 1, "name": "g", "params": [{"name": "p", "type": "string"}], "secrets": ["KEY"], "types": [{"name": "T", "schema": "string"}],
		"state": [{"name": "n", "type": "integer"}, {"name": "log", "type": "list(any)", "reduce": {"name": "append"}}], "define": [{"name": "d", "expr": "1"}],
		"pools": [{"name": "q", "parallel": 1}],` + two,
		[]string{`never-read: no expression reads state.log`, `never-read: no expression reads state.n`, `no-stop: nothing ends`, `unbounded: "log" only grows`,
			`unused: define "d"`, `unused: param "p"`, `unused: pool "q"`, `unused: secret "KEY"`, `unused: type "T"`}},
	{"a stop is enough", `"graphrun": 1, "name": "g", "stop": [{"when": "cycle.number > 3"}],` + two, nil},
	{"explicit failures are a limit", `"graphrun": 1, "name": "g", "limits": {"failures": 3},` + two, nil},
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range problemTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := compileText(t, tt.def)
			if len(problems) != len(tt.want) {
				t.Fatalf("got:\n%v\nwant:\n%s", problems, strings.Join(tt.want, "\n"))
			}
			for i, p := range problems {
				got := string(p.Code) + ": " + p.Message
				if !strings.HasPrefix(got, tt.want[i]) {
					t.Errorf("got %s, want %s", got, tt.want[i])
				}
			}
		})
	}
}

// Writers of one key: which pairs may meet in a wave.
func TestWriteConflicts(t *testing.T) {
	t.Parallel()
	writer := func(id, more string) string {
		return `{"id": "` + id + `", "uses": "set", "with": {"n": 1}, "writes": [{"key": "n", "short": true, "expr": ""}]` + more + `}`
	}
	a, b, c := writer("a", ""), writer("b", ""), writer("c", "")
	abc := a + "," + b + "," + c
	for _, tt := range []struct {
		name, nodes, edges string
		want               []string
	}{
		{"every pair", abc, `{"to": ["a", "b", "c"]}`, []string{`"a" and "b"`, `"a" and "c"`, `"b" and "c"`}},
		{"every pair that is not ordered", abc + "," + writer("d", ""), `{"to": "a"}, {"from": "a", "to": "c"}, {"from": "d", "to": "b"}`, []string{`"a" and "b"`, `"a" and "d"`, `"b" and "c"`, `"c" and "d"`}},
		{"apart", a + "," + b, `{"to": ["a", "b"]}`, []string{`"a" and "b"`}},
		{"exclusive conditions do not help", a + "," + b, `{"to": "a", "when": "state.n > 1"}, {"to": "b", "when": "state.n <= 1"}`, []string{`"a" and "b"`}},
		{"chain", abc, `{"to": "a"}, {"from": "a", "to": "b"}, {"after": "b", "to": "c"}`, nil},
		{"through another", a + "," + b + `, {"id": "x", "uses": "set"}`, `{"from": "b", "to": "x"}, {"from": "x", "to": "a"}`, nil},
		{"next_cycle orders nothing", a + "," + b, `{"to": ["a", "b"]}, {"from": "a", "to": "b", "next_cycle": true}`, []string{`"a" and "b"`}},
		{"diamond", abc, `{"to": "a"}, {"from": "a", "to": ["b", "c"]}`, []string{`"b" and "c"`}},
		{"first is not after its ancestors", a + "," + writer("b", `, "join": {"text": "first"}`), `{"to": ["a", "b"]}, {"from": "a", "to": "b"}`, []string{`"a" and "b"`}},
		{"a path does not go through first", a + "," + b + `, {"id": "x", "uses": "set", "join": {"text": "first"}}`, `{"to": ["a", "x"]}, {"from": "a", "to": "x"}, {"from": "x", "to": "b"}`, []string{`"a" and "b"`}},
		{"else orders", abc + `, {"id": "x", "uses": "set"}`, `{"to": "a"}, {"to": "x", "when": "state.n > 1"}, {"from": "a", "to": "x"}, {"to": "b", "else": true}, {"from": "b", "to": "c"}`, nil},
		{"background", writer("a", `, "background": true`) + "," + writer("b", `, "background": true`), `{"to": "a"}, {"from": "a", "to": "b"}`, []string{`"a" and "b"`}},
		{"one in the background", a + "," + writer("b", `, "background": true`), `{"to": "a"}, {"from": "a", "to": "b"}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := compileText(t, start+`, "nodes": [`+tt.nodes+`], "edges": [`+tt.edges+`]`)
			var got []string
			for _, p := range problems {
				pair, _, _ := strings.Cut(p.Message, " can run")
				got = append(got, pair)
				if p.Code != "write-conflict" || !strings.Contains(p.Help, "`reduce: last`") {
					t.Errorf("%v (help: %s)", p, p.Help)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
