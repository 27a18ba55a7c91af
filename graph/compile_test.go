package graph

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// kinds are what tests need of kinds: one that is settled at once, one that
// works, one that waits.
type kinds map[string]Kind

func (k kinds) Kind(name string) (Kind, bool) { x, ok := k[name]; return x, ok }

func (k kinds) Names() []string {
	return []string{"ask", "call", "http", "keep", "later", "send", "set", "talk", "work"}
}

var testKinds = kinds{
	"set": {Name: "set", Open: true, Inline: true, NoDefaults: true, Output: func(c Config) *schema.Type { return c.Type }},
	"work": {Name: "work", Fields: []Field{
		{Name: "command", Type: "list(string)", Required: true},
		{Name: "mode", Type: "fast|slow", Literal: true, Tool: "slow"},
		{Name: "wait", Type: "duration"},
		{Name: "input", Type: "any"},
	}, Check: func(c Config, report func(diag.Code, diag.Span, string, string, ...any)) {
		if c.Tree.Get("input") != nil && c.Tree.Get("mode") == nil {
			report(diag.BadConfig, diag.Span{}, "", "input needs a mode")
		}
	}},
	"ask":   {Name: "ask", Open: true, Waits: true, NoDefaults: true, Fields: []Field{{Name: "event", Type: "string", Literal: true, Event: true}}},
	"later": {Name: "later", Open: true, Missing: true},
	"send":  {Name: "send", Open: true, Sends: true},
	"talk": {Name: "talk", Talks: true, Output: func(Config) *schema.Type { return schema.StringType }, Fields: []Field{
		{Name: "model", Type: "any", Names: NamesModel},
		{Name: "instructions", Type: "string", Author: true},
		{Name: "input", Type: "any"},
		{Name: "tools", Type: "list(string)", Literal: true, Names: NamesTools},
	}},
	"http": {Name: "http", Open: true},
	"call": {Name: "call", Fields: []Field{{Name: "server", Type: "string", Names: NamesServer}, {Name: "tool", Type: "string"}}},
	"keep": {Name: "keep", Fields: []Field{{Name: "memory", Type: "string", Names: NamesMemory}, {Name: "data", Type: "any", Names: NamesData},
		{Name: "where", Type: "string", Literal: true, Condition: true}}},
}

var oneEnd = regexp.MustCompile(`"(from|after|to)": ("[^"]*")`)

// define reads a definition from JSON, which is how a store keeps one. The ends
// of edges may be a name in place of a list.
func define(t testing.TB, text string) Def {
	t.Helper()
	before, edges, ok := strings.Cut(text, `"edges":`)
	if ok {
		text = before + `"edges":` + oneEnd.ReplaceAllString(edges, `"$1": [$2]`)
	}
	var d Def
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("definition: %v", err)
	}
	return d
}

// start is the beginning of a definition that is complete but for its nodes.
const start = `"graphrun": 1, "name": "g", "limits": {"cycles": 9},
	"state": [{"name": "n", "type": "integer"}, {"name": "list", "type": "list(string)"}],
	"stop": [{"when": "state.n > 100 && len(state.list) > 0"}]`

func compileText(t testing.TB, text string) (*Graph, diag.List) {
	t.Helper()
	return Compile(define(t, "{"+text+"}"), testKinds)
}

func mustCompile(t testing.TB, text string) *Graph {
	t.Helper()
	g, problems := compileText(t, start+","+text)
	if g == nil {
		t.Fatalf("compile: %v", problems)
	}
	return g
}

func TestCompileEdges(t *testing.T) {
	t.Parallel()
	g := mustCompile(t, `
		"nodes": [{"id": "c", "uses": "set"}, {"id": "b", "uses": "set"}, {"id": "a", "uses": "set"}],
		"edges": [
			{"to": ["a", "b"], "when": "state.n > 0"},
			{"from": ["a", "b"], "to": "c", "outcome": "always"},
			{"from": "c", "to": "a", "next_cycle": true, "outcome": "always", "when": "error == nil"},
			{"after": "a", "to": "b"}]`)
	var edges []string
	for _, e := range g.Edges {
		edges = append(edges, fmt.Sprint(e.From, e.To, e.After, e.Outcome, e.NextCycle, e.When != nil, e.Steady))
	}
	want := []string{
		"-1 2 false success false true true", "-1 1 false success false true true",
		"2 0 false always false false true", "1 0 false always false false true",
		"0 2 false always true true false", "2 1 true success false false true",
	}
	if d := cmp.Diff(want, edges); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{2, 1, 0}, g.Order); d != "" {
		t.Error("order:", d)
	}
	if d := cmp.Diff([][]int{{0, 1}, nil}, g.Readers); d != "" {
		t.Error("readers:", d)
	}
	if d := cmp.Diff([]int{1, 2}, g.Nodes[0].Waits); d != "" {
		t.Error("waits:", d)
	}
}
