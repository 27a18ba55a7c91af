package anthropic_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
)

type object = map[string]any

// ask has a model answered with a body.
func ask(t *testing.T, q *agent.Request, status int, kind, body string) (*agent.Response, string, error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	m, err := anthropic.New(agent.ProviderConfig{BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	r, err := m.Ask(t.Context(), q, func(s string) { said.WriteString(s) })
	return r, said.String(), err
}

const (
	start = `{"type":"message_start","message":{"type":"message","role":"assistant","model":"x","content":[],"stop_reason":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}`
	stop  = `{"type":"content_block_stop","index":0}`
	end   = `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}`
	last  = `{"type":"message_stop"}`
)

func events(all ...string) string {
	var b strings.Builder
	for _, e := range all {
		var o struct{ Type string }
		_ = json.Unmarshal([]byte(e), &o)
		b.WriteString("event: " + o.Type + "\ndata: " + e + "\n\n")
	}
	return b.String()
}

func begin(block string) string {
	return `{"type":"content_block_start","index":0,"content_block":` + block + `}`
}

func delta(d string) string { return `{"type":"content_block_delta","index":0,"delta":` + d + `}` }

func whole(stop, content string) string {
	return `{"type":"message","role":"assistant","model":"x","content":` + content + `,"stop_reason":` + stop + `,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":7}}`
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	hello := delta(`{"type":"text_delta","text":"hello"}`)
	textStart := begin(`{"type":"text","text":""}`)
	say := []string{start, textStart, hello, stop, end, last}
	for name, c := range map[string]struct {
		body  string
		text  string
		stop  agent.Stop
		calls []agent.Call
		raw   any
	}{
		"a body":                {body: whole(`"end_turn"`, `[{"type":"text","text":"a"},{"type":"tool_use","id":"i","name":"f","input":{"a":1}}]`), text: "a", calls: []agent.Call{{ID: "i", Name: "f", Args: object{"a": int64(1)}}}},
		"content as a text":     {body: whole(`"end_turn"`, `"a"`), text: "a"},
		"no stop reason":        {body: whole(`null`, `[{"type":"text","text":"a"}]`), text: "a"},
		"a limit":               {body: whole(`"max_tokens"`, `[]`), stop: agent.StopLength},
		"a full window":         {body: whole(`"model_context_window_exceeded"`, `[]`), stop: agent.StopLength},
		"a refusal":             {body: whole(`"refusal"`, `[]`), stop: agent.StopRefusal},
		"a pause":               {body: whole(`"pause_turn"`, `[{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}}]`), stop: agent.StopPause, raw: []any{object{"type": "server_tool_use", "id": "s", "name": "web_search", "input": object{"query": "q"}}}},
		"a block of a new type": {body: whole(`"end_turn"`, `[{"type":"hologram","beams":[1,2]},{"type":"text","text":"a"}]`), text: "a", raw: []any{object{"type": "hologram", "beams": []any{int64(1), int64(2)}}, object{"type": "text", "text": "a"}}},
		"thinking and its redacted form": {body: whole(`"end_turn"`, `[{"type":"thinking","thinking":"hm","signature":"s","novel":1},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"a"}]`), text: "a",
			raw: []any{object{"type": "thinking", "thinking": "hm", "signature": "s", "novel": int64(1)}, object{"type": "redacted_thinking", "data": "d"}, object{"type": "text", "text": "a"}}},
		"texts with a source": {body: whole(`"end_turn"`, `[{"type":"text","text":"a"},{"type":"text","text":"b","citations":[{"type":"page_location"}]}]`), text: "ab",
			raw: []any{object{"type": "text", "text": "a"}, object{"type": "text", "text": "b", "citations": []any{object{"type": "page_location"}}}}},
		"no id of a call":         {body: whole(`"tool_use"`, `[{"type":"tool_use","name":"f"},{"type":"tool_use","name":"g","input":null}]`), calls: []agent.Call{{ID: "?", Name: "f", Args: object{}}, {ID: "?", Name: "g", Args: object{}}}},
		"arguments as a text":     {body: whole(`"tool_use"`, `[{"type":"tool_use","id":"i","name":"f","input":"{\"a\":1}"}]`), calls: []agent.Call{{ID: "i", Name: "f", Args: object{"a": int64(1)}}}},
		"arguments that are none": {body: whole(`"tool_use"`, `[{"type":"tool_use","id":"i","name":"f","input":[1]}]`), calls: []agent.Call{{ID: "i", Name: "f", Text: "[1]"}}},

		"a stream":                 {body: events(say...), text: "hello"},
		"no event lines":           {body: "data: " + strings.Join(say, "\n\ndata: ") + "\n\n", text: "hello"},
		"CRLF, comments and pings": {body: "\ufeff: hi\r\n\r\n" + strings.ReplaceAll(events(append([]string{`{"type":"ping"}`}, say...)...), "\n", "\r\n"), text: "hello"},
		"unknown events":           {body: events(start, `{"type":"weather","sun":true}`, textStart, hello, stop, end, last), text: "hello"},
		"no message_stop":          {body: events(say[:5]...), text: "hello"},
		"indexes with gaps":        {body: strings.ReplaceAll(events(say...), `"index":0`, `"index":3`), text: "hello"},
		"a delta without a start":  {body: events(start, hello, end, last), text: "hello"},
		"a call":                   {body: events(start, begin(`{"type":"tool_use","id":"i","name":"f","input":{}}`), delta(`{"type":"input_json_delta","partial_json":""}`), delta(`{"type":"input_json_delta","partial_json":"{\"a\""}`), delta(`{"type":"input_json_delta","partial_json":":1}"}`), stop, end, last), calls: []agent.Call{{ID: "i", Name: "f", Args: object{"a": int64(1)}}}},
		"malformed arguments":      {body: events(start, begin(`{"type":"tool_use","id":"i","name":"f","input":{}}`), delta(`{"type":"input_json_delta","partial_json":"{\"a\""}`), stop, end, last), calls: []agent.Call{{ID: "i", Name: "f", Text: `{"a"`}}},
		"thinking in pieces": {body: events(start, begin(`{"type":"thinking","thinking":"","signature":""}`), delta(`{"type":"thinking_delta","thinking":"h"}`), delta(`{"type":"thinking_delta","thinking":"m"}`), delta(`{"type":"signature_delta","signature":"s"}`), stop, end, last),
			raw: []any{object{"type": "thinking", "thinking": "hm", "signature": "s"}}},
		"citations in pieces": {body: events(start, begin(`{"type":"text","text":"","citations":[]}`), hello, delta(`{"type":"citations_delta","citation":{"url":"u"}}`), stop, end, last), text: "hello",
			raw: []any{object{"type": "text", "text": "hello", "citations": []any{object{"url": "u"}}}}},
		"a call of an MCP server": {body: events(start, begin(`{"type":"mcp_tool_use","id":"i","name":"f","server_name":"s","input":{}}`), delta(`{"type":"input_json_delta","partial_json":"{\"a\":1}"}`), stop, end, last),
			raw: []any{object{"type": "mcp_tool_use", "id": "i", "name": "f", "server_name": "s", "input": object{"a": int64(1)}}}},
		"deltas of a new type": {body: events(start, begin(`{"type":"hologram","light":"","beams":[]}`), delta(`{"type":"light_delta","light":"re"}`), delta(`{"type":"light_delta","light":"d"}`), delta(`{"type":"beam_delta","beams":[1]}`), stop, end, last),
			raw: []any{object{"type": "hologram", "light": "red", "beams": []any{int64(1)}}}},
		"a compaction": {body: events(start, begin(`{"type":"compaction","content":null}`), delta(`{"type":"compaction_delta","content":"short"}`), stop, end, last), raw: []any{object{"type": "compaction", "content": "short"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := "application/json"
			if strings.Contains(c.body, "data:") {
				kind = "text/event-stream"
			}
			r, said, err := ask(t, &agent.Request{Model: "m", Stream: true}, 200, kind, c.body)
			if err != nil {
				t.Fatal(err)
			}
			if c.stop == "" {
				c.stop = agent.StopEnd
			}
			for i := range min(len(r.Message.Calls), len(c.calls)) {
				if c.calls[i].ID == "?" && r.Message.Calls[i].ID != "" {
					r.Message.Calls[i].ID = "?"
				}
			}
			if r.Message.Content != c.text || said != c.text || r.Stop != c.stop || r.Model != "x" {
				t.Errorf("got %q, %q, %s, %s, want %q, %s", r.Message.Content, said, r.Stop, r.Model, c.text, c.stop)
			}
			if diff := cmp.Diff(c.calls, r.Message.Calls, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.raw, r.Message.Raw); diff != "" {
				t.Error(diff)
			}
			if want := (agent.Usage{Input: 5, Cached: 2, Output: 7, Reported: true}); r.Usage != want {
				t.Errorf("usage is %+v, want %+v", r.Usage, want)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	busy := `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}`
	broke := agent.Error{Cut: true, Message: "the answer broke off before its end"}
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       agent.Error
	}{
		"an error":               {529, "", busy, agent.Error{Status: 529, Type: "overloaded_error", Message: "Overloaded"}},
		"an error in a 200":      {200, "", busy, agent.Error{Status: 200, Type: "overloaded_error", Message: "Overloaded"}},
		"an error event":         {200, "text/event-stream", events(start, busy), agent.Error{Status: 200, Type: "overloaded_error", Message: "Overloaded"}},
		"a 200 that is not JSON": {200, "", `hello`, agent.Error{Status: 200, Message: "the answer is not JSON: hello"}},
		"a 200 of nothing":       {200, "", `{}`, agent.Error{Status: 200, Message: "the answer has no content: {}"}},
		"half a body":            {200, "", whole("null", "[]")[:30], broke},
		"a stream without its end": {200, "text/event-stream", events(start, begin(`{"type":"text","text":"a"}`)),
			agent.Error{Cut: true, Message: broke.Message, Said: 8, Used: agent.Usage{Input: 5, Cached: 2, Output: 1, Reported: true}}},
		"a stream cut in an event":  {200, "text/event-stream", events(start) + "data: {\"type\":", broke},
		"an empty stream":           {200, "text/event-stream", "", broke},
		"an event that is not JSON": {200, "text/event-stream", events(start) + "data: hello\n\n", agent.Error{Status: 200, Message: "an event of the stream is not JSON: hello"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.kind == "" {
				c.kind = "application/json"
			}
			_, _, err := ask(t, &agent.Request{Model: "m", Stream: true}, c.status, c.kind, c.body)
			var got *agent.Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTooLong: a longer answer than was asked for is a limit.
func TestTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600)
	for name, d := range map[string]string{
		"text":      `{"type":"text_delta","text":"` + long + `"}`,
		"arguments": `{"type":"input_json_delta","partial_json":"` + long + `"}`,
		"a new one": `{"type":"novel_delta","novel":["` + long + `"]}`,
	} {
		_, _, err := ask(t, &agent.Request{Stream: true, MaxAnswer: 1000}, 200, "text/event-stream", events(start, begin(`{"type":"text","text":""}`), delta(d), delta(d), stop, end, last))
		var e *agent.Error
		if !errors.As(err, &e) || !e.Limit {
			t.Errorf("%s: %v", name, err)
		}
	}
}
