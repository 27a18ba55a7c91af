package graph

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

const inputs = `"graphrun": 1, "name": "g", "limits": {"cycles": 1},
	"params": [{"name": "goal", "type": "string"}, {"name": "max", "type": "integer", "default": 3}, {"name": "note", "type": "string?"}],
	"state": [{"name": "n", "type": "integer", "default": 7}, {"name": "list", "type": "list(integer)"}],
	"nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ [params, state] }}"}}]`

func TestCheckParams(t *testing.T) {
	t.Parallel()
	g, problems := compileText(t, inputs)
	if g == nil {
		t.Fatal(problems)
	}
	got, err := g.CheckParams(map[string]any{"goal": "go", "max": 4.0})
	if d := cmp.Diff(map[string]any{"goal": "go", "max": int64(4), "note": nil}, got); d != "" || err != nil {
		t.Error(err, d)
	}
	for _, tt := range []struct {
		given map[string]any
		want  string
	}{
		{map[string]any{}, `param "goal" is missing, expected string`},
		{map[string]any{"goal": "x", "mx": 1}, `unknown param "mx" (did you mean "max"?)`},
		{map[string]any{"goal": "x", "colour": 1}, `unknown param "colour" (known: "goal", "max", "note")`},
		{map[string]any{"goal": int64(1)}, `param "goal" does not fit string`},
	} {
		if _, err := g.CheckParams(tt.given); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// What is written for a param on a command line: text for each type that is a
// string or null, JSON for all others.
func TestReadParam(t *testing.T) {
	t.Parallel()
	const broken = "an error"
	for _, tt := range []struct {
		typ, text string
		want      any
	}{
		{`"string"`, "hello", "hello"}, {`"string"`, `"hello"`, `"hello"`}, {`"string"`, "null", "null"}, {`"string"`, "", ""}, {`"string"`, "1", "1"},
		{`"string?"`, "hello", "hello"}, {`"string?"`, "null", "null"},
		{`{"type": ["string", "null"]}`, "hello", "hello"}, {`{"type": "string", "minLength": 2}`, "hello", "hello"},
		{`{"enum": ["quick", "long"]}`, "long", "long"}, {`{"enum": ["quick", "long", null]}`, "long", "long"}, {`{"type": "string?", "enum": ["a", null]}`, "a", "a"},
		{`{"enum": ["1", "2"]}`, "1", "1"}, {`{"const": "x"}`, "x", "x"}, {`{"anyOf": ["string", {"enum": ["a"]}]}`, "a", "a"},
		{`"Mode"`, "long", "long"}, {`"Mode?"`, "long", "long"}, {`{"$ref": "#/types/Mode"}`, "long", "long"},
		{`"any"`, `"x"`, "x"}, {`"any"`, "x", broken}, {`{"enum": ["a", 1]}`, "1", int64(1)}, {`{"enum": ["a", 1]}`, `"a"`, "a"}, {`{"enum": [1, 2]}`, "2", int64(2)},
		{`{"type": ["string", "integer"]}`, "1", int64(1)}, {`{"type": ["string", "integer"]}`, "x", broken},
		{`"integer"`, "3", int64(3)}, {`"integer"`, "three", broken}, {`"integer?"`, "null", nil}, {`"number"`, "2.5", 2.5}, {`"boolean"`, "true", true},
		{`"list(string)"`, `["a"]`, []any{"a"}}, {`"map(string)"`, `{"a": "b"}`, map[string]any{"a": "b"}}, {`"object"`, "{}", map[string]any{}},
		{`"string"`, "a\xff", broken}, {`"any"`, "\"a\xff\"", broken}, {`"integer"`, "1 2", broken},
	} {
		g, problems := compileText(t, `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "types": [{"name": "Mode", "schema": {"enum": ["quick", "long"]}}],
			"params": [{"name": "p", "type": `+tt.typ+`}], "nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ params }}"}}]`)
		if g == nil {
			t.Errorf("%s: %v", tt.typ, problems)
			continue
		}
		got, err := g.ReadParam("p", tt.text)
		if tt.want == broken {
			if err == nil {
				t.Errorf("%s: %q is read as %#v, want an error", tt.typ, tt.text, got)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %q: %v, -want +got:\n%s", tt.typ, tt.text, err, diff)
		}
	}
	g, _ := compileText(t, inputs)
	for text, want := range map[string]any{"1": int64(1), "x": "x"} {
		if got, err := g.ReadParam("unknown", text); got != want || err != nil {
			t.Errorf("a param that is not there: %v, %v", got, err)
		}
	}
}

func TestCheckState(t *testing.T) {
	t.Parallel()
	g, _ := compileText(t, inputs)
	got, err := g.CheckState(map[string]any{"list": []any{1.0}})
	if d := cmp.Diff([]any{int64(7), []any{int64(1)}}, got); d != "" || err != nil {
		t.Error(err, d)
	}
	for _, tt := range []struct {
		given map[string]any
		want  string
	}{
		{map[string]any{"lst": nil}, `unknown state key "lst" (did you mean "list"?)`},
		{map[string]any{"list": []any{"x"}}, `state key "list" does not fit list(integer): list[0]`},
	} {
		if _, err := g.CheckState(tt.given); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// A definition that went through JSON is the same graph.
func TestHash(t *testing.T) {
	t.Parallel()
	def := define(t, "{"+inputs+"}")
	at := diag.Span{File: "g.yaml", Start: diag.Pos{Line: 3, Col: 1}, End: diag.Pos{Line: 3, Col: 3}}
	def.Nodes[0].Pool = diag.Placed("", at, at.Start) // written, and empty
	def.Params[2].Default = tree.Of(nil)
	g, _ := Compile(def, testKinds)
	b, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	var again Def
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	again.Description, again.File, again.Nodes[0].Description = "new words", "elsewhere/g.yaml", "more words"
	h, _ := Compile(again, testKinds)
	if g.Hash != h.Hash || len(g.Hash) != 64 {
		t.Errorf("hashes %q and %q", g.Hash, h.Hash)
	}
	again.Nodes[0].Timeout = time.Second
	if h, _ := Compile(again, testKinds); g.Hash == h.Hash {
		t.Error("another timeout, the same hash")
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	g := mustCompile(t, `"defaults": {"timeout": 60000000000, "retry": {"attempts": 3, "factor": 1.5, "errors": ["exit"]}},
		"nodes": [{"id": "a", "uses": "later", "retry": {"attempts": 5, "jitter": true}}, {"id": "b", "uses": "set"}, {"id": "c", "uses": "later", "timeout": 1000000000}]`)
	want := []Retry{
		{Attempts: 5, Backoff: time.Second, Factor: 1.5, MaxBackoff: time.Minute, Jitter: true, Errors: []string{"exit"}},
		{Attempts: 1, Backoff: time.Second, Factor: 2, MaxBackoff: time.Minute},
		{Attempts: 3, Backoff: time.Second, Factor: 1.5, MaxBackoff: time.Minute, Errors: []string{"exit"}},
	}
	for i, w := range want {
		if d := cmp.Diff(w, g.Nodes[i].Retry); d != "" {
			t.Error(g.Nodes[i].ID, d)
		}
	}
	if g.Nodes[0].Timeout != time.Minute || g.Nodes[1].Timeout != 0 || g.Nodes[2].Timeout != time.Second {
		t.Error("timeouts:", g.Nodes[0].Timeout, g.Nodes[1].Timeout, g.Nodes[2].Timeout)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	g := mustCompile(t, `"mode": "round_robin", "fleet": "lockstep", "schedule": {"cron": "* * * * *"}, "events": [{"name": "e", "to": "n"}],
		"nodes": [{"id": "a", "uses": "later"}, {"id": "b", "uses": "ask"}, {"id": "c", "uses": "set", "background": true, "cache": {"key": "state.n"}},
			{"id": "d", "uses": "ask", "for_each": {"in": "[1]"}}]`)
	want := []string{`node "a" uses later`}
	if d := cmp.Diff(want, g.Missing); d != "" {
		t.Error(d)
	}
	if g := mustCompile(t, `"mode": "graph", "nodes": [{"id": "a", "uses": "set"}]`); g.Missing != nil {
		t.Error(g.Missing)
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "5s": 5 * time.Second, "1m30s": 90 * time.Second,
		"24h": 24 * time.Hour, "7d": 168 * time.Hour, "0s": 0, "1.5s": 1500 * time.Millisecond,
		"1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "2us3µs1ns": 5001, "106751d": 106751 * 24 * time.Hour, "1h1h": 2 * time.Hour} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "5", "s", "-5s", "5 s", "5x", "1e3s", "400000d", "1..5s", ".5s", "5.s", "99999999999999999999s", "106752d", "106751d23h48m", "5s "} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("%q: %v, want an error", s, got)
		}
	}
}
