package anthropic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/internal/suites"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	temperature, seed := 0.5, int64(7)
	got := sent(t, &agent.Request{
		Model: "claude-sonnet-4-5", Instructions: "Be brief.", Stream: true, Temperature: &temperature, Seed: &seed,
		Tools: []agent.ToolSpec{{Name: "files/read", Description: "Reads.", Args: map[string]any{"type": "object"}}, {Name: "now"}},
		Messages: []agent.Message{
			{Role: "assistant", Content: "earlier"},
			{Role: "user", Content: "hello"},
			{Role: "user", Content: " "},
			{Role: "system", Content: "Be kind."},
			{Role: "assistant", Content: "well \n", Calls: []agent.Call{{ID: "functions.read:0", Name: "files/read", Args: map[string]any{"p": 1}}, {ID: "c2", Name: "now", Text: "{bad"}}, Raw: map[string]any{"from": "openai", "reasoning": "hm"}},
			{Role: "tool", Call: "functions.read:0", Name: "files/read", Content: "text"},
			{Role: "tool", Call: "c2", Name: "now", Content: ""},
			{Role: "user", Content: "more"},
			{Role: "assistant", Calls: []agent.Call{{ID: "new", Name: "now", Args: map[string]any{}}},
				Raw: []any{
					map[string]any{"type": "thinking", "thinking": "hm", "signature": "s"}, map[string]any{"type": "text", "text": " "},
					map[string]any{"type": "tool_use", "id": "old", "name": "now", "input": map[string]any{}},
				}},
			{Role: "tool", Call: "new", Name: "now", Content: "noon"},
		},
		Extra: map[string]any{"top_k": 5, "messages": []any{}, "max_tokens": 99},
	})
	want := parse(t, `{"model":"claude-sonnet-4-5","stream":true,"max_tokens":99,"temperature":0.5,"top_k":5,"system":"Be brief.\n\nBe kind.",
		"tools":[{"name":"files__read","description":"Reads.","input_schema":{"type":"object"}},{"name":"now","input_schema":{"type":"object","properties":{}}}],
		"messages":[{"role":"assistant","content":[{"type":"text","text":"earlier"}]},
		{"role":"user","content":[{"type":"text","text":"hello"},{"type":"text","text":"(empty)"}]},
		{"role":"assistant","content":[{"type":"text","text":"well"},{"type":"tool_use","id":"functions_read_0","name":"files__read","input":{"p":1}},{"type":"tool_use","id":"c2","name":"now","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"functions_read_0","content":"text"},{"type":"tool_result","tool_use_id":"c2"},{"type":"text","text":"more"}]},
		{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use","id":"new","name":"now","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"new","content":"noon"}]}]}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t, agenttest.Text("ok").Always())
	srv.SetModels("a", "b")
	for _, base := range []string{srv.Anthropic(), srv.Anthropic() + "/", srv.Anthropic() + "/v1"} {
		m, err := anthropic.New(agent.ProviderConfig{BaseURL: base, Key: "k-1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Ask(t.Context(), &agent.Request{}, nil); err != nil {
			t.Fatal(err)
		}
		names, err := m.(agent.Lister).Models(t.Context())
		if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	for _, q := range srv.Asked() {
		if q.Path != "/v1/messages" || q.Header.Get("X-Api-Key") != "k-1" || q.Header.Get("Authorization") != "" || q.Header.Get("Anthropic-Version") != "2023-06-01" {
			t.Error(q.Path, q.Header)
		}
	}
}

// TestReasoning: models before 4.6 take a number of tokens, later ones an effort.
func TestReasoning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		model, effort    string
		max              int
		thinking, config string
		tokens           float64
	}{
		{"claude-sonnet-4-5-20250929", "low", 0, `{"type":"enabled","budget_tokens":2048}`, "null", 8192 + 2048},
		{"claude-sonnet-4-20250514", "medium", 20000, `{"type":"enabled","budget_tokens":8192}`, "null", 20000},
		{"claude-3-7-sonnet-latest", "high", 4000, `{"type":"enabled","budget_tokens":2000}`, "null", 4000},
		{"another-model", "high", 1500, "null", "null", 1500},
		{"claude-opus-4-6", "high", 0, `{"type":"adaptive"}`, `{"effort":"high"}`, 8192},
		{"claude-opus-5", "low", 0, `{"type":"adaptive"}`, `{"effort":"low"}`, 8192},
		{"anthropic/claude-sonnet-4.6", "low", 0, `{"type":"adaptive"}`, `{"effort":"low"}`, 8192},
		{"claude-opus-5", "", 0, "null", "null", 8192},
	} {
		got := sent(t, &agent.Request{Model: c.model, Reasoning: c.effort, MaxTokens: c.max})
		for key, want := range map[string]string{"thinking": c.thinking, "output_config": c.config} {
			var w any
			_ = json.Unmarshal([]byte(want), &w)
			if diff := cmp.Diff(w, got[key]); diff != "" {
				t.Errorf("%s %s: %s", c.model, key, diff)
			}
		}
		if got["max_tokens"] != c.tokens {
			t.Errorf("%s: max_tokens is %v, want %v", c.model, got["max_tokens"], c.tokens)
		}
	}
}

// TestStructured: how an answer of a form is asked for.
func TestStructured(t *testing.T) {
	t.Parallel()
	schema := parse(t, `{"type":"object","required":["a"],"properties":{"a":{"type":"string","minLength":1},"minimum":{"type":"number","minimum":0}}}`)
	open := parse(t, `{"type":"object","additionalProperties":{"type":"number"}}`)
	format := `{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string"},"minimum":{"type":"number"}}}}}`
	for name, c := range map[string]struct {
		model, how string
		schema     map[string]any
		config     string
	}{
		"auto":            {"claude-sonnet-4-5", "auto", schema, format},
		"an older model":  {"claude-sonnet-4-20250514", "auto", schema, ""},
		"another maker's": {"another-model", "auto", schema, ""},
		"any names":       {"claude-sonnet-4-5", "auto", open, ""},
		"schema":          {"another-model", "schema", schema, format},
		"json":            {"claude-sonnet-4-5", "json", schema, ""},
		"prompt":          {"claude-sonnet-4-5", "prompt", schema, ""},
	} {
		got := sent(t, &agent.Request{Model: c.model, Schema: c.schema, SchemaName: "Verdict", Structured: c.how})
		var want any
		if c.config != "" {
			want = parse(t, c.config)
		}
		if diff := cmp.Diff(want, got["output_config"]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if words := strings.Contains(text(got["system"]), "JSON Schema"); words == (c.config != "") {
			t.Errorf("%s: the instructions are %q", name, got["system"])
		}
	}
}

// TestRoundTrip puts every recorded conversation as a question that a graph can hold, and
// compares the model, messages and tools that are sent with the recorded ones.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	all := suites.Exchanges(t, "messages.jsonl")
	same, why := 0, map[string]int{}
	for _, e := range all {
		was := parse(t, e.Request)
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
	q := &agent.Request{Model: text(was["model"]), Instructions: joined(was["system"])}
	for _, tool := range lists(was["tools"]) {
		if tool["type"] != nil && tool["type"] != "custom" || tool["input_schema"] == nil {
			return nil, "a tool of the provider"
		}
		q.Tools = append(q.Tools, agent.ToolSpec{Name: text(tool["name"]), Description: text(tool["description"]), Args: tool["input_schema"].(map[string]any)})
	}
	for _, m := range lists(was["messages"]) {
		if m["role"] == "system" {
			return nil, "a system message in the conversation"
		}
		if s, ok := m["content"].(string); ok {
			q.Messages = append(q.Messages, agent.Message{Role: text(m["role"]), Content: s})
			continue
		}
		if m["role"] == "assistant" {
			answer := agent.Message{Role: "assistant", Raw: m["content"]}
			for _, b := range lists(m["content"]) {
				if b["type"] == "tool_use" {
					answer.Calls = append(answer.Calls, agent.Call{ID: text(b["id"]), Name: text(b["name"]), Args: b["input"]})
				}
			}
			q.Messages = append(q.Messages, answer)
			continue
		}
		for _, b := range lists(m["content"]) {
			switch b["type"] {
			case "text":
				q.Messages = append(q.Messages, agent.Message{Role: "user", Content: text(b["text"])})
			case "tool_result":
				for _, p := range lists(b["content"]) {
					if p["type"] != "text" {
						return nil, "content that is not text"
					}
				}
				q.Messages = append(q.Messages, agent.Message{Role: "tool", Call: text(b["tool_use_id"]), Content: joined(b["content"])})
			default:
				return nil, "content that is not text"
			}
		}
	}
	return q, ""
}

// meaning is what a request says, however it is written.
func meaning(r map[string]any) any {
	var tools, messages []any
	for _, tool := range lists(r["tools"]) {
		tools = append(tools, []any{tool["name"], text(tool["description"]), tool["input_schema"]})
	}
	for _, m := range lists(r["messages"]) {
		var blocks []any
		if s, ok := m["content"].(string); ok {
			blocks = append(blocks, map[string]any{"type": "text", "text": s})
		}
		for _, b := range lists(m["content"]) {
			b = strip(b).(map[string]any)
			delete(b, "cache_control")
			switch b["type"] {
			case "text":
				if text(b["text"]) == "" {
					continue
				}
			case "tool_result":
				b = map[string]any{"type": "tool_result", "id": b["tool_use_id"], "text": strings.TrimSpace(joined(b["content"]))}
			}
			blocks = append(blocks, b)
		}
		if n := len(messages); n > 0 && messages[n-1].([]any)[0] == m["role"] {
			last := messages[n-1].([]any)
			last[1] = append(last[1].([]any), blocks...)
			continue
		}
		messages = append(messages, []any{m["role"], blocks})
	}
	return map[string]any{"model": r["model"], "system": joined(r["system"]), "tools": tools, "messages": messages}
}

// joined is a content as one text.
func joined(v any) string {
	s := text(v)
	for _, p := range lists(v) {
		s += text(p["text"])
	}
	return s
}

// TestWantsTools: a server that takes no calls without tools gets those that were called.
func TestWantsTools(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t)
	srv.Play(func(q agenttest.Question) agenttest.Reply {
		if len(q.Tools) == 0 {
			return agenttest.Fail(400, "Requests which include `tool_use` or `tool_result` blocks must define tools")
		}
		return agenttest.Text("ok")
	})
	m, err := anthropic.New(agent.ProviderConfig{BaseURL: srv.Anthropic()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Ask(t.Context(), &agent.Request{Model: "m", Messages: []agent.Message{
		{Role: "user", Content: "hello"},
		{Role: "assistant", Calls: []agent.Call{{ID: "a", Name: "files/read"}, {ID: "b", Name: "files/read"}}},
		{Role: "tool", Call: "a", Content: "x"}, {Role: "tool", Call: "b", Content: "y"},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := srv.Asked()
	if diff := cmp.Diff([]string{"files__read"}, all[len(all)-1].Tools); diff != "" || len(all) != 2 {
		t.Error(diff, len(all))
	}
}
