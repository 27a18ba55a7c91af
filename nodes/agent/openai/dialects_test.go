package openai_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/openai"
)

// ask has a model answered with a body.
func ask(t *testing.T, q *agent.Request, status int, kind, body string) (*agent.Response, string, error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	m, err := openai.New(agent.ProviderConfig{Name: "p", BaseURL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	r, err := m.Ask(t.Context(), q, func(s string) { said.WriteString(s) })
	return r, said.String(), err
}

// events is a stream of chunks, with its end.
func events(chunks ...string) string {
	return "data: " + strings.Join(chunks, "\n\ndata: ") + "\n\ndata: [DONE]\n\n"
}

// body is an answer whose message has fields of its own.
func body(message string) string {
	return `{"model":"x","choices":[{"index":0,"message":{"role":"assistant",` + message + `},"finish_reason":"stop"}]}`
}

func piece(delta string) string { return `{"choices":[{"index":0,"delta":{` + delta + `}}]}` }

const stopped = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`

// TestDialects: what servers send that says the same, or that few have seen.
func TestDialects(t *testing.T) {
	t.Parallel()
	call := func(id, name string, args any) agent.Call { return agent.Call{ID: id, Name: name, Args: args} }
	type object = map[string]any
	none := object{}
	for name, c := range map[string]struct {
		body  string
		text  string
		stop  agent.Stop
		calls []agent.Call
		raw   any
		usage agent.Usage
	}{
		"parts": {body: body(`"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]`), text: "ab"},
		"a part of an unknown type": {body: body(`"content":[{"type":"text","text":"a"},{"type":"scent","of":"rose"}]`), text: "a",
			raw: object{"from": "p", "content": []any{object{"type": "text", "text": "a"}, object{"type": "scent", "of": "rose"}}}},
		"no finish reason":      {body: `{"choices":[{"message":{"content":"a"}}]}`, text: "a"},
		"null fields":           {body: `{"model":null,"usage":null,"error":null,"choices":[{"index":0,"finish_reason":null,"logprobs":null,"message":{"content":null,"tool_calls":null,"refusal":null,"function_call":null,"audio":null}}]}`},
		"fields of other types": {body: `{"model":7,"created":"now","usage":[],"choices":[{"index":0,"message":{"content":"a","tool_calls":{}}}]}`, text: "a"},
		"several choices":       {body: `{"choices":[{"index":1,"message":{"content":"b"}},{"index":0,"message":{"content":"a"}}]}`, text: "a"},
		"a byte order mark":     {body: "\ufeff" + body(`"content":"a"`), text: "a"},
		"half a character":      {body: body(`"content":"a\ud83d"`), text: "a\ufffd"},
		"no id of a call":       {body: body(`"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"g"}}]`), calls: []agent.Call{call("?", "f", none), call("?", "g", none)}},
		"one id for two calls, one index": {body: body(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"i","function":{"name":"f","arguments":"{\"a\":1}"}}]`),
			calls: []agent.Call{call("i", "f", none), call("?", "f", object{"a": int64(1)})}},
		"arguments as an object": {body: body(`"tool_calls":[{"id":"i","function":{"name":"f","arguments":{"a":1}}}]`), calls: []agent.Call{call("i", "f", object{"a": int64(1)})}},
		"malformed arguments":    {body: body(`"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{\"a\":"}}]`), calls: []agent.Call{{ID: "i", Name: "f", Text: `{"a":`}}},
		"arguments of a list":    {body: body(`"tool_calls":[{"id":"i","function":{"name":"f","arguments":"[1]"}}]`), calls: []agent.Call{{ID: "i", Name: "f", Text: `[1]`}}},
		"the form before tools":  {body: body(`"content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}`), calls: []agent.Call{call("?", "f", object{"a": int64(1)})}},
		"a custom tool":          {body: body(`"tool_calls":[{"id":"i","type":"custom","custom":{"name":"f","input":"free text"}}]`), calls: []agent.Call{{ID: "i", Name: "f", Text: "free text"}}},
		"fields of a call": {body: body(`"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}]`),
			calls: []agent.Call{call("i", "f", none)}, raw: object{"from": "p", "tool_calls": []any{object{"extra_content": object{"google": object{"thought_signature": "s"}}}}}},
		"reasoning":         {body: body(`"content":"a","reasoning":"hm"`), text: "a", raw: object{"from": "p", "reasoning": "hm"}},
		"audio":             {body: body(`"content":null,"audio":{"id":"au","data":"UklGRg==","transcript":"spoken","expires_at":1}`), text: "spoken", raw: object{"from": "p", "audio": object{"id": "au"}}},
		"a refusal":         {body: body(`"content":null,"refusal":"I will not."`), stop: agent.StopRefusal},
		"a filter":          {body: strings.Replace(body(`"content":"a"`), `"stop"`, `"content_filter"`, 1), text: "a", stop: agent.StopRefusal},
		"a full window":     {body: strings.Replace(body(`"content":"a"`), `"stop"`, `"model_context_window_exceeded"`, 1), text: "a", stop: agent.StopLength},
		"usage of DeepSeek": {body: `{"usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_cache_hit_tokens":4},"choices":[{"message":{"content":""}}]}`, usage: agent.Usage{Input: 10, Cached: 4, Output: 2, Reported: true}},
		"usage as floats":   {body: `{"usage":{"prompt_tokens":10.0,"completion_tokens":2.0},"choices":[{"message":{"content":""}}]}`, usage: agent.Usage{Input: 10, Output: 2, Reported: true}},
		"usage of nothing":  {body: `{"usage":{"prompt_tokens":0,"completion_tokens":0},"choices":[{"message":{"content":""}}]}`},

		"a stream":                    {body: events(piece(`"content":"a"`), piece(`"content":"b"`), stopped), text: "ab"},
		"a stream with CRLF":          {body: strings.ReplaceAll(events(piece(`"content":"a"`), stopped), "\n", "\r\n"), text: "a"},
		"a stream with CR":            {body: strings.ReplaceAll(events(piece(`"content":"a"`), stopped), "\n", "\r"), text: "a"},
		"a stream without spaces":     {body: strings.ReplaceAll(events(piece(`"content":"a"`), stopped), "data: ", "data:"), text: "a"},
		"comments and other fields":   {body: "\ufeff: hello\n\nretry: 5\nid: 7\nevent: message\n" + events(piece(`"content":"a"`), stopped), text: "a"},
		"data of several lines":       {body: "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"}}]}\n\n" + events(stopped), text: "a"},
		"no line after the last":      {body: "data: " + piece(`"content":"a"`) + "\n\ndata: [DONE]", text: "a"},
		"no DONE":                     {body: "data: " + piece(`"content":"a"`) + "\n\ndata: " + stopped, text: "a"},
		"no finish reason, but DONE":  {body: events(piece(`"content":"a"`)), text: "a"},
		"empty choices":               {body: events(`{"choices":[],"prompt_filter_results":[]}`, piece(`"content":"a"`), stopped, `{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}`), text: "a", usage: agent.Usage{Input: 3, Output: 1, Reported: true}},
		"usage of Groq":               {body: events(piece(`"content":"a"`), `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":1}}}`), text: "a", usage: agent.Usage{Input: 3, Output: 1, Reported: true}},
		"usage in a choice":           {body: events(piece(`"content":"a"`), `{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":1}}]}`), text: "a", usage: agent.Usage{Input: 3, Output: 1, Reported: true}},
		"several choices in a stream": {body: events(`{"choices":[{"index":1,"delta":{"content":"x"}}]}`, piece(`"content":"a"`), stopped), text: "a"},
		"a call in pieces": {body: events(piece(`"tool_calls":[{"index":0,"id":"i","type":"function","function":{"name":"f","arguments":""}}]`), piece(`"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]`), piece(`"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]`), stopped),
			calls: []agent.Call{call("i", "f", object{"a": int64(1)})}},
		"calls in turns": {body: events(piece(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":""}},{"index":1,"id":"j","function":{"name":"g","arguments":"{"}}]`), piece(`"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]`), piece(`"tool_calls":[{"index":1,"function":{"arguments":"}"}}]`), stopped),
			calls: []agent.Call{call("i", "f", none), call("j", "g", none)}},
		"id and name in every piece":      {body: events(piece(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{"}}]`), piece(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"}"}}]`), stopped), calls: []agent.Call{call("i", "f", none)}},
		"one index for all calls":         {body: events(piece(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{}"}}]`), piece(`"tool_calls":[{"index":0,"id":"j","function":{"name":"g","arguments":"{}"}}]`), stopped), calls: []agent.Call{call("i", "f", none), call("j", "g", none)}},
		"one index and no ids":            {body: events(piece(`"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]`), piece(`"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\":1}"}}]`), stopped), calls: []agent.Call{call("?", "f", none), call("?", "f", object{"a": int64(1)})}},
		"no index":                        {body: events(piece(`"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{"}}]`), piece(`"tool_calls":[{"function":{"arguments":"}"}}]`), piece(`"tool_calls":[{"id":"j","function":{"name":"g","arguments":"{}"}}]`), stopped), calls: []agent.Call{call("i", "f", none), call("j", "g", none)}},
		"the form before tools in pieces": {body: events(piece(`"function_call":{"name":"f","arguments":""}`), piece(`"function_call":{"arguments":"{\"a\""}`), piece(`"function_call":{"arguments":":1}"}`), stopped), calls: []agent.Call{call("?", "f", object{"a": int64(1)})}},
		"thinking in parts": {body: events(piece(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]}]`), piece(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"m"}]}]`), piece(`"content":"a"`), piece(`"content":"b"`), stopped), text: "ab",
			raw: object{"from": "p", "content": []any{object{"type": "thinking", "thinking": []any{object{"type": "text", "text": "hm"}}}, object{"type": "text", "text": "ab"}}}},
		"details of reasoning": {body: events(piece(`"reasoning_details":[{"type":"reasoning.text","text":"h","index":0}]`), piece(`"reasoning_details":[{"type":"reasoning.text","text":"m","index":0}]`), piece(`"reasoning_details":[{"type":"reasoning.text","signature":"s","index":0}]`), stopped),
			raw: object{"from": "p", "reasoning_details": []any{object{"type": "reasoning.text", "text": "hm", "signature": "s", "index": int64(0)}}}},
		"reasoning in pieces": {body: events(piece(`"reasoning_content":"h"`), piece(`"reasoning_content":"m","content":null`), piece(`"content":"a"`), stopped), text: "a", raw: object{"from": "p", "reasoning_content": "hm"}},
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
			got := r.Message.Calls
			seen := map[string]bool{}
			for i, call := range got {
				if call.ID == "" || seen[call.ID] {
					t.Errorf("call %d has the id %q", i, call.ID)
				}
				seen[call.ID] = true
				if i < len(c.calls) && c.calls[i].ID == "?" {
					got[i].ID = "?"
				}
			}
			if r.Message.Content != c.text || said != c.text || r.Stop != c.stop || r.Message.Role != "assistant" {
				t.Errorf("got %q, %q, %s, want %q, %s", r.Message.Content, said, r.Stop, c.text, c.stop)
			}
			if diff := cmp.Diff(c.calls, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.raw, r.Message.Raw); diff != "" {
				t.Error(diff)
			}
			if r.Usage != c.usage {
				t.Errorf("usage is %+v, want %+v", r.Usage, c.usage)
			}
		})
	}
}

