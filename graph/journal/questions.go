package journal

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// Questions lists what the stack waits for that is still open, in one form: nodes that
// wait, in declaration order, and then tasks that began to wait while they ran, each with
// the calls that still need a word.
func (at *Cursor) Questions() []Waiting {
	out := make([]Waiting, 0, len(at.Waiting)+len(at.Asking))
	for _, w := range at.Waiting {
		if !w.Answered {
			out = append(out, w)
		}
	}
	for _, w := range at.Asking {
		w.Calls = slices.DeleteFunc(slices.Clone(w.Calls), func(c Call) bool { return c.Answered })
		out = append(out, w)
	}
	return out
}

// maxPrompt bounds the bytes of each call in a prompt.
const maxPrompt = 2 << 10

// Prompt says in words what is to be decided; "" if nobody is asked.
func (w *Waiting) Prompt() string {
	if len(w.Calls) == 0 {
		fields, _ := w.With.(map[string]any)
		text, _ := fields["prompt"].(string)
		return text
	}
	var b strings.Builder
	b.WriteString(w.Place())
	b.WriteString(" wants to call ")
	for i, c := range w.Calls {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Tool)
		if c.Args != nil {
			b.WriteString(" ")
			b.WriteString(shortened(value.String(c.Args), maxPrompt))
		}
	}
	return b.String()
}

// Place is where the question stands: NODE, or NODE[KEY]. A key of other characters than
// letters, digits, and _ . : - is a JSON string.
func (w *Waiting) Place() string { return Spot{w.Node, w.Item}.String() }

// shortened cuts a text to at most n bytes, and says so.
func shortened(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
