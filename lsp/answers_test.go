package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const uri = "file:///graphs/answers.graphrun.yaml"

const answered = `graphrun: 1
name: answers
types:
  Todo: {type: object, required: [id, status], properties: {id: string, status: {enum: [open, done]}}}
state: {todos: list(Todo), größe: integer}
define:
  left: filter(state.todos, .status == "open")
nodes:
  a:
    description: Does the work.
    uses: exec
    with: {command: [echo, "😀 ${{ len(left) }}"], parse: text}
  b: {uses: set, with: {value: 1}}
edges:
  - {to: a, when: '"😀" != "" and len(left) > 0'}
  - {from: a, to: b}
stop: len(left) == 0
`

// place is a place of an open text: behind the first text, which is there once.
func at(t testing.TB, text, behind string) map[string]any {
	t.Helper()
	i := strings.Index(text, behind)
	if i < 0 || strings.Count(text, behind) != 1 {
		t.Fatalf("%q is not once in the text", behind)
	}
	return map[string]any{"textDocument": documentID{uri}, "position": units(text, i+len(behind))}
}

// part is the text that a range stands for.
func part(text string, r textRange) string {
	d := newDocument(uri, 1, text)
	return d.text[d.offset(r.Start):d.offset(r.End)]
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	c.didOpen(uri, answered)
	text := c.edit(uri, 2, answered, "len(left) > 0'", "any(state.todos, .status == ") // a quote is open now
	var list completionList
	c.request("textDocument/completion", at(t, text, "any(state.todos, .status == "), &list)
	if len(list.Items) < 2 || list.Items[0].Label != "open" || list.Items[0].Edit.Text != `"open"` || list.Items[0].Kind != itemValue {
		t.Fatalf("%+v", list.Items)
	}
	var labels []string
	for _, it := range list.Items {
		labels = append(labels, it.Label)
		if got := part(text, it.Edit.Range); got != "" {
			t.Errorf("%s replaces %q", it.Label, got)
		}
	}
	for _, want := range []string{"done", ".id", "state", "len"} {
		if !slices.Contains(labels, want) {
			t.Errorf("no %s in %v", want, labels)
		}
	}
	if !slices.IsSortedFunc(list.Items, func(a, b completionItem) int { return strings.Compare(a.Sort, b.Sort) }) {
		t.Error("the order is not that of the texts to sort by")
	}
	text = c.edit(uri, 3, text, "uses: exec", "uses: ex")
	text = c.edit(uri, 4, text, "any(state.todos, .status == ", "true'")
	c.request("textDocument/completion", at(t, text, "uses: ex"), &list)
	i := slices.IndexFunc(list.Items, func(it completionItem) bool { return it.Label == "exec" })
	if i < 0 || list.Items[i].Doc == nil || part(text, list.Items[i].Edit.Range) != "ex" {
		t.Errorf("%+v", list.Items)
	}
}

// TestSnippets: what has a place for the cursor is a snippet only where the editor can.
func TestSnippets(t *testing.T) {
	t.Parallel()
	for _, snippets := range []bool{true, false} {
		c := dial(t, Options{})
		c.request("initialize", map[string]any{"capabilities": map[string]any{"textDocument": map[string]any{
			"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": snippets}}}}}, nil)
		text := strings.Replace(answered, "stop: len(left) == 0", "stop: l", 1)
		c.didOpen(uri, text)
		var list completionList
		c.request("textDocument/completion", at(t, text, "stop: l"), &list)
		i := slices.IndexFunc(list.Items, func(it completionItem) bool { return it.Label == "len" })
		want, format := "len()", formatPlain
		if snippets {
			want, format = "len($0)", formatSnippet
		}
		if i < 0 || list.Items[i].Edit.Text != want || list.Items[i].Format != format {
			t.Errorf("snippets %v: %+v", snippets, list.Items)
		}
	}
}

func TestHoverAndDefinition(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	c.didOpen(uri, answered)
	var h hover
	c.request("textDocument/hover", at(t, answered, `"😀" != "" and len(le`), &h)
	if part(answered, h.Range) != "left" || h.Range.Start.Line != 14 ||
		!strings.HasPrefix(h.Contents.Value, "define `left`: `list(Todo)`") || !strings.Contains(h.Contents.Value, `{id: string, status: "open"|"done"}`) {
		t.Errorf("%+v", h)
	}
	var l location
	c.request("textDocument/definition", at(t, answered, `"😀" != "" and len(le`), &l)
	if l.URI != uri || part(answered, l.Range) != "left" || l.Range.Start.Line != 6 {
		t.Errorf("%+v", l)
	}
	c.request("textDocument/definition", at(t, answered, "list(To"), &l)
	if part(answered, l.Range) != "Todo" || l.Range.Start.Line != 3 {
		t.Errorf("%+v", l)
	}
	for _, method := range []string{"textDocument/hover", "textDocument/definition"} {
		if m := c.ask(method, at(t, answered, "value: ")); m.Error != nil || string(m.Result) != "null" {
			t.Errorf("%s of nothing: %s %v", method, m.Result, m.Error)
		}
	}
}

