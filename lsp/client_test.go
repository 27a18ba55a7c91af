package lsp

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/nodes/std"
)

// client is the editor's side of a session.
type client struct {
	t    testing.TB
	w    *io.PipeWriter
	got  chan message2
	over chan error // what Serve returned
	next int
}

// message2 is whatever a server sends.
type message2 struct {
	ID     *int            `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}

// start begins a session that is initialized as VS Code does it.
func start(t testing.TB, o Options) *client {
	t.Helper()
	c := dial(t, o)
	c.request("initialize", map[string]any{
		"processId": 1, "clientInfo": map[string]any{"name": "Visual Studio Code", "version": "1.101.0"},
		"rootUri": nil, "trace": "off", "workspaceFolders": nil,
		"capabilities": map[string]any{
			"general": map[string]any{"positionEncodings": []string{"utf-16"}},
			"textDocument": map[string]any{
				"synchronization":    map[string]any{"didSave": true, "dynamicRegistration": true},
				"publishDiagnostics": map[string]any{"relatedInformation": true, "versionSupport": false},
			},
		},
	}, nil)
	c.notify("initialized", map[string]any{})
	return c
}

func dial(t testing.TB, o Options) *client {
	t.Helper()
	if o.Kinds == nil {
		o.Kinds = std.Registry()
	}
	in, w := io.Pipe()
	r, out := io.Pipe()
	c := &client{t: t, w: w, got: make(chan message2, 256), over: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		err := Serve(ctx, in, out, o)
		_ = out.Close()
		c.over <- err
	}()
	go func() {
		defer close(c.got)
		for from := bufio.NewReader(r); ; {
			body, err := readFrame(from)
			if err != nil {
				return
			}
			var m message2
			if err := json.Unmarshal(body, &m); err != nil {
				t.Errorf("the server sent %q: %v", body, err)
				return
			}
			c.got <- m
		}
	}()
	t.Cleanup(func() { cancel(); _ = w.Close() })
	return c
}

func (c *client) send(v any) {
	c.t.Helper()
	body, err := json.Marshal(v)
	if err == nil {
		err = writeFrame(c.w, body)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) notify(method string, params any) {
	c.t.Helper()
	c.send(notification{"2.0", method, params})
}

// ask sends a request, and gives its answer. What comes before it is dropped.
func (c *client) ask(method string, params any) message2 {
	c.t.Helper()
	c.next++
	id, _ := json.Marshal(c.next)
	p, err := json.Marshal(params)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(message{"2.0", id, method, p})
	for m := range c.got {
		if m.ID != nil && *m.ID == c.next {
			return m
		}
	}
	c.t.Fatalf("%s: the session ended without an answer", method)
	return message2{}
}

// request is ask for a request that must be answered, into result if it is not nil.
func (c *client) request(method string, params, result any) {
	c.t.Helper()
	m := c.ask(method, params)
	if m.Error != nil {
		c.t.Fatalf("%s: %v", method, m.Error)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			c.t.Fatalf("%s: %s: %v", method, m.Result, err)
		}
	}
}

// problems waits for the next problems of a text.
func (c *client) problems(uri string) publishParams {
	c.t.Helper()
	for m := range c.got {
		var p publishParams
		if m.Method != "textDocument/publishDiagnostics" {
			continue
		}
		if err := json.Unmarshal(m.Params, &p); err != nil {
			c.t.Fatal(err)
		}
		if p.URI == uri {
			return p
		}
	}
	c.t.Fatal("the session ended")
	return publishParams{}
}

func (c *client) didOpen(uri, text string) {
	c.t.Helper()
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "yaml", "version": 1, "text": text}})
}

// edit replaces the one occurrence of old in text, as an editor does: by a range. It returns
// the new text.
func (c *client) edit(uri string, version int, text, old, by string) string {
	c.t.Helper()
	at := strings.Index(text, old)
	if at < 0 || strings.Count(text, old) != 1 {
		c.t.Fatalf("%q is not once in the text", old)
	}
	c.notify("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": uri, "version": version},
		"contentChanges": []any{map[string]any{"range": textRange{units(text, at), units(text, at+len(old))}, "text": by}},
	})
	return text[:at] + by + text[at+len(old):]
}

// units is the place of a byte of a text, as an editor counts it.
func units(text string, off int) position {
	before := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text[:off])
	line := strings.Count(before, "\n")
	last := before[strings.LastIndex(before, "\n")+1:]
	n := 0
	for _, r := range last {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return position{line, n}
}