// TestFailures: what is no answer is an error with what the provider said.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       agent.Error
	}{
		"an error":               {400, "", `{"error":{"message":"No such\n\tmodel.","type":"invalid_request_error","code":"model_not_found"}}`, agent.Error{Status: 400, Message: "No such model.", Type: "invalid_request_error"}},
		"an error in a 200":      {200, "", `{"error":{"message":"busy","code":429}}`, agent.Error{Status: 200, Message: "busy", Type: "429"}},
		"an error as a text":     {500, "", `{"error":"it broke"}`, agent.Error{Status: 500, Message: "it broke"}},
		"an error in a list":     {400, "", `[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]`, agent.Error{Status: 400, Message: "bad", Type: "400"}},
		"an error of Mistral":    {422, "", `{"object":"error","message":{"detail":[{"loc":["body"],"msg":"Extra inputs"}]},"type":"invalid_request"}`, agent.Error{Status: 422, Message: "Extra inputs", Type: "invalid_request"}},
		"an error of vLLM":       {400, "", `{"object":"error","message":"too long","type":"BadRequestError","param":null,"code":400}`, agent.Error{Status: 400, Message: "too long", Type: "BadRequestError"}},
		"an error of FastAPI":    {422, "", `{"detail":[{"msg":"field required","type":"missing"}]}`, agent.Error{Status: 422, Message: "field required"}},
		"a page":                 {502, "text/html", `<html><h1>Bad gateway`, agent.Error{Status: 502, Message: "502 Bad Gateway"}},
		"a text":                 {503, "text/plain", "no\nhealthy upstream", agent.Error{Status: 503, Message: "503 Service Unavailable: no healthy upstream"}},
		"nothing":                {529, "", "", agent.Error{Status: 529, Message: "529"}},
		"an error as an event":   {429, "text/event-stream", "data: {\"error\":{\"message\":\"slow\"}}\n\n", agent.Error{Status: 429, Message: "slow"}},
		"a 200 that is not JSON": {200, "text/html", "<html>", agent.Error{Status: 200, Message: "the answer is not JSON: <html>"}},
		"a 200 without choices":  {200, "", `{"ok":true}`, agent.Error{Status: 200, Message: `the answer has no choices: {"ok":true}`}},
		"an empty 200":           {200, "", ``, agent.Error{Cut: true, Message: "the answer broke off before its end"}},
		"half a body":            {200, "", body(`"content":"a"`)[:40], agent.Error{Cut: true, Message: "the answer broke off before its end"}},

		"an error in a stream":       {200, "text/event-stream", events(piece(`"content":"a"`), `{"error":{"message":"overloaded","type":"server_error"}}`), agent.Error{Status: 200, Message: "overloaded", Type: "server_error", Said: 1}},
		"an error event":             {200, "text/event-stream", "event: error\ndata: {\"type\":\"error\",\"message\":\"no more\"}\n\n", agent.Error{Status: 200, Message: "no more", Type: "error"}},
		"an error without its field": {200, "text/event-stream", `{"error":{"message":"no"}}`, agent.Error{Status: 200, Message: "no"}},
		"a finish of error":          {200, "text/event-stream", events(piece(`"content":"a"`), strings.Replace(stopped, "stop", "error", 1)), agent.Error{Status: 200, Message: "the provider ended the answer with error", Type: "error", Said: 1}},
		"a stream without its end":   {200, "text/event-stream", "data: " + piece(`"content":"a"`) + "\n\n", agent.Error{Cut: true, Message: "the answer broke off before its end", Said: 1}},
		"a stream cut in an event":   {200, "text/event-stream", "data: " + piece(`"content":"a"`)[:20], agent.Error{Cut: true, Message: "the answer broke off before its end"}},
		"an event that is not JSON":  {200, "text/event-stream", "data: hello\n\n", agent.Error{Status: 200, Message: "an event of the stream is not JSON: hello"}},
		"a stream of nothing":        {200, "text/event-stream", "data: [DONE]\n\n", agent.Error{Status: 200, Message: "the stream has no choices"}},
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

// TestTooLong: a longer answer than was asked for is a limit, however it comes.
func TestTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	for name, text := range map[string]string{
		"a body":            body(`"content":"` + long + `"`),
		"a stream":          events(piece(`"content":"`+long[:600]+`"`), piece(`"content":"`+long[:600]+`"`), stopped),
		"a call":            events(piece(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"`+long+`"}}]`), stopped),
		"reasoning":         events(piece(`"reasoning":"`+long+`"`), stopped),
		"unknown fields":    events(piece(`"novel":{"x":"`+long+`"}`), stopped),
		"an event of 1 MiB": events(piece(`"content":"`+strings.Repeat(long, 400)+`"`), stopped),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := "application/json"
			if strings.HasPrefix(text, "data") {
				kind = "text/event-stream"
			}
			_, _, err := ask(t, &agent.Request{Stream: true, MaxAnswer: 1000}, 200, kind, text)
			var e *agent.Error
			if !errors.As(err, &e) || !e.Limit {
				t.Errorf("got %v", err)
			}
		})
	}
	// What surrounds a token in a stream does not count.
	var chunks []string
	for range 900 {
		chunks = append(chunks, fmt.Sprintf(`{"id":"chatcmpl-%040d","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"x"}}]}`, 0))
	}
	if _, _, err := ask(t, &agent.Request{Stream: true, MaxAnswer: 1000}, 200, "text/event-stream", events(append(chunks, stopped)...)); err != nil {
		t.Error(err)
	}
}
