package openai_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/internal/suites"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/openai"
)

// odd are the exchanges that are not read as recorded, by id, with the reason.
var odd = map[string]string{
	"test_openai/test_invalid_response#0": "the body has neither choices nor an error",
}

// reading is what an answer says, in the words of the wire.
type reading struct {
	Text, Refusal, Model, Error, Type string
	Finish                            string
	Calls                             []call
	Usage                             agent.Usage
	Reasoning                         string // all texts of reasoning that have to be kept
}

type call struct{ ID, Name, Args string }

// TestCassettes asks the real client over real HTTP, has it answered as a provider once
// did, and compares what it read with another reading of the recorded JSON.
func TestCassettes(t *testing.T) {
	t.Parallel()
	all := suites.Exchanges(t, "chat.jsonl")
	read, streamed, failed := 0, 0, 0
	for _, e := range all {
		srv := httptest.NewServer(e)
		m, err := openai.New(agent.ProviderConfig{Name: "p", BaseURL: srv.URL, HTTP: srv.Client()})
		if err != nil {
			t.Fatal(err)
		}
		stream := strings.Contains(e.ContentType, "event-stream")
		var deltas strings.Builder
		resp, err := m.Ask(t.Context(), &agent.Request{Model: "m", Stream: stream, MaxAnswer: 16 << 20}, func(s string) { deltas.WriteString(s) })
		srv.Close()
		if reason := odd[e.ID]; reason != "" {
			if err == nil {
				t.Errorf("%s is read, although %s", e.ID, reason)
			}
			continue
		}
		want := recorded(t, e)
		got := answered(t, resp, err)
		for i := range min(len(want.Calls), len(got.Calls)) {
			if want.Calls[i].ID == "" && got.Calls[i].ID != "" {
				want.Calls[i].ID = got.Calls[i].ID // the client made one up
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s:\n%s", e.ID, e.Host, diff)
			continue
		}
		if resp != nil {
			if deltas.String() != want.Text {
				t.Errorf("%s: the deltas are %q, the text %q", e.ID, deltas.String(), want.Text)
			}
			if _, err := json.Marshal(resp); err != nil {
				t.Errorf("%s: %v", e.ID, err)
			}
		}
		read++
		if stream {
			streamed++
		}
		if err != nil {
			failed++
		}
	}
	t.Logf("%d of %d exchanges are read field by field, %d of them streamed, %d errors; %d are left out by name", read, len(all), streamed, failed, len(odd))
}

// answered is what the client made of an answer.
func answered(t *testing.T, r *agent.Response, err error) reading {
	t.Helper()
	var e *agent.Error
	if err != nil {
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		return reading{Error: e.Message, Type: e.Type}
	}
	out := reading{Text: r.Message.Content, Refusal: r.Refusal, Model: r.Model, Finish: string(r.Stop), Usage: r.Usage}
	for _, c := range r.Message.Calls {
		args, _ := json.Marshal(c.Args)
		if c.Text != "" {
			args = []byte("TEXT " + c.Text)
		}
		out.Calls = append(out.Calls, call{c.ID, c.Name, string(args)})
	}
	b, _ := json.Marshal(r.Message.Raw)
	var raw map[string]any
	_ = json.Unmarshal(b, &raw)
	out.Reasoning = reasoning(raw)
	return out
}

// recorded reads an exchange with generic JSON alone.
func recorded(t *testing.T, e suites.Exchange) reading {
	t.Helper()
	var chunks []map[string]any
	if strings.Contains(e.ContentType, "event-stream") {
		for line := range strings.Lines(e.Body) {
			data, ok := strings.CutPrefix(line, "data: ")
			if ok && strings.TrimSpace(data) != "[DONE]" {
				chunks = append(chunks, parse(t, data))
			}
		}
	} else {
		chunks = append(chunks, parse(t, e.Body))
	}
	var out reading
	type pieces struct{ id, name, args string }
	calls := map[int]*pieces{}
	kept := map[string]any{}
	for _, c := range chunks {
		if o, ok := c["error"].(map[string]any); ok {
			out = reading{Error: strings.Join(strings.Fields(text(o["message"])), " "), Type: text(o["type"])}
			if code, ok := o["code"].(float64); ok && out.Type == "" {
				b, _ := json.Marshal(code)
				out.Type = string(b)
			}
			return out
		}
		out.Model = text(c["model"])
		if u, ok := c["usage"].(map[string]any); ok {
			d, _ := u["prompt_tokens_details"].(map[string]any)
			out.Usage = agent.Usage{
				Input: number(u["prompt_tokens"]), Output: number(u["completion_tokens"]), Reported: true,
				Cached:     max(number(d["cached_tokens"]), number(u["cached_tokens"]), number(u["num_cached_tokens"]), number(u["prompt_cache_hit_tokens"])),
				CacheWrite: number(d["cache_write_tokens"]),
			}
		}
		choices, _ := c["choices"].([]any)
		if len(choices) == 0 {
			continue
		}
		choice := choices[0].(map[string]any)
		if f := text(choice["finish_reason"]); f != "" {
			out.Finish = f
		}
		m, ok := choice["message"].(map[string]any)
		if !ok {
			m, _ = choice["delta"].(map[string]any)
		}
		out.Text += text(m["content"])
		list, _ := m["content"].([]any)
		for _, p := range list {
			out.Text += text(p.(map[string]any)["text"])
		}
		out.Refusal += text(m["refusal"])
		for i, x := range lists(m["tool_calls"]) {
			if n, ok := x["index"].(float64); ok && len(chunks) > 1 {
				i = int(n)
			}
			if calls[i] == nil {
				calls[i] = &pieces{}
			}
			f := x["function"].(map[string]any)
			calls[i].id += text(x["id"])
			calls[i].name += text(f["name"])
			calls[i].args += text(f["arguments"])
		}
		for k, v := range m {
			if s, ok := v.(string); ok && kept[k] != nil {
				v = kept[k].(string) + s
			} else if l, ok := v.([]any); ok && kept[k] != nil {
				v = append(kept[k].([]any), l...)
			}
			if v != nil && (k != "content" || list != nil) {
				kept[k] = v
			}
		}
	}
	out.Reasoning = reasoning(kept)
	out.Finish = map[string]string{"length": "length", "content_filter": "refusal"}[out.Finish]
	if out.Finish == "" {
		out.Finish = "end"
	}
	if out.Refusal != "" {
		out.Finish = "refusal"
	}
	for i := range len(calls) {
		c := calls[i]
		args := "TEXT " + c.args
		var v any
		if c.args == "" {
			args = "{}"
		} else if json.Unmarshal([]byte(c.args), &v) == nil {
			b, _ := json.Marshal(v)
			args = string(b)
		}
		out.Calls = append(out.Calls, call{c.id, c.name, args})
	}
	return out
}

// reasoning is all texts under names that speak of thinking, in an order of their names.
func reasoning(v any) string {
	var out strings.Builder
	var walk func(v any, in bool)
	walk = func(v any, in bool) {
		switch v := v.(type) {
		case string:
			if in {
				out.WriteString(v)
			}
		case []any:
			for _, x := range v {
				walk(x, in)
			}
		case map[string]any:
			for _, k := range []string{"reasoning", "reasoning_content", "reasoning_details", "content", "thinking", "text", "data", "signature", "summary", "thought_signature", "extra_content", "google"} {
				thought := strings.HasPrefix(k, "reasoning") || strings.HasPrefix(k, "th") || k == "data" || k == "signature"
				walk(v[k], thought || in)
			}
		}
	}
	walk(v, false)
	return out.String()
}

func parse(t *testing.T, s string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v: %.200s", err, s)
	}
	return v
}

func text(v any) string { s, _ := v.(string); return s }

func number(v any) int64 { n, _ := v.(float64); return int64(n) }

func lists(v any) []map[string]any {
	l, _ := v.([]any)
	var out []map[string]any
	for _, x := range l {
		out = append(out, x.(map[string]any))
	}
	return out
}
