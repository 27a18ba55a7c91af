package openai_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/internal/suites"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/openai"
)

// sent returns what a question is sent as.
func sent(t *testing.T, q *agent.Request) map[string]any {
	t.Helper()
	srv := agenttest.New(t, agenttest.Text("ok").Always())
	m, err := openai.New(agent.ProviderConfig{Name: "p", BaseURL: srv.OpenAI() + "/", Key: "k-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Ask(t.Context(), q, nil); err != nil {
		t.Fatal(err)
	}
	got := srv.Asked()[0]
	if got.Path != "/v1/chat/completions" || got.Key != "k-1" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("asked at %s with %v", got.Path, got.Header)
	}
	return got.JSON
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	return parse(t, text)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	temperature, seed := 0.5, int64(7)
	got := sent(t, &agent.Request{
		Model: "m", Instructions: "Be brief.", Stream: true, MaxTokens: 100, Temperature: &temperature, Seed: &seed, Reasoning: "low",
		Tools: []agent.ToolSpec{{Name: "files/read", Description: "Reads.", Args: map[string]any{"type": "object"}}, {Name: "now"}},
		Messages: []agent.Message{
			{Role: "user", Content: "hello"},
			{Role: "assistant", Calls: []agent.Call{{ID: "c1", Name: "files/read", Args: map[string]any{"p": "a<b"}}, {ID: "c2", Name: "now", Text: "{bad"}},
				Raw: map[string]any{"from": "p", "reasoning": "hm", "annotations": []any{1}, "tool_calls": []any{map[string]any{"extra": true}}}},
			{Role: "tool", Call: "c1", Name: "files/read", Content: "text"},
			{Role: "tool", Call: "c2", Name: "now", Content: ""},
			{Role: "assistant", Content: "done", Raw: map[string]any{"from": "another", "reasoning": "hm"}},
			{Role: "assistant", Content: "and", Raw: []any{map[string]any{"type": "thinking"}}},
			{Role: "user", Content: "more"},
		},
		Extra: map[string]any{"top_p": 0.9, "stream_options": map[string]any{"novel": true}, "model": "other", "max_tokens": 5},
	})
	want := object(t, `{"model":"m","stream":true,"stream_options":{"include_usage":true,"novel":true},"max_tokens":5,"temperature":0.5,"seed":7,"reasoning_effort":"low","top_p":0.9,
		"tools":[{"type":"function","function":{"name":"files__read","description":"Reads.","parameters":{"type":"object"}}},{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{}}}}],
		"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hello"},
		{"role":"assistant","content":null,"reasoning":"hm","tool_calls":[{"id":"c1","type":"function","extra":true,"function":{"name":"files__read","arguments":"{\"p\":\"a<b\"}"}},{"id":"c2","type":"function","function":{"name":"now","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"text"},{"role":"tool","tool_call_id":"c2","content":""},
		{"role":"assistant","content":"done"},{"role":"assistant","content":"and"},{"role":"user","content":"more"}]}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStructured: how an answer of a form is asked for.
func TestStructured(t *testing.T) {
	t.Parallel()
	closed := map[string]any{"type": "object", "required": []any{"a"}, "properties": map[string]any{"a": map[string]any{"type": "string"}}}
	loose := map[string]any{"type": "object", "properties": map[string]any{"a": map[string]any{"type": "string"}}}
	list := map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	for name, c := range map[string]struct {
		schema map[string]any
		how    string
		format string // "" if there is none
		words  bool
	}{
		"auto":             {closed, "auto", `{"type":"json_schema","json_schema":{"name":"Verdict","strict":true,"schema":{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string"}}}}}`, false},
		"schema":           {closed, "schema", `{"type":"json_schema","json_schema":{"name":"Verdict","strict":true,"schema":{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string"}}}}}`, false},
		"not all required": {loose, "auto", `{"type":"json_schema","json_schema":{"name":"Verdict","schema":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}}}}`, false},
		"a list":           {list, "auto", "", true},
		"a list, in spite": {list, "schema", `{"type":"json_schema","json_schema":{"name":"Verdict","strict":true,"schema":{"type":"array","items":{"type":"string"}}}}`, false},
		"json":             {closed, "json", `{"type":"json_object"}`, true},
		"prompt":           {closed, "prompt", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sent(t, &agent.Request{Model: "m", Instructions: "Sort.", Schema: c.schema, SchemaName: "Verdict", Structured: c.how, Messages: []agent.Message{{Role: "user", Content: "x"}}})
			var want any
			if c.format != "" {
				want = object(t, c.format)
			}
			if diff := cmp.Diff(want, got["response_format"]); diff != "" {
				t.Error(diff)
			}
			system := text(lists(got["messages"])[0]["content"])
			if strings.Contains(system, `"type"`) != c.words || !strings.HasPrefix(system, "Sort.") {
				t.Errorf("the instructions are %q", system)
			}
		})
	}
}

// TestRefusedOption: a server that does not know the option for the usage of a stream is
// asked without it, once and for all.
func TestRefusedOption(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t)
	srv.Play(func(q agenttest.Question) agenttest.Reply {
		if _, has := q.JSON["stream_options"]; has {
			return agenttest.Fail(400, "Unrecognized request argument: stream_options")
		}
		return agenttest.Text("ok")
	})
	m, err := openai.New(agent.ProviderConfig{BaseURL: srv.OpenAI()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := m.Ask(t.Context(), &agent.Request{Model: "m", Stream: true}, nil)
		if err != nil || r.Message.Content != "ok" || r.Usage.Reported {
			t.Fatal(r, err)
		}
	}
	if n := len(srv.Asked()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

// TestRoundTrip puts every recorded conversation that a graph can hold as a question, and
// compares the model, messages and tools that are sent with the recorded ones.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	all := suites.Exchanges(t, "chat.jsonl")
	same, why := 0, map[string]int{}
	for _, e := range all {
		var was map[string]any
		if json.Unmarshal([]byte(e.Request), &was) != nil {
			why["the request is not recorded"]++
			continue
		}
		q, reason := question(was)
		if reason != "" {
			why[reason]++
			continue
		}
		if diff := cmp.Diff(meaning(was), meaning(sent(t, q))); diff != "" {
			t.Errorf("%s:\n%s", e.ID, diff)
			continue
		}
		same++
	}
	t.Logf("%d of %d requests say the same; not tried: %v", same, len(all), why)
}

// question makes a question of a recorded request, or says what a graph cannot hold.
func question(was map[string]any) (*agent.Request, string) {
	q := &agent.Request{Model: text(was["model"])}
	for _, tool := range lists(was["tools"]) {
		f, ok := tool["function"].(map[string]any)
		if !ok {
			return nil, "a tool of the provider"
		}
		args, _ := f["parameters"].(map[string]any)
		q.Tools = append(q.Tools, agent.ToolSpec{Name: text(f["name"]), Description: text(f["description"]), Args: args})
	}
	for i, m := range lists(was["messages"]) {
		content, ok := m["content"].(string)
		if !ok && m["content"] != nil {
			return nil, "content that is not text"
		}
		switch m["role"] {
		case "system":
			if i == 0 {
				q.Instructions = content
				continue
			}
		case "developer":
			return nil, "the role developer"
		}
		msg := agent.Message{Role: text(m["role"]), Content: content, Call: text(m["tool_call_id"])}
		for _, c := range lists(m["tool_calls"]) {
			f := c["function"].(map[string]any)
			call := agent.Call{ID: text(c["id"]), Name: text(f["name"])}
			if json.Unmarshal([]byte(text(f["arguments"])), &call.Args) != nil {
				call.Text = text(f["arguments"])
			}
			msg.Calls = append(msg.Calls, call)
		}
		q.Messages = append(q.Messages, msg)
	}
	return q, ""
}

// meaning is what a request says, however it is written.
func meaning(r map[string]any) any {
	out := map[string]any{"model": r["model"]}
	var tools, messages []any
	for _, tool := range lists(r["tools"]) {
		f := tool["function"].(map[string]any)
		params := f["parameters"]
		if params == nil {
			params = map[string]any{"type": "object", "properties": map[string]any{}}
		}
		tools = append(tools, []any{f["name"], text(f["description"]), params})
	}
	for _, m := range lists(r["messages"]) {
		var calls []any
		for _, c := range lists(m["tool_calls"]) {
			f := c["function"].(map[string]any)
			args := f["arguments"]
			_ = json.Unmarshal([]byte(text(f["arguments"])), &args)
			calls = append(calls, []any{c["id"], f["name"], args})
		}
		messages = append(messages, []any{m["role"], text(m["content"]), calls, text(m["tool_call_id"])})
	}
	out["tools"], out["messages"] = tools, messages
	return out
}

func TestModelsAndAddresses(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t)
	srv.SetModels("a", "b/c")
	m, err := openai.New(agent.ProviderConfig{BaseURL: srv.OpenAI()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.(agent.Lister).Models(t.Context())
	if diff := cmp.Diff([]string{"a", "b/c"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"localhost:11434/v1", "ftp://host", "http://", "://"} {
		if _, err := openai.New(agent.ProviderConfig{BaseURL: bad}); err == nil {
			t.Errorf("%q is taken as an address", bad)
		}
	}
	if _, err := openai.New(agent.ProviderConfig{Key: "two\r\nlines"}); err == nil || strings.Contains(err.Error(), "two") {
		t.Error("a key of two lines:", err)
	}
	if _, err := openai.New(agent.ProviderConfig{}); err != nil {
		t.Error(err)
	}
}

// roundTrip answers without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAzure: the address keeps its query, the key goes into Azure's own header, and the
// limit of tokens is under the name that its models take.
func TestAzure(t *testing.T) {
	t.Parallel()
	var req *http.Request
	var sentBody map[string]any
	m, err := openai.New(agent.ProviderConfig{
		BaseURL: "https://x.openai.azure.com/openai/deployments/d?api-version=2026-01-01", Key: "k-1",
		HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			req = r
			_ = json.NewDecoder(r.Body).Decode(&sentBody)
			return nil, http.ErrHandlerTimeout
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Ask(t.Context(), &agent.Request{Model: "d", MaxTokens: 9}, nil); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Error(err)
	}
	if got := req.URL.String(); got != "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2026-01-01" {
		t.Error(got)
	}
	if req.Header.Get("Api-Key") != "k-1" || req.Header.Get("Authorization") != "" || sentBody["max_completion_tokens"] != 9.0 || sentBody["max_tokens"] != nil {
		t.Error(req.Header, sentBody)
	}
}
