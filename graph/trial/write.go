package trial

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
)

// YAML is the suite as text. Reading it gives an equal suite.
func (s *Suite) YAML() []byte {
	var w writer
	w.line("graphrun-test: 1")
	w.line("graph: " + scalar(s.Graph.Value))
	w.line("tests:")
	for i := range s.Tests {
		w.test(&s.Tests[i])
	}
	return []byte(w.b.String())
}

type writer struct{ b strings.Builder }

func (w *writer) line(text string) { w.b.WriteString(text + "\n") }

func (w *writer) field(name, text string) {
	if text != "" {
		w.line("    " + name + ": " + text)
	}
}

func (w *writer) test(t *Test) {
	w.line("  - name: " + scalar(t.Name.Value))
	w.field("stack", some(t.Stack))
	w.field("at", some(t.Start))
	w.field("params", Flow(t.Params))
	w.field("state", Flow(t.State))
	if len(t.Replies) > 0 {
		w.line("    replies:")
	}
	for i := range t.Replies {
		r := &t.Replies[i]
		if !r.List {
			w.line("      " + scalar(r.For.Value) + ": " + r.All[0].flow())
			continue
		}
		w.line("      " + scalar(r.For.Value) + ":")
		for k := range r.All {
			w.line("        - " + r.All[k].flow())
		}
		if len(r.All) == 0 {
			w.line("        []")
		}
	}
	if len(t.Steps) > 0 {
		w.line("    steps:")
	}
	for i := range t.Steps {
		w.line("      - " + t.Steps[i].flow())
	}
	if e := t.End; e != nil {
		w.field("end", braces(e.Empty, "status", Flow(e.Status), "reason", Flow(e.Reason), "cycles", Flow(e.Cycles), "state", Flow(e.State)))
	}
	if len(t.Never) > 0 {
		list := make([]string, len(t.Never))
		for i, n := range t.Never {
			list[i] = scalar(n.Value)
		}
		w.field("never", "["+strings.Join(list, ", ")+"]")
	}
}

// some is a text that is there; "" for none.
func some(t diag.Text) string {
	if t.Value == "" {
		return ""
	}
	return scalar(t.Value)
}

// braces is a mapping of names and values in turn, without those that are ""; "null" for
// an empty expectation.
func braces(empty *tree.Node, fields ...string) string {
	if empty != nil {
		return "null"
	}
	var out []string
	for pair := range slices.Chunk(fields, 2) {
		if name, text := pair[0], pair[len(pair)-1]; text != "" {
			out = append(out, name+": "+text)
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func (r *Reply) flow() string {
	out := Flow(r.Output)
	var failure string
	if f := r.Error; f != nil {
		code := ""
		if f.Code != nil {
			code = strconv.FormatInt(*f.Code, 10)
		}
		message := ""
		if f.Message != "" {
			message = scalar(f.Message)
		}
		output := ""
		if f.Output != nil {
			output = scalar(*f.Output)
		}
		failure = braces(nil, "kind", some(f.Kind), "message", message, "code", code, "output", output, "permanent", truth(f.Permanent))
	} else if out == "" {
		out = "null"
	}
	usage := ""
	if u := r.Usage; u != (Usage{}) {
		cost := ""
		if u.Cost != 0 {
			cost = value.String(u.Cost)
		}
		usage = braces(nil, "tokens", number(u.Tokens), "cost", cost, "turns", number(u.Turns), "calls", number(u.Calls),
			"input_tokens", number(u.Input), "output_tokens", number(u.Written))
	}
	after := ""
	if r.After != 0 {
		after = r.After.String()
	}
	return braces(nil, "output", out, "messages", Flow(r.Messages), "error", failure, "after", after, "usage", usage)
}

// number is a number that is not 0.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func (s *Step) flow() string {
	value := ""
	switch s.Does {
	case CycleStep:
		c := &s.Cycle
		if value = braces(c.Empty, "waves", Flow(c.Waves), "skipped", Flow(c.Skipped), "attempts", Flow(c.Attempts), "sent", Flow(c.Sent)); value == "{}" {
			value = ""
		}
	case ExpectStep:
		value = Flow(s.Expect)
	case SendStep:
		value = Flow(s.Send)
	case FilesStep:
		value = Flow(s.Files)
	case ApproveStep, RejectStep:
		a := &s.Answer
		value = braces(nil, "node", scalar(a.Node.Value), "call", some(a.Call), "value", Flow(a.Value), "comment", Flow(a.Comment), "by", Flow(a.By))
	case WaitStep:
		value = s.For.String()
	case CancelStep:
		if s.Node.Value != "" {
			value = braces(nil, "node", scalar(s.Node.Value))
		}
	case CrashStep:
		if s.Node.Value != "" {
			value = braces(nil, "after", scalar(s.Node.Value))
		}
	}
	if value == "" {
		return string(s.Does)
	}
	return string(s.Does) + ": " + value
}

// Flow is a value in one line of YAML; "" for nil.
func Flow(n *tree.Node) string {
	if n == nil {
		return ""
	}
	switch n.Kind {
	case tree.List:
		parts := make([]string, len(n.Items))
		for i, it := range n.Items {
			parts[i] = Flow(it)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case tree.Map:
		parts := make([]string, len(n.Fields))
		for i, f := range n.Fields {
			parts[i] = scalar(f.Key.Value) + ": " + Flow(f.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case tree.String:
		return scalar(n.Text.Value)
	}
	return value.String(n.Value())
}

var (
	plain    = late.Regexp(`^[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*$`)
	reserved = []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
)

// scalar is a text as YAML: plain where every reader takes it for a text, else in quotes.
func scalar(text string) string {
	switch {
	case plain().MatchString(text) && !slices.Contains(reserved, strings.ToLower(text)):
		return text
	case text != "" && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) || c == '\'' }) && strings.Contains(text, `"`):
		return "'" + text + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c > 0xffff:
			b.WriteString(`\U` + hex(c, 8))
		default:
			b.WriteString(`\u` + hex(c, 4))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func hex(c rune, digits int) string {
	s := strconv.FormatInt(int64(c), 16)
	return strings.Repeat("0", digits-len(s)) + s
}
