//go:build unix

package mcp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/graph/value"
)

// TestAnswersAreText: bytes that are not UTF-8 fail the call, with their place; they never
// become other characters. The server stays.
func TestAnswersAreText(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	task := task(t, `simple {"content":[{"type":"text","text":"caf<E9>"}]}`, "say")
	for range 2 {
		_, err := s.Call(t.Context(), task, "it", "say", nil)
		fails(t, err, "output", `server "it"`, "its answer is not text: byte 0xE9 at offset ")
	}
}

// TestWebAnswersAreText: the same over HTTP.
func TestWebAnswersAreText(t *testing.T) {
	t.Parallel()
	web := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		id := `1`
		if _, rest, ok := strings.Cut(string(body), `"id":`); ok {
			id = rest[:strings.IndexAny(rest, ",}")]
		}
		switch {
		case strings.Contains(string(body), `"initialize"`):
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+id+`,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}}`)
		case strings.Contains(string(body), `"tools/list"`):
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+id+`,"result":{"tools":[{"name":"say","inputSchema":{"type":"object"}}]}}`)
		case strings.Contains(string(body), `"tools/call"`):
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+id+`,"result":{"content":[{"type":"text","text":"caf`+"\xe9"+`"}]}}`)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	s := servers(t, nil)
	_, err := s.Call(t.Context(), taskWith(t, map[string]any{"url": web.URL}, "say"), "it", "say", nil)
	fails(t, err, "output", `server "it"`, "its answer is not text: byte 0xE9 at offset ")
}

// spoilt is a response whose text has a byte that is not UTF-8 where it had SPOILT.
type spoilt struct{ http.ResponseWriter }

func (s spoilt) Unwrap() http.ResponseWriter { return s.ResponseWriter }
func (s spoilt) Flush()                      { _ = http.NewResponseController(s.ResponseWriter).Flush() }
func (s spoilt) Write(b []byte) (int, error) {
	return s.ResponseWriter.Write(bytes.ReplaceAll(b, []byte("SPOILT"), []byte("SPOIL\xe9")))
}

// TestEventsAreText: the same in a stream of events, of both transports. The session continues.
func TestEventsAreText(t *testing.T) {
	t.Parallel()
	server := standard()
	for name, h := range map[string]http.Handler{
		"streamable": mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil),
		"sse":        mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return server }, nil),
	} {
		srv := webServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(spoilt{w}, r) }))
		s := servers(t, nil)
		task := taskWith(t, map[string]any{"url": srv.URL + "/mcp"}, "echo")
		_, err := s.Call(t.Context(), task, "it", "echo", map[string]any{"a": "SPOILT"})
		fails(t, err, "output", `server "it", while tool "echo" ran: its answer is not text: byte 0xE9 at offset `)
		if got := call(t, s, task, "echo", map[string]any{"a": "é"}); got != `{"a":"é"}` {
			t.Errorf("%s: got %v", name, got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestEventsInPieces: an event is read whole, whatever its pieces, and the offset is that
// in its message.
func TestEventsInPieces(t *testing.T) {
	t.Parallel()
	const answer = `{"jsonrpc":"2.0","id":7,"result":{"a":"`
	refused := func(offset int) string {
		return fmt.Sprintf(`data: {"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"MARKbyte 0xFF at offset %d is not UTF-8"}}`+"\n", offset)
	}
	for text, want := range map[string]string{
		"":                                  "",
		": still here\n\n":                  ": still here\n\n",
		"data: " + answer + "é\"}}\r\n\r\n": "data: " + answer + "é\"}}\r\n\r\n",
		"event: message\ndata: " + answer + "\xff\"}}\nid: 3\n\n:\n\n":             refused(len(answer)) + "event: message\nid: 3\n\n:\n\n",
		"data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":7,\"result\":{\"a\":\"\xff\"}}": refused(len(answer) + 1),
		"data: " + strings.Repeat("x", 5000) + "\n\n":                              "data: " + strings.Repeat("x", 5000) + "\n\n",
		"data: \xff\n\n": "data: \xff\n\n", // no answer to anything
	} {
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
			got, err := io.ReadAll(newEvents(io.NopCloser(from), 4500, "MARK"))
			if err != nil || string(got) != want {
				t.Errorf("%.80q: %.200q, %v, want %.200q", text, got, err, want)
			}
		}
	}
}

// TestBoundedText: characters may be cut between two reads, and the offset is that of the
// whole text.
func TestBoundedText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": -1, "aé€😀": -1, "aé\xff": 3, "a€\xe2\x82": 4, "😀\xf0\x9f\x98x": 4} {
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
			got, err := io.ReadAll(&bounded{ReadCloser: io.NopCloser(from), left: 100, text: true})
			var at *value.TextError
			switch {
			case want < 0 && (err != nil || string(got) != text):
				t.Errorf("%q: %q, %v", text, got, err)
			case want >= 0 && (!errors.As(err, &at) || at.Offset != want):
				t.Errorf("%q: %v, want offset %d", text, err, want)
			}
		}
	}
}

// TestDeclaredOutput: what a tool gives is checked against the type in `with`.
func TestDeclaredOutput(t *testing.T) {
	t.Parallel()
	s := servers(t, nil)
	task := task(t, `simple {"content":[],"structuredContent":{"n":"two"}}`, "say")
	set, _ := schema.NewSet(nil)
	task.Output, _ = set.Compile(tree.Of(map[string]any{"type": "object", "properties": map[string]any{"n": "integer"}}))
	task.With = map[string]any{"server": "it", "tool": "say", "output": "declared"}
	_, err := Spec(s).Node.Run(t.Context(), task)
	fails(t, err, "output", "output.n: must be an integer, not a string")
	task.With = map[string]any{"server": "it", "tool": "say"}
	if res, err := Spec(s).Node.Run(t.Context(), task); err != nil {
		t.Errorf("without a type: %v, %v", res, err)
	}
}
