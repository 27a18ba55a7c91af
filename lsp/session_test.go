package lsp

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const small = `graphrun: 1
name: small
state: {text: string, done: boolean}
nodes:
  a: {uses: set, with: {value: "😀😀"}, writes: {text: output.value}}
  b: {uses: set, with: {done: true}, writes: [done]}
edges:
  - {to: a, when: '"😀" != "" and state.txt == ""'}
  - {from: a, to: b}
stop: state.done
`

func shown(p publishParams) string {
	var b strings.Builder
	for _, d := range p.Diagnostics {
		fmt.Fprintf(&b, "%d:%d-%d:%d %d %s %s\n", d.Range.Start.Line, d.Range.Start.Character, d.Range.End.Line, d.Range.End.Character,
			d.Severity, d.Code, strings.ReplaceAll(d.Message, "\n", " | "))
	}
	return b.String()
}

// TestProblemsWhileTyping: an editor opens a file and types; the problems follow, in the
// columns of the editor, also while the text is no YAML.
func TestProblemsWhileTyping(t *testing.T) {
	t.Parallel()
	for name, crlf := range map[string]bool{"LF": false, "CRLF": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := small
			if crlf {
				text = strings.ReplaceAll(text, "\n", "\r\n")
			}
			const uri = "file:///graphs/small.graphrun.yaml"
			c := start(t, Options{})
			c.didOpen(uri, text)
			got := c.problems(uri)
			want := "7:40-7:43 1 unknown-property \"state\" has no property \"txt\" | help: did you mean \"text\"?\n"
			if shown(got) != want || *got.Version != 1 {
				t.Errorf("version %d has\n%swant\n%s", *got.Version, shown(got), want)
			}
			// The emoji before the place count twice.
			text = c.edit(uri, 2, text, "state.txt", "state.text")
			if got = c.problems(uri); shown(got) != "" || *got.Version != 2 {
				t.Errorf("version %d has\n%s", *got.Version, shown(got))
			}
			text = c.edit(uri, 3, text, "{from: a, to: b}", "{from: a, to: b")
			if got = c.problems(uri); !strings.Contains(shown(got), "1 yaml-syntax ") {
				t.Errorf("an open brace: %q", shown(got))
			}
			text = c.edit(uri, 4, text, "to: b", "to: c}")
			if got = c.problems(uri); !strings.HasPrefix(shown(got), "8:18-8:19 1 unknown-node unknown node \"c\"") {
				t.Errorf("a node that is not there: %q", shown(got))
			}
			c.notify("textDocument/didChange", map[string]any{
				"textDocument":   versionedID{uri, 5},
				"contentChanges": []any{map[string]any{"text": strings.Replace(text, "to: c}", "to: b}", 1)}},
			})
			if got = c.problems(uri); shown(got) != "" {
				t.Errorf("the whole text replaced: %q", shown(got))
			}
			c.notify("textDocument/didClose", map[string]any{"textDocument": documentID{uri}})
			if got = c.problems(uri); len(got.Diagnostics) != 0 {
				t.Errorf("a closed text keeps %v", got.Diagnostics)
			}
			c.request("shutdown", nil, nil)
			c.notify("exit", nil)
			if err := <-c.over; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestProblemsOfOtherFiles: what is wrong in a graph that another one runs is shown there,
// and taken back when the text that named it is closed.
func TestProblemsOfOtherFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inner := filepath.Join(dir, "in ner.graphrun.yaml")
	if err := os.WriteFile(inner, []byte("graphrun: 1\nname: inner\nnodes:\n  a: {uses: nothing}\nedges: [{to: a}]\nonce: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{})
	uri := uriOf(filepath.Join(dir, "outer.graphrun.yaml"))
	c.didOpen(uri, "graphrun: 1\nname: outer\nnodes:\n  sub: {uses: graph, with: {file: in ner.graphrun.yaml}}\nedges: [{to: sub}]\nonce: true\n")
	if got := c.problems(uriOf(inner)); !strings.HasPrefix(shown(got), "3:12-3:19 1 unknown-kind ") {
		t.Errorf("the inner graph has %q", shown(got))
	}
	c.notify("textDocument/didClose", map[string]any{"textDocument": documentID{uri}})
	if got := c.problems(uriOf(inner)); len(got.Diagnostics) != 0 {
		t.Errorf("the inner graph keeps %q", shown(got))
	}
}

// TestOpenTextsCount: a text that is open counts in place of its file, for graphs and tests
// that name it, from the moment it changes until it is closed.
func TestOpenTextsCount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const sound = "graphrun: 1\nname: inner\nparams: {a: string}\nnodes:\n  a: {uses: set, with: {value: \"${{ params.a }}\"}}\nedges: [{to: a}]\nonce: true\n"
	inner := filepath.Join(dir, "inner.graphrun.yaml")
	if err := os.WriteFile(inner, []byte(sound), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{})
	outer, tests := uriOf(filepath.Join(dir, "outer.graphrun.yaml")), uriOf(filepath.Join(dir, "inner.test.yaml"))
	c.didOpen(outer, "graphrun: 1\nname: outer\nnodes:\n  sub: {uses: graph, with: {file: inner.graphrun.yaml, params: {a: x}}}\nedges: [{to: sub}]\nonce: true\n")
	if got := c.problems(outer); len(got.Diagnostics) > 0 {
		t.Fatalf("%q", shown(got))
	}
	c.didOpen(tests, "graphrun-test: 1\ngraph: inner.graphrun.yaml\ntests:\n  - name: one\n    params: {a: x}\n    end: {status: completed}\n")
	if got := c.problems(tests); len(got.Diagnostics) > 0 {
		t.Fatalf("%q", shown(got))
	}
	c.didOpen(uriOf(inner), sound)
	for _, uri := range []string{uriOf(inner), tests, outer} {
		c.problems(uri)
	}
	c.edit(uriOf(inner), 2, sound, "{a: string}", "{b: string, a: string}")
	if got := c.problems(tests); !strings.Contains(shown(got), "missing-param") {
		t.Errorf("the test has %q", shown(got))
	}
	if got := c.problems(outer); !strings.Contains(shown(got), "missing-param") {
		t.Errorf("the graph around has %q", shown(got))
	}
	c.notify("textDocument/didClose", map[string]any{"textDocument": documentID{uriOf(inner)}})
	for _, uri := range []string{tests, outer} {
		if got := c.problems(uri); len(got.Diagnostics) > 0 {
			t.Errorf("closed: %q", shown(got))
		}
	}
}

// TestSession: the order of a session, and what is answered to messages that have no place
// in it.
func TestSession(t *testing.T) {
	t.Parallel()
	c := dial(t, Options{})
	if m := c.ask("textDocument/hover", nil); m.Error == nil || m.Error.Code != codeNotStarted {
		t.Errorf("before initialize: %v", m.Error)
	}
	c.request("initialize", map[string]any{"capabilities": map[string]any{}}, nil)
	if m := c.ask("initialize", nil); m.Error == nil || m.Error.Code != codeInvalid {
		t.Errorf("initialize again: %v", m.Error)
	}
	if m := c.ask("nothing/known", nil); m.Error == nil || m.Error.Code != codeNoMethod {
		t.Errorf("an unknown request: %v", m.Error)
	}
	if err := writeFrame(c.w, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if m := <-c.got; m.ID != nil || m.Error == nil || m.Error.Code != codeParse {
		t.Errorf("half a message: %+v", m)
	}
	c.notify("nothing/known", nil)
	c.notify("textDocument/didChange", map[string]any{"textDocument": versionedID{"file:///never/opened", 1}})
	c.request("shutdown", nil, nil)
	if m := c.ask("textDocument/hover", nil); m.Error == nil || m.Error.Code != codeInvalid {
		t.Errorf("after shutdown: %v", m.Error)
	}
	c.notify("exit", nil)
	if err := <-c.over; err != nil {
		t.Errorf("an orderly end: %v", err)
	}
}

// TestSessionBreaks: an editor that dies, and one that does not speak the protocol.
func TestSessionBreaks(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	if err := c.w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-c.over; !errors.Is(err, ErrNoShutdown) {
		t.Errorf("an editor that dies: %v", err)
	}
	for in, want := range map[string]string{
		"hello\r\n":                              "is no header",
		"Content-Length: x\r\n\r\n":              "the Content-Length is",
		"Content-Length: 99999999999\r\n\r\n":    "the Content-Length is",
		"Content-Type: a\r\n\r\n":                "no Content-Length",
		"Content-Length: 10\r\n\r\n{}":           "unexpected EOF",
		"Content-Length: 1":                      "unexpected EOF",
		"A: " + strings.Repeat("b", 5000) + "\n": "header",
	} {
		err := Serve(t.Context(), strings.NewReader(in), io.Discard, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q", in, err, want)
		}
	}
}

// TestURIs: a path survives its way through a URI, and the forms of VS Code are understood.
func TestURIs(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"/a/b c.yaml", "/ä/ö#?%20.yaml"} {
		if got := fileOf(uriOf(file)); got != file {
			t.Errorf("%q comes back as %q by %q", file, got, uriOf(file))
		}
	}
	if got := fileOf("untitled:Untitled-1"); got != "untitled:Untitled-1" {
		t.Errorf("a text without a file: %q", got)
	}
	if u, err := url.Parse(uriOf("a b.yaml")); err != nil || u.Scheme != "file" {
		t.Errorf("%v: %v", u, err)
	}
}

// TestPositions: places and positions are each other's opposite, with byte order marks,
// characters beyond UTF-16's first plane, and all line breaks.
func TestPositions(t *testing.T) {
	t.Parallel()
	d := newDocument("file:///x", 1, byteOrderMark+"a😀b\r\nc\rd\nö")
	if len(d.lines) != 4 {
		t.Fatalf("%d lines: %v", len(d.lines), d.lines)
	}
	for line, last := range []int{4, 1, 1, 1} {
		for ch := 0; ch <= last; ch++ {
			p := position{line, ch}
			if line == 0 && (ch == 0 || ch == 3) {
				continue // the mark, and the middle of the emoji
			}
			if got := d.position(d.place(p)); got != p {
				t.Errorf("%v is %v is %v", p, d.place(p), got)
			}
		}
	}
	if got := d.place(position{0, 2}); got.Col != 2 {
		t.Errorf("the emoji is in column %d", got.Col)
	}
	if got := d.offset(position{9, 9}); got != len(d.text) {
		t.Errorf("beyond the end is %d", got)
	}
}

// TestOtherTests: a file of tests that are no tests of graphs has no problems.
func TestOtherTests(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	const uri = "file:///other/api.test.yaml"
	c.didOpen(uri, "name: something else\n")
	if got := c.problems(uri); len(got.Diagnostics) != 0 {
		t.Errorf("%q", shown(got))
	}
	c.edit(uri, 2, "name: something else\n", "name: something else", "graphrun-test: 1")
	if got := c.problems(uri); len(got.Diagnostics) == 0 {
		t.Error("a test of graphs that names no graph has no problems")
	}
}