// TestDefinitionInFile: the file of an inner graph is a place to go to.
func TestDefinitionInFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner.graphrun.yaml")
	if err := os.WriteFile(inner, []byte("graphrun: 1\nname: inner\nnodes: {a: {uses: set, with: {}}}\nedges: [{to: a}]\nonce: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	outer := uriOf(filepath.Join(dir, "outer.graphrun.yaml"))
	text := "graphrun: 1\nname: outer\nnodes: {sub: {uses: graph, with: {file: inner.graphrun.yaml}}}\nedges: [{to: sub}]\nonce: true\n"
	c := start(t, Options{})
	c.didOpen(outer, text)
	var l location
	c.request("textDocument/definition", map[string]any{"textDocument": documentID{outer}, "position": units(text, strings.Index(text, "inner.graph"))}, &l)
	if l.URI != uriOf(inner) {
		t.Errorf("%+v", l)
	}
}

func TestReferencesAndRename(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	c.didOpen(uri, answered)
	p := at(t, answered, "\n  le")
	var all []location
	p["context"] = map[string]any{"includeDeclaration": true}
	c.request("textDocument/references", p, &all)
	if len(all) != 4 {
		t.Fatalf("%+v", all)
	}
	for _, l := range all {
		if part(answered, l.Range) != "left" {
			t.Errorf("%q", part(answered, l.Range))
		}
	}
	p["context"] = map[string]any{"includeDeclaration": false}
	if c.request("textDocument/references", p, &all); len(all) != 3 {
		t.Errorf("without the declaration: %+v", all)
	}
	var lights []highlight
	if c.request("textDocument/documentHighlight", p, &lights); len(lights) != 4 {
		t.Errorf("highlights: %+v", lights)
	}
	var prepared struct {
		Placeholder string `json:"placeholder"`
	}
	if c.request("textDocument/prepareRename", p, &prepared); prepared.Placeholder != "left" {
		t.Errorf("%+v", prepared)
	}
	p["newName"] = "rest"
	var edit workspaceEdit
	c.request("textDocument/rename", p, &edit)
	edits := edit.Changes[uri]
	slices.Reverse(edits) // from the end, so that places stay
	d := newDocument(uri, 1, answered)
	for _, e := range edits {
		if err := d.change(change{&e.Range, e.Text}); err != nil {
			t.Fatal(err)
		}
	}
	if want := strings.ReplaceAll(answered, "left", "rest"); d.text != want {
		t.Errorf("renamed:\n%s", d.text)
	}
	p["newName"] = "state"
	if m := c.ask("textDocument/rename", p); m.Error == nil || !strings.Contains(m.Error.Message, "cannot be the name") {
		t.Errorf("a name that cannot be: %s %v", m.Result, m.Error)
	}
}

func TestSymbols(t *testing.T) {
	t.Parallel()
	for _, tree := range []bool{true, false} {
		c := dial(t, Options{})
		c.request("initialize", map[string]any{"capabilities": map[string]any{"textDocument": map[string]any{
			"documentSymbol": map[string]any{"hierarchicalDocumentSymbolSupport": tree}}}}, nil)
		c.didOpen(uri, answered)
		var raw json.RawMessage
		c.request("textDocument/documentSymbol", map[string]any{"textDocument": documentID{uri}}, &raw)
		var lines []string
		if tree {
			var all []documentSymbol
			if err := json.Unmarshal(raw, &all); err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				for _, kid := range s.Children {
					lines = append(lines, fmt.Sprintf("%s %s %d", s.Name, kid.Name, kid.Kind))
				}
			}
		} else {
			var all []symbolInformation
			if err := json.Unmarshal(raw, &all); err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				if s.In != "" {
					lines = append(lines, fmt.Sprintf("%s %s %d", s.In, s.Name, s.Kind))
				}
			}
		}
		want := "types Todo 23, state todos 13, state größe 13, define left 7, nodes a 5, nodes b 5, edges start → a 25, edges a → b 25"
		if got := strings.Join(lines, ", "); got != want {
			t.Errorf("tree %v: %s", tree, got)
		}
	}
}

// TestBadRequests: a request about a text that is not open, or without sense, is refused.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	for _, params := range []any{map[string]any{"textDocument": documentID{"file:///x"}}, []int{1}, map[string]any{}} {
		if m := c.ask("textDocument/hover", params); m.Error == nil || m.Error.Code != codeBadParams {
			t.Errorf("%v: %s %v", params, m.Result, m.Error)
		}
	}
	c.didOpen(uri, "graphrun: [")
	for method := range answers {
		if m := c.ask(method, map[string]any{"textDocument": documentID{uri}, "position": position{99, 99}, "newName": "x"}); m.Error != nil {
			t.Errorf("%s in a broken text: %v", method, m.Error)
		}
	}
}

// TestHoverShowsLastRun: values and decisions of the last run stand below what is declared.
func TestHoverShowsLastRun(t *testing.T) {
	t.Parallel()
	var asked []RunOf
	run := &Run{Stack: "an`swers", Status: "completed", Cycle: 3, State: map[string]any{"größe": int64(7)}, Node: "skipped: no-live-edge"}
	c := start(t, Options{LastRun: func(_ context.Context, ask RunOf) *Run {
		asked = append(asked, ask)
		return run
	}})
	c.didOpen(uri, answered)
	for behind, want := range map[string]string{"grö": "\n``  an`swers  ``, cycle 3 (completed): `7`", "{from: a, to: b": "\n``  an`swers  ``, cycle 3 (completed): skipped: no-live-edge",
		"state: {todo": ""} {
		var h hover
		c.request("textDocument/hover", at(t, answered, behind), &h)
		_, got, _ := strings.Cut(h.Contents.Value, "---")
		if strings.ReplaceAll(got, "  ", " ") != strings.ReplaceAll(want, "  ", " ") {
			t.Errorf("%s: %q, want %q", behind, got, want)
		}
	}
	for _, ask := range asked {
		if ask.File != "/graphs/answers.graphrun.yaml" || ask.Graph != "answers" || ask.Node != "" && ask.Node != "b" {
			t.Errorf("%+v", ask)
		}
	}
}
