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
		"fail":       {"fail", nil, "null"},
		"graph":      {"graph", nil, "map(any)"},
		"set":        {"set", nil, "object"},
		"agent":      {"agent", map[string]any{"output": "list(Todo)"}, "list(Todo)"},
		"any agent":  {"agent", nil, "any"},
		"search":     {"memory", map[string]any{"search": "a"}, "list(object)"},
		"write":      {"memory", map[string]any{"write": []any{"a"}}, "list(string)"},
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
		"http":                  {"http", map[string]any{"url": "https://example.com", "method": "post"}, nil},
		"http from data":        {"http", map[string]any{"url": "${{ state.url }}", "method": "${{ state.m }}"}, nil},
		"relative url":          {"http", map[string]any{"url": "/a"}, []string{`bad-config: "url" is no absolute http or https address`}},
		"method":                {"http", map[string]any{"url": "http://a", "method": "FETCH"}, []string{`bad-config: no method is called "FETCH"`}},
		"two bodies":            {"http", map[string]any{"url": "http://a", "body": "a", "json": "b"}, []string{`bad-config: http takes only one of "json", "body" and "form"`}},
		"max_response":          {"http", map[string]any{"url": "http://a", "max_response": int64(1 << 40)}, []string{`bad-config: "max_response" is 1099511627776, want 1 to 67108864 bytes`}},
		"fail":                  {"fail", map[string]any{"message": "m", "kind": "model"}, nil},
		"fail of no kind":       {"fail", map[string]any{"kind": "oops"}, []string{`bad-config: no error kind is called "oops"`}},
		"wait":                  {"wait", map[string]any{"for": "5s"}, nil},
		"wait for nothing":      {"wait", map[string]any{}, []string{`bad-config: wait needs one of "event", "for", "until"`}},
		"wait until no moment":  {"wait", map[string]any{"until": "tomorrow"}, []string{`bad-config: "tomorrow" is no moment`}},
		"wait for two":          {"wait", map[string]any{"for": "5s", "event": "e"}, []string{`bad-config: wait takes only one of "event", "for", "until"`}},
		"memory":                {"memory", map[string]any{"search": "a"}, nil},
		"agent":                 {"agent", map[string]any{"output": map[string]any{"type": "Todo"}}, nil},
		"agent of no type":      {"agent", map[string]any{"output": "Tood"}, []string{`unknown-type: unknown type "Tood"`}},
		"mcp":                   {"mcp", map[string]any{"command": argv, "url": "http://a"}, []string{`bad-config: mcp takes only one of "command", "url"`}},
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
	execKind().Check(graph.Config{Tree: with}, found.Add)
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
