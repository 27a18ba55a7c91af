package std

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
)

var update = flag.Bool("update", false, "write docs/kinds.md again")

func TestRegistryHasAllKinds(t *testing.T) {
	t.Parallel()
	r := Registry()
	type manner struct{ Missing, Inline, NoDefaults, Waits, Sends, Runs, Open bool }
	want := map[string]manner{
		"set":      {Inline: true, NoDefaults: true, Open: true},
		"exec":     {},
		"http":     {},
		"fail":     {},
		"agent":    {Missing: true},
		"approval": {NoDefaults: true, Waits: true},
		"wait":     {NoDefaults: true, Waits: true},
		"graph":    {NoDefaults: true, Runs: true},
		"send":     {Sends: true},
		"mcp":      {Missing: true},
		"memory":   {Missing: true},
	}
	got := map[string]manner{}
	for _, name := range r.Names() {
		k, _ := r.Kind(name)
		got[name] = manner{k.Missing, k.Inline, k.NoDefaults, k.Waits, k.Sends, k.Runs, k.Open}
		if k.Doc == "" || k.Output == nil {
			t.Errorf("kind %q lacks a text or an output", name)
		}
		for _, f := range k.Fields {
			if f.Doc == "" {
				t.Errorf("field %q of kind %q lacks a text", f.Name, name)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKindsPage(t *testing.T) {
	t.Parallel()
	const page = "../../docs/kinds.md"
	want := nodes.Markdown(Registry())
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("docs/kinds.md is out of date (go test ./nodes/std -run KindsPage -update):\n%s", cmp.Diff(string(got), string(want)))
	}
}

func TestOutputTypes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind string
		with map[string]any
		want string
	}{
		"exec":       {"exec", nil, "any"},
		"exec json":  {"exec", map[string]any{"parse": "json"}, "any"},
		"exec text":  {"exec", map[string]any{"parse": "text"}, "string"},
		"exec lines": {"exec", map[string]any{"parse": "lines"}, "list(string)"},
		"exec typed": {"exec", map[string]any{"output": "list(Todo)"}, "list(Todo)"},
		"mcp":        {"mcp", nil, "any"},
		"mcp typed":  {"mcp", map[string]any{"output": "Todo?"}, "Todo?"},
		"fail":       {"fail", nil, "null"},
		"graph":      {"graph", nil, "map(any)"},
		"set":        {"set", nil, "object"},
		"agent":      {"agent", map[string]any{"output": "list(Todo)"}, "list(Todo)"},
		"text agent": {"agent", nil, "string"},
		"search":     {"memory", map[string]any{"op": "search"}, "list(object)"},
		"write":      {"memory", map[string]any{"op": "write"}, "object"},
		"delete":     {"memory", map[string]any{"op": "delete"}, "object"},
		"memory":     {"memory", nil, "any"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, _ := Registry().Kind(tt.kind)
			if got := k.Output(configOf(tt.with)).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	own := schema.ObjectOf(schema.Prop{Name: "a", Type: schema.StringType})
	if got := withType(graph.Config{Type: own}); got != own {
		t.Errorf("the output of set is %s, want the type of its `with`", got)
	}
	k, _ := Registry().Kind("http")
	want := schema.ObjectOf(
		schema.Prop{Name: "status", Type: schema.IntegerType, Required: true},
		schema.Prop{Name: "headers", Type: schema.MapOf(schema.StringType), Required: true},
		schema.Prop{Name: "body", Type: schema.AnyType, Required: true},
	)
	if diff := cmp.Diff(want, k.Output(graph.Config{}), cmpopts.IgnoreUnexported(schema.Type{})); diff != "" {
		t.Error(diff)
	}
	for body, with := range map[string]map[string]any{"Todo": {"output": "Todo", "parse": "json"}, "string": {"parse": "base64"}, "any": {"parse": "auto"}} {
		if p, _ := k.Output(configOf(with)).Prop("body"); p.Type.String() != body {
			t.Errorf("the body of http with %v is %s, want %s", with, p.Type, body)
		}
	}
}

// configOf is a configuration as the compiler gives it to a kind.
func configOf(with map[string]any) graph.Config {
	if with == nil {
		return graph.Config{}
	}
	types, _ := schema.NewSet([]schema.Named{{Name: diag.Plain("Todo"), Schema: tree.Of("object")}})
	return graph.Config{Tree: tree.Of(with), Types: types}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	argv := []any{"echo", "${{ state.a }}", int64(3), nil}
	for name, tt := range map[string]struct {
		kind string
		with map[string]any
		want []string // code: message
	}{
		"command":               {"exec", map[string]any{"command": argv}, nil},
		"command from data":     {"exec", map[string]any{"command": "${{ state.argv }}"}, nil},
		"shell":                 {"exec", map[string]any{"shell": "echo $A ${B} $${{ c }}"}, nil},
		"nothing":               {"exec", nil, []string{`bad-config: exec needs "command" or "shell"`}},
		"both":                  {"exec", map[string]any{"command": argv, "shell": "x"}, []string{`bad-config: exec takes "command" or "shell", not both`}},
		"empty command":         {"exec", map[string]any{"command": []any{}}, []string{`bad-config: "command" is empty`}},
		"object in the command": {"exec", map[string]any{"command": []any{"a", map[string]any{}}}, []string{"wrong-type: argument 1 of the command is a mapping, want text, a number or a boolean"}},
		"template in shell":     {"exec", map[string]any{"shell": "echo ${{ state.a }}"}, []string{"shell-interpolation: a shell script takes no ${{ }}: the value would be run as a program"}},
		"no bytes":              {"exec", map[string]any{"command": argv, "max_output": int64(0)}, []string{`bad-config: "max_output" is 0, want 1 to 67108864 bytes`}},
		"unknown parse":         {"exec", map[string]any{"command": argv, "parse": "yaml"}, []string{`bad-config: "parse" cannot be "yaml"`}},
		"stays":                 {"exec", map[string]any{"command": []any{"echo"}, "stay": true, "parallel": int64(4), "processes": int64(2), "idle": "5m", "stdin": "${{ state.a }}", "env": map[string]any{"A": "${{ state.a }}"}}, nil},
		"stays, and a tool":     {"exec", map[string]any{"command": []any{"echo"}, "stay": true, "parse": "text"}, nil},
		"stays and parses":      {"exec", map[string]any{"command": []any{"echo"}, "stay": true, "parse": "json"}, []string{`bad-config: "parse" is not for a program that stays`}},
		"stays and expects":     {"exec", map[string]any{"command": []any{"echo"}, "stay": true, "expect": []any{int64(0)}}, []string{`bad-config: "expect" is not for a program that stays`}},
		"stays with a template": {"exec", map[string]any{"command": []any{"a", "${{ state.a }}"}, "dir": "${{ state.a }}", "stay": true}, []string{"bad-config: \"command\" takes no ${{ }} with `stay`: the program is started once, for all tasks", "bad-config: \"dir\" takes no ${{ }} with `stay`: the program is started once, for all tasks"}},
		"stays too often":       {"exec", map[string]any{"command": []any{"echo"}, "stay": true, "parallel": int64(0), "processes": int64(101)}, []string{`bad-config: "parallel" is 0, want 1 to 1000`, `bad-config: "processes" is 101, want 1 to 100`}},
		"does not stay":         {"exec", map[string]any{"command": argv, "stay": false, "parallel": int64(2), "processes": int64(2), "idle": "1s"}, []string{`bad-config: "parallel" is for a program that stays`, `bad-config: "processes" is for a program that stays`, `bad-config: "idle" is for a program that stays`}},
		"http":                  {"http", map[string]any{"url": "https://example.com", "method": "post"}, nil},
		"exec of no type":       {"exec", map[string]any{"command": argv, "output": "Tood"}, []string{`unknown-type: unknown type "Tood"`}},
		"mcp of no type":        {"mcp", map[string]any{"server": "a", "tool": "b", "output": "Tood"}, []string{`unknown-type: unknown type "Tood"`}},
		"http of no type":       {"http", map[string]any{"url": "http://a", "output": "Tood"}, []string{`unknown-type: unknown type "Tood"`}},
		"http parse":            {"http", map[string]any{"url": "http://a", "parse": "lines"}, []string{`bad-config: "parse" cannot be "lines"`}},
		"http from data":        {"http", map[string]any{"url": "${{ state.url }}", "method": "${{ state.m }}"}, nil},
		"relative url":          {"http", map[string]any{"url": "/a"}, []string{`bad-config: "url" is no absolute http or https address`}},
		"method":                {"http", map[string]any{"url": "http://a", "method": "FETCH"}, []string{`bad-config: no method is called "FETCH"`}},
		"two bodies":            {"http", map[string]any{"url": "http://a", "body": "a", "json": "b"}, []string{`bad-config: http takes only one of "json", "body" and "form"`}},
		"max_response":          {"http", map[string]any{"url": "http://a", "max_response": int64(1 << 40)}, []string{`bad-config: "max_response" is 1099511627776, want 1 to 67108864 bytes`}},
		"fail":                  {"fail", map[string]any{"message": "m", "kind": "model"}, nil},
		"fail of no kind":       {"fail", map[string]any{"kind": "oops"}, []string{`bad-config: no error kind is called "oops"`}},
		"wait":                  {"wait", map[string]any{"for": "5s"}, nil},
		"wait for nothing":      {"wait", map[string]any{}, []string{`bad-config: wait needs one of "event", "for", "until", "files"`}},
		"wait until no moment":  {"wait", map[string]any{"until": "tomorrow"}, []string{`bad-config: "tomorrow" is no moment`}},
		"wait for two":          {"wait", map[string]any{"for": "5s", "event": "e"}, []string{`bad-config: wait takes only one of "event", "for", "until", "files"`}},
		"memory":                {"memory", map[string]any{"memory": "facts", "op": "search", "query": "a", "limit": int64(3), "where": "data.n > 1"}, nil},
		"memory of no op":       {"memory", map[string]any{"memory": "facts", "op": "serach", "query": "a"}, []string{`bad-config: "serach" is not known here`}},
		"memory lacks":          {"memory", map[string]any{"memory": "facts", "op": "write"}, []string{`bad-config: memory needs "text" to write`}},
		"memory takes no":       {"memory", map[string]any{"memory": "facts", "op": "delete", "id": "a", "query": "b", "qery": "c"}, []string{`bad-config: memory takes no "query" to delete`}},
		"memory limit":          {"memory", map[string]any{"memory": "facts", "op": "search", "query": "a", "limit": int64(0)}, []string{`bad-config: "limit" must be at least 1`}},
		"agent":                 {"agent", map[string]any{"input": "a", "output": map[string]any{"type": "Todo"}}, nil},
		"agent of no type":      {"agent", map[string]any{"input": "a", "output": "Tood"}, []string{`unknown-type: unknown type "Tood"`}},
		"agent without input":   {"agent", map[string]any{"instructions": "a"}, []string{`bad-config: agent needs "input" or "messages"`}},
		"agent words":           {"agent", map[string]any{"input": "a", "reasoning": "hihg"}, []string{`bad-config: "hihg" is not known here`}},
		"agent structured":      {"agent", map[string]any{"input": "a", "structured": "${{ params.s }}"}, nil},
		"agent extra":           {"agent", map[string]any{"input": "a", "extra": map[string]any{"tools": "x", "top_p": int64(1)}}, []string{`bad-config: "extra" cannot hold "tools"`}},
		"agent limits":          {"agent", map[string]any{"input": "a", "max_turns": int64(0)}, []string{`bad-config: "max_turns" must be at least 1`}},
		"agent budget":          {"agent", map[string]any{"input": "a", "budget": map[string]any{"token": int64(1)}}, []string{`unknown-field: "budget" has no entry "token"`}},
		"agent money":           {"agent", map[string]any{"input": "a", "budget": map[string]any{"cost": -0.5}}, []string{`bad-config: "cost" must be above 0`}},
		"agent no money":        {"agent", map[string]any{"input": "a", "budget": map[string]any{"cost": int64(0)}}, []string{`bad-config: "cost" must be above 0`}},
		"agent no tokens":       {"agent", map[string]any{"input": "a", "budget": map[string]any{"tokens": int64(0)}}, []string{`bad-config: "tokens" must be at least 1`}},
		"agent half a token":    {"agent", map[string]any{"input": "a", "budget": map[string]any{"tokens": 0.5}}, []string{`wrong-type: "tokens" must be an integer`}},
		"agent conversation":    {"agent", map[string]any{"messages": map[string]any{"tokens": int64(9)}}, []string{`bad-config: "messages" needs "from"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, _ := Registry().Kind(tt.kind)
			var found diag.List
			k.Check(configOf(tt.with), found.Add)
			var got []string
			for _, d := range found {
				got = append(got, string(d.Code)+": "+d.Message)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShellInterpolationHasItsPlace(t *testing.T) {
	t.Parallel()
	at := diag.Pos{Line: 7, Col: 12}
	script := "echo ü ${{ state.a }} end"
	text := diag.Placed(script, diag.Span{File: "g.yaml", Start: at, End: diag.Pos{Line: 7, Col: 40}}, at)
	with := &tree.Node{Kind: tree.Map, Fields: []tree.Field{{Key: diag.Plain("shell"), Value: &tree.Node{Kind: tree.String, Text: text}}}}
	var found diag.List
	execKind(nil).Check(graph.Config{Tree: with}, found.Add)
	want := diag.Span{File: "g.yaml", Start: diag.Pos{Line: 7, Col: 19}, End: diag.Pos{Line: 7, Col: 33}}
	if len(found) != 1 || found[0].Span != want {
		t.Errorf("got %v, want one problem at %+v", found, want)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		with map[string]any
		want nodes.Error
	}{
		"as written":  {map[string]any{"message": "no way", "kind": "model"}, nodes.Error{Kind: "model", Message: "no way"}},
		"defaults":    {nil, nodes.Error{Kind: "error", Message: "failed"}},
		"null":        {map[string]any{"message": nil}, nodes.Error{Kind: "error", Message: "failed"}},
		"no kind":     {map[string]any{"kind": "oops"}, nodes.Error{Kind: "config", Message: `no error kind is called "oops"`, Permanent: true}},
		"no message":  {map[string]any{"message": int64(3)}, nodes.Error{Kind: "config", Message: `"message" is a number, want a string`, Permanent: true}},
		"no words":    {map[string]any{"kind": true}, nodes.Error{Kind: "config", Message: `"kind" is a boolean, want a string`, Permanent: true}},
		"empty words": {map[string]any{"message": ""}, nodes.Error{Kind: "error", Message: ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := nodes.Run(t.Context(), fail(), nodes.Task{With: tt.with})
			if diff := cmp.Diff(&tt.want, failure); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
