package lsp

import (
	"slices"
	"strings"
	"testing"
)

// typing is a graph as somebody types it. At each ‹a b› these names have to be offered.
const typing = `graphrun: 1
name: typed
types:
  Todo: {type: object, required: [id, status], properties: {id: string, status: {enum: [open, done]}}}
state:
  todos: {type: list(‹Todo›Todo), reduce: "‹append›append"}
  text: string
define:
  left: filter(state.‹todos text›todos, .‹id status›status == "‹open done›open")
nodes:
  first:
    uses: ‹exec set›exec
    with: {command: [echo, "${{ len(‹left state›left) }}"], parse: ‹json›text}
    writes: {‹todos text›text: output}
  second:
    uses: set
    with:
      value:
        - id: "1"
          status: "${{ left[0].‹status›status }}"
    writes:
      todos: output.value
edges:
  - {to: ‹first second›first, when: 'len(‹left state›left) > 0'}
  - from: ‹start first›first
    to: ‹second›second
    when: nodes.‹first second›first.status == "‹failed›succeeded"
stop: len(‹left state›left) == 0
`

// TestTyping types a graph letter by letter, as VS Code sends it: each letter is a change,
// and after it something may be completed. Below is an older part of the file, whose YAML
// is broken.
func TestTyping(t *testing.T) {
	t.Parallel()
	for name, below := range map[string]string{"alone": "", "above broken lines": "\nlimits:\n  cycles: [1\n   x: {\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, Options{})
			c.didOpen(uri, below)
			text, version := "", 1
			names := false
			var want []string
			for _, r := range typing {
				switch {
				case r == '‹':
					names, want = true, []string{""}
				case r == '›':
					names = false
					labels := c.labels(text+below, len(text))
					for _, w := range strings.Fields(want[0]) {
						if !slices.Contains(labels, w) && !slices.Contains(labels, "."+w) {
							t.Errorf("no %s in %q behind %q", w, labels, text[strings.LastIndex(text, "\n")+1:])
						}
					}
				case names:
					want[0] += string(r)
				default:
					at := units(text, len(text))
					text += string(r)
					version++
					c.notify("textDocument/didChange", map[string]any{"textDocument": versionedID{uri, version},
						"contentChanges": []any{map[string]any{"range": textRange{at, at}, "text": string(r)}}})
					c.labels(text+below, len(text))
				}
			}
			if below != "" {
				return
			}
			// Problems that came before an answer were dropped: a last change, which nothing
			// follows, has some of its own.
			at := units(text, len(text))
			version++
			c.notify("textDocument/didChange", map[string]any{"textDocument": versionedID{uri, version},
				"contentChanges": []any{map[string]any{"range": textRange{at, at}, "text": "\n"}}})
			shown := c.problems(uri)
			for shown.Version == nil || *shown.Version != version {
				shown = c.problems(uri)
			}
			for _, d := range shown.Diagnostics {
				if d.Severity == severityError {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

// labels are those of what is offered at a byte of the open text.
func (c *client) labels(text string, at int) (all []string) {
	c.t.Helper()
	var list completionList
	c.request("textDocument/completion", map[string]any{"textDocument": documentID{uri}, "position": units(text, at)}, &list)
	for _, it := range list.Items {
		all = append(all, it.Label)
	}
	return all
}
