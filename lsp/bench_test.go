package lsp

import (
	"fmt"
	"strings"
	"testing"
)

// large is a graph of n nodes, each with a condition, a template and a write.
func large(n int) string {
	var b strings.Builder
	b.WriteString("graphrun: 1\nname: large\ntypes:\n  Todo: {type: object, required: [id, status], properties: {id: string, status: {enum: [open, done]}}}\n")
	b.WriteString("state:\n  todos: {type: list(Todo), reduce: \"upsert(id)\"}\n")
	for i := range n / 10 {
		fmt.Fprintf(&b, "  key%d: {type: list(string), reduce: append, keep: 10}\n", i)
	}
	b.WriteString("define:\n  left: filter(state.todos, .status == \"open\")\nnodes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  node%d:\n    description: Does a part of the work, number %d.\n    uses: exec\n    with: {command: [echo, \"${{ len(left) + %d }}\"], parse: text}\n    retry: {attempts: 3, backoff: 1s}\n    writes: {key%d: '[output]'}\n", i, i, i, i%(n/10))
	}
	b.WriteString("edges:\n  - {to: node0}\n")
	for i := range n - 1 {
		fmt.Fprintf(&b, "  - {from: node%d, to: node%d, when: len(left) > %d && not (\"x\" in state.key%d)}\n", i, i+1, i%7, i%(n/10))
	}
	b.WriteString("stop: len(left) == 0 and len(state.todos) > 0\n")
	return b.String()
}

// BenchmarkLargeGraph measures what an editor waits for in a graph of 1,000 nodes, each time
// after a letter was typed in the middle of it.
func BenchmarkLargeGraph(b *testing.B) {
	text := large(1000)
	c := start(b, Options{})
	c.didOpen(uri, text)
	if got := c.problems(uri); len(got.Diagnostics) > 0 {
		b.Fatalf("%v", got.Diagnostics[0])
	}
	b.Logf("%d kB, %d lines", len(text)>>10, strings.Count(text, "\n"))
	version, typed := 1, units(text, strings.Index(text, "part of the work, number 500."))
	changed := func() {
		version++
		c.notify("textDocument/didChange", map[string]any{"textDocument": versionedID{uri, version},
			"contentChanges": []any{map[string]any{"range": textRange{typed, position{typed.Line, typed.Character + 1}}, "text": string(rune('a' + version%26))}}})
	}
	b.Run("problems", func(b *testing.B) {
		for b.Loop() {
			changed()
			c.problems(uri)
		}
	})
	last := at(b, text, "stop: len(le")
	last["newName"] = "rest"
	for _, method := range []string{"completion", "hover", "definition", "references", "rename", "documentSymbol"} {
		b.Run(method, func(b *testing.B) {
			for b.Loop() {
				changed()
				c.request("textDocument/"+method, last, nil)
			}
		})
		b.Run(method+" again", func(b *testing.B) {
			for b.Loop() {
				c.request("textDocument/"+method, last, nil)
			}
		})
	}
}
