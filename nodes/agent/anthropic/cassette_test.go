package anthropic_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/internal/suites"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
)

// damaged are the exchanges whose recorded JSON is no JSON any more, by id: something
// like an id was replaced within an escape. The client has to say so.
var damaged = map[string]string{
	"test_web_tools/test_anthropic_supported_model_uses_20260209_web_tools#0": "not JSON",
	"test_anthropic/test_anthropic_web_fetch_tool_stream#0":                   "not JSON",
}

// reading is what an answer says.
type reading struct {
	Text, Model, Error, Type string
	Stop                     string
	Calls                    []call
	Usage                    agent.Usage
	Blocks                   []any // as they go back
}

type call struct{ ID, Name, Args string }

// TestCassettes asks the real client over real HTTP, has it answered as the provider once
// did, and compares what it read, and what it would send back, with another reading of
// the recorded JSON.
func TestCassettes(t *testing.T) {
	t.Parallel()
	all := suites.Exchanges(t, "messages.jsonl")
	read, streamed, failed, kinds := 0, 0, 0, map[string]int{}
	for _, e := range all {
		srv := httptest.NewServer(e)
		m, err := anthropic.New(agent.ProviderConfig{BaseURL: srv.URL, HTTP: srv.Client()})
		if err != nil {
			t.Fatal(err)
		}
		stream := strings.Contains(e.ContentType, "event-stream")
		var deltas strings.Builder
		resp, err := m.Ask(t.Context(), &agent.Request{Model: "m", Stream: stream, MaxAnswer: 16 << 20}, func(s string) { deltas.WriteString(s) })
		srv.Close()
		if reason := damaged[e.ID]; reason != "" {
			if err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%s: the error is %v, want %q", e.ID, err, reason)
			}
			continue
		}
		want, got := recorded(t, e), answered(t, resp, err)
		if resp != nil {
			// What goes back is what came, but for empty texts, which the API refuses.
			got.Blocks = sentBack(t, resp.Message)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", e.ID, diff)
			continue
		}
		if resp != nil && deltas.String() != want.Text {
			t.Errorf("%s: the deltas are %q, the text %q", e.ID, deltas.String(), want.Text)
		}
		read++
		if stream {
			streamed++
		}
		if err != nil {
			failed++
		}
		for _, b := range want.Blocks {
			kinds[text(b.(map[string]any)["type"])]++
		}
	}
	t.Logf("%d of %d exchanges are read field by field, %d of them streamed, %d errors; %d are damaged; blocks that go back: %v", read, len(all), streamed, failed, len(damaged), kinds)
}

func answered(t *testing.T, r *agent.Response, err error) reading {
	t.Helper()
	var e *agent.Error
	if err != nil {
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		return reading{Error: e.Message, Type: e.Type}
	}
	out := reading{Text: r.Message.Content, Model: r.Model, Stop: string(r.Stop), Usage: r.Usage}
	for _, c := range r.Message.Calls {
		args, _ := json.Marshal(c.Args)
		out.Calls = append(out.Calls, call{c.ID, c.Name, string(args)})
	}
	return out
}

// sentBack asks a question with an answer in its conversation and returns the blocks of
// the answer as they were sent.
func sentBack(t *testing.T, answer agent.Message) []any {
	t.Helper()
	body := sent(t, &agent.Request{Model: "m", Messages: []agent.Message{
		{Role: "user", Content: "hello"}, answer, {Role: "user", Content: "go on"},
	}})
	for _, m := range lists(body["messages"]) {
		if m["role"] == "assistant" {
			return strip(m["content"]).([]any)
		}
	}
	return nil
}

// recorded reads an exchange with generic JSON alone.
func recorded(t *testing.T, e suites.Exchange) reading {
	t.Helper()
	var out reading
	var blocks []any
	if strings.Contains(e.ContentType, "event-stream") {
		partial := map[int]string{}
		usage := map[string]any{}
		for line := range strings.Lines(e.Body) {
			data, ok := strings.CutPrefix(line, "data: ")
			if !ok {
				continue
			}
			v := parse(t, data)
			i := int(number(v["index"]))
			var b map[string]any
			if i < len(blocks) {
				b = blocks[i].(map[string]any)
			}
			d, _ := v["delta"].(map[string]any)
			switch v["type"] {
			case "message_start":
				m := v["message"].(map[string]any)
				out.Model = text(m["model"])
				usage = m["usage"].(map[string]any)
			case "content_block_start":
				blocks = append(blocks, v["content_block"])
			case "content_block_delta":
				for _, k := range []string{"text", "thinking", "signature"} {
					if s, ok := d[k].(string); ok {
						b[k] = text(b[k]) + s
					}
				}
				if c := d["citation"]; c != nil {
					l, _ := b["citations"].([]any)
					b["citations"] = append(l, c)
				}
				partial[i] += text(d["partial_json"])
			case "message_delta":
				out.Stop = text(d["stop_reason"])
				for k, x := range v["usage"].(map[string]any) {
					usage[k] = x
				}
			}
		}
		for i, p := range partial {
			if p != "" {
				blocks[i].(map[string]any)["input"] = parse(t, p)
			}
		}
		out.Usage = used(usage)
	} else {
		v := parse(t, e.Body)
		if o, ok := v["error"].(map[string]any); ok {
			return reading{Error: text(o["message"]), Type: text(o["type"])}
		}
		blocks, _ = v["content"].([]any)
		out.Model, out.Stop, out.Usage = text(v["model"]), text(v["stop_reason"]), used(v["usage"].(map[string]any))
	}
	out.Stop = map[string]string{"max_tokens": "length", "refusal": "refusal", "pause_turn": "pause", "model_context_window_exceeded": "length"}[out.Stop]
	if out.Stop == "" {
		out.Stop = "end"
	}
	for _, x := range blocks {
		b := x.(map[string]any)
		switch b["type"] {
		case "text":
			out.Text += text(b["text"])
			if strings.TrimSpace(text(b["text"])) == "" {
				continue
			}
		case "tool_use":
			args, _ := json.Marshal(b["input"])
			out.Calls = append(out.Calls, call{text(b["id"]), text(b["name"]), string(args)})
		}
		out.Blocks = append(out.Blocks, strip(b))
	}
	return out
}

func used(u map[string]any) agent.Usage {
	read, written := number(u["cache_read_input_tokens"]), number(u["cache_creation_input_tokens"])
	return agent.Usage{
		Input: number(u["input_tokens"]) + read + written, Cached: read, CacheWrite: written,
		Output: number(u["output_tokens"]), Reported: true,
	}
}

// strip drops fields that are null, and the empty list of citations.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			l, ok := x.([]any)
			if x != nil && !(ok && len(l) == 0 && k == "citations") {
				out[k] = strip(x)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, x := range v {
			out = append(out, strip(x))
		}
		return out
	case string:
		return strings.TrimRight(v, " \t\r\n")
	}
	return v
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

// sent returns the body that a question is sent as.
func sent(t *testing.T, q *agent.Request) map[string]any {
	t.Helper()
	srv := agenttest.New(t, agenttest.Text("ok").Always())
	m, err := anthropic.New(agent.ProviderConfig{BaseURL: srv.Anthropic()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Ask(t.Context(), q, nil); err != nil {
		t.Fatal(err)
	}
	return srv.Asked()[0].JSON
}
