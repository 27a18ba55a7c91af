package schema_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/schema"
)

// editor is an editor that has opened one graph file with yaml-language-server.
type editor struct {
	t        *testing.T
	in       io.Writer
	file     string // its URI
	next     int
	version  int
	replies  chan message
	problems chan []diagnostic
}

type message struct {
	ID     *json.RawMessage `json:"id,omitempty"`
	Method string           `json:"method,omitempty"`
	Params json.RawMessage  `json:"params,omitempty"`
	Result json.RawMessage  `json:"result,omitempty"`
	Error  json.RawMessage  `json:"error,omitempty"`
}

type diagnostic struct {
	Message string
	Range   struct{ Start struct{ Line, Character int } }
}

// openEditor starts the language server. It skips where there is none: `npm install
// yaml-language-server`, and YAML_LANGUAGE_SERVER names node_modules/.bin/yaml-language-server.
func openEditor(t *testing.T) *editor {
	t.Helper()
	program := os.Getenv("YAML_LANGUAGE_SERVER")
	if program == "" {
		found, err := exec.LookPath("yaml-language-server")
		if err != nil {
			t.Skip("YAML_LANGUAGE_SERVER names no program, and yaml-language-server is not in PATH (npm install yaml-language-server)")
		}
		program = found
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "graph.schema.json"), schema.Graph(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--stdio")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	e := &editor{t: t, in: in, file: "file://" + dir + "/x.graphrun.yaml", replies: make(chan message, 16), problems: make(chan []diagnostic, 64)}
	settings := map[string]any{"yaml": map[string]any{
		"schemas":  map[string]any{"file://" + dir + "/graph.schema.json": "*.graphrun.yaml"},
		"validate": true, "completion": true, "hover": true, "schemaStore": map[string]any{"enable": false},
	}}
	go e.listen(bufio.NewReader(out), settings)
	e.ask("initialize", map[string]any{"processId": os.Getpid(), "rootUri": "file://" + dir, "capabilities": map[string]any{
		"workspace":    map[string]any{"configuration": true},
		"textDocument": map[string]any{"completion": map[string]any{"completionItem": map[string]any{"documentationFormat": []string{"markdown"}}}},
	}})
	e.tell("initialized", map[string]any{})
	e.tell("workspace/didChangeConfiguration", map[string]any{"settings": settings})
	return e
}

func (e *editor) write(m map[string]any) {
	e.t.Helper()
	m["jsonrpc"] = "2.0"
	b, err := json.Marshal(m)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(b), b); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	e.write(map[string]any{"method": method, "params": params})
}

func (e *editor) ask(method string, params any) json.RawMessage {
	e.t.Helper()
	e.next++
	e.write(map[string]any{"id": e.next, "method": method, "params": params})
	for {
		select {
		case m := <-e.replies:
			if string(*m.ID) != strconv.Itoa(e.next) {
				continue
			}
			if m.Error != nil {
				e.t.Fatalf("%s: %s", method, m.Error)
			}
			return m.Result
		case <-time.After(30 * time.Second):
			e.t.Fatalf("%s: no answer", method)
		}
	}
}

// listen reads what the server says, and answers its questions about settings.
func (e *editor) listen(r *bufio.Reader, settings map[string]any) {
	for {
		head, err := textproto.NewReader(r).ReadMIMEHeader()
		if err != nil {
			return
		}
		n, err := strconv.Atoi(head.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m message
		if json.Unmarshal(body, &m) != nil {
			return
		}
		switch {
		case m.Method == "workspace/configuration":
			var asked struct{ Items []struct{ Section string } }
			_ = json.Unmarshal(m.Params, &asked)
			all := make([]any, len(asked.Items))
			for i, item := range asked.Items {
				all[i] = settings[item.Section]
			}
			e.write(map[string]any{"id": m.ID, "result": all})
		case m.Method != "" && m.ID != nil:
			e.write(map[string]any{"id": m.ID, "result": nil})
		case m.Method == "textDocument/publishDiagnostics":
			var p struct{ Diagnostics []diagnostic }
			_ = json.Unmarshal(m.Params, &p)
			e.problems <- p.Diagnostics
		case m.ID != nil:
			e.replies <- m
		}
	}
}

// show opens a text, or changes the file to it, and gives the problems that the editor shows.
func (e *editor) show(text string) []diagnostic {
	e.t.Helper()
	for len(e.problems) > 0 {
		<-e.problems
	}
	e.version++
	if e.version == 1 {
		e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": e.file, "languageId": "yaml", "version": 1, "text": text}})
	} else {
		e.tell("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": e.file, "version": e.version}, "contentChanges": []any{map[string]any{"text": text}}})
	}
	select {
	case p := <-e.problems:
		return p
	case <-time.After(30 * time.Second):
		e.t.Fatal("no problems were published, not even none")
		return nil
	}
}

// at shows a text without its ‸, and gives the place of that.
func (e *editor) at(text string) map[string]any {
	e.t.Helper()
	before, after, ok := strings.Cut(text, "‸")
	if !ok {
		e.t.Fatalf("no ‸ in %q", text)
	}
	e.show(before + after)
	lines := strings.Split(before, "\n")
	return map[string]any{"textDocument": map[string]any{"uri": e.file}, "position": map[string]any{"line": len(lines) - 1, "character": len(lines[len(lines)-1])}}
}

// complete gives what the editor offers at the ‸ of a text, with the words beside it.
func (e *editor) complete(text string) map[string]string {
	e.t.Helper()
	var list struct {
		Items []struct {
			Label         string
			Documentation any
		}
	}
	answer := e.ask("textDocument/completion", e.at(text))
	if err := json.Unmarshal(answer, &list); err != nil {
		if err := json.Unmarshal(answer, &list.Items); err != nil {
			e.t.Fatal(err)
		}
	}
	got := map[string]string{}
	for _, item := range list.Items {
		words, _ := item.Documentation.(string)
		if m, ok := item.Documentation.(map[string]any); ok {
			words, _ = m["value"].(string)
		}
		got[item.Label] = words
	}
	return got
}

func (e *editor) hover(text string) string {
	e.t.Helper()
	return string(e.ask("textDocument/hover", e.at(text)))
}

const head = "graphrun: 1\nname: x\n"

// TestEditors lets yaml-language-server, which editors use for YAML, show what the schema says.
func TestEditors(t *testing.T) {
	t.Parallel()
	e := openEditor(t)

	graphs, err := filepath.Glob("../graphs/*/*.graphrun.yaml")
	if err != nil || len(graphs) == 0 {
		t.Fatalf("no graphs: %v", err)
	}
	for _, file := range graphs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.show(string(text)); len(got) > 0 {
			t.Errorf("%s: %v", file, got)
		}
	}

	for text, want := range map[string]string{
		head + "nodes: {a: {uses: set, timeout: 5 minutes}}":                                "expected a duration as 500ms, 5s",
		head + "nodes: {a: {uses: set, join: two}}":                                         "expected any, all, none, first or at_least(N)",
		head + "state: {n: {type: integer, reduce: add}}\nnodes: {}":                        "expected replace, last, append",
		head + "state: {n: \"list<string>\"}\nnodes: {}":                                    "expected a type: string, integer",
		head + "nodes: {a: {uses: exec, with: {command: [a], parse: yaml}}}":                `"lines"`,
		head + "nodes: {a: {uses: set}}\nedges: [{to: a, outcome: sucess}]":                 `"unless_failed"`,
		head + "nodes: {a: {uses: set}}\npools: {p: {rate: 60 per minute}}":                 "expected a rate as 60/m",
		"graphrun: 1\nname: Big Name\nnodes: {a: {uses: set}}":                              "expected a name: a small letter",
		head + "nodes: {a: {uses: set, wiht: {}}}":                                          "wiht",
		head + "nodes: {a: {uses: exec, with: {comand: [a]}}}":                              "comand",
		head + "nodes: {a: {uses: agent, with: {model: m, input: a, reasoning: \"hihg\"}}}": `"high"`,
	} {
		got := e.show(text)
		if !slices.ContainsFunc(got, func(d diagnostic) bool { return strings.Contains(d.Message, want) }) {
			t.Errorf("%s\nlacks %s: %v", text, want, got)
		}
	}

	for text, want := range map[string]map[string]string{
		head + "nodes:\n  a:\n    uses: ‸":                                            {"exec": "", "agent": "", "approval": ""},
		head + "nodes:\n  a:\n    uses: set\n    join: ‸":                             {"any": "at least one incoming edge", "first": "not waited for", "at_least(2)": ""},
		head + "state:\n  a: ‸":                                                       {"integer": "64 bits", "list(string)": ""},
		head + "state:\n  a:\n    type: ‸":                                            {"integer": "64 bits", "list(string)": "", "string": "text"},
		head + "state:\n  a:\n    type: integer\n    reduce: ‸":                       {"sum": "adds a number", "upsert(id)": "", "append": "end of a list"},
		head + "nodes:\n  a:\n    uses: exec\n    with:\n      parse: ‸":              {"lines": "a list of the lines", "full": "exit code"},
		head + "nodes:\n  a:\n    uses: exec\n    with:\n      ‸":                     {"command": "The program and its arguments", "parse": "How standard output becomes"},
		head + "nodes:\n  a:\n    uses: set\nedges:\n  - to: a\n    outcome: ‸":       {"failure": "takes the failure", "success": ""},
		head + "nodes:\n  a:\n    uses: set\n    retry:\n      backoff: ‸":            {"1m30s": ""},
		head + "nodes:\n  a:\n    uses: set\n    ‸":                                   {"for_each": "once per element", "writes": "Keys of the state"},
		head + "types:\n  T:\n    type: object\n    properties:\n      a:\n        ‸": {"items": "elements of a list", "enum": "only values"},
	} {
		got := e.complete(text)
		for label, words := range want {
			if said, ok := got[label]; !ok || !strings.Contains(said, words) {
				t.Errorf("%s\noffers %q: %v, with %q, expected %q", text, label, ok, said, words)
			}
		}
	}

	for text, want := range map[string]string{
		head + "nodes:\n  a:\n    uses: set\n    ba‸ckground: true":          "Neither the wave nor the cycle waits",
		head + "nodes:\n  a:\n    uses: exec\n    with:\n      pa‸rse: text": "How standard output becomes the output",
		head + "nodes: {}\npau‸se: 5s":                                       "Time between two cycles",
	} {
		if got := e.hover(text); !strings.Contains(got, want) {
			t.Errorf("%s\nhover lacks %q: %s", text, want, got)
		}
	}
}
