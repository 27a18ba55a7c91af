package openai_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/openai"
)

// answering is a model that is answered with a body, without a network.
func answering(t testing.TB, kind, body string) agent.Model {
	t.Helper()
	m, err := openai.New(agent.ProviderConfig{Name: "p", BaseURL: "http://x", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// check says what holds of every answer to whatever a server sends.
func check(t *testing.T, kind, body string) {
	const limit = 1 << 16
	var said strings.Builder
	r, err := answering(t, kind, body).Ask(t.Context(), &agent.Request{Model: "m", Stream: true, MaxAnswer: limit}, func(s string) { said.WriteString(s) })
	if err != nil {
		var e *agent.Error
		if !errors.As(err, &e) || e.Message == "" || len(e.Message) > 2100 || strings.ContainsAny(e.Message, "\n\r") {
			t.Fatalf("the error is %#v", err)
		}
		return
	}
	if said.String() != r.Message.Content {
		t.Fatalf("said %q, the text is %q", said.String(), r.Message.Content)
	}
	if r.Message.Raw != nil {
		if _, err := value.Of(r.Message.Raw); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.Message.Content) + value.Size(r.Message.Raw); n > 20*limit {
		t.Fatalf("the answer has %d bytes", n)
	}
	seen := map[string]bool{}
	for _, c := range r.Message.Calls {
		_, object := c.Args.(map[string]any)
		if c.ID == "" || seen[c.ID] || c.Name == "" || object == (c.Text != "") {
			t.Fatalf("a call is %+v", c)
		}
		seen[c.ID] = true
	}
	if u := r.Usage; u.Cached+u.CacheWrite > u.Input || u.Output < 0 || u.Cached < 0 || u.CacheWrite < 0 {
		t.Fatalf("%+v", u)
	}
	// It can be sent back, and asked on.
	q := &agent.Request{Messages: []agent.Message{{Role: "user", Content: "x"}, r.Message}}
	if _, err := answering(t, "application/json", `{"choices":[{"message":{"content":"ok"}}]}`).Ask(t.Context(), q, nil); err != nil {
		t.Fatal(err)
	}
}

func FuzzBody(f *testing.F) {
	f.Add(body(`"content":"a"`))
	f.Add(body(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}]},{"type":"text","text":"a"}],"reasoning_details":[{"index":0}]`))
	f.Add(body(`"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"},"extra":1},{"custom":{"name":"g","input":"x"}}],"function_call":{"name":"f"},"audio":{"id":"x"}`))
	f.Add(`{"error":{"message":"m","code":1}}`)
	f.Add(`[{"error":[]}]`)
	f.Add(strings.Repeat(`[`, 2000))
	f.Fuzz(func(t *testing.T, body string) { check(t, "application/json", body) })
}

func FuzzStream(f *testing.F) {
	f.Add(events(piece(`"content":"a"`), piece(`"content":[{"type":"text","text":"b"},{"type":"thinking","thinking":[]}]`), stopped))
	f.Add(events(piece(`"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{"}}]`), piece(`"tool_calls":[{"index":0,"function":{"arguments":"}"}}]`), stopped))
	f.Add(events(piece(`"reasoning_details":[{"type":"t","text":"h","index":0}],"reasoning":"h"`), piece(`"reasoning_details":[{"type":"t","text":"h","index":0}],"reasoning":[1]`), stopped))
	f.Add("\ufeff: c\r\rdata:{\r\ndata:}\r\n\r\n{\"error\":1}")
	f.Fuzz(func(t *testing.T, body string) { check(t, "text/event-stream", body) })
}

// TestNoGrowth: pieces without end cost time in proportion to what came.
func TestNoGrowth(t *testing.T) {
	t.Parallel()
	for _, d := range []string{`"content":"xxxxxxxx"`, `"reasoning":"xxxxxxxx"`, `"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"xxxxxxxx"}}]`} {
		chunk := "data: " + piece(d) + "\n\n"
		_, err := answering(t, "text/event-stream", strings.Repeat(chunk, 40_000)).Ask(t.Context(), &agent.Request{Stream: true, MaxAnswer: 100_000}, nil)
		var e *agent.Error
		if !errors.As(err, &e) || !e.Limit {
			t.Errorf("%s: %v", d, err)
		}
	}
}

// BenchmarkStream reads an answer of 200 tokens.
func BenchmarkStream(b *testing.B) {
	var chunks []string
	for range 200 {
		chunks = append(chunks, `{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1764400000,"model":"gpt","service_tier":"default","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	}
	m := answering(b, "text/event-stream", events(append(chunks, stopped)...))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Ask(b.Context(), &agent.Request{Model: "m", Stream: true}, func(string) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/token")
}

// BenchmarkFirstDelta measures from the moment at which a server writes the first token
// to the call that shows it, over real HTTP.
func BenchmarkFirstDelta(b *testing.B) {
	var wrote time.Time
	srv := agenttest.Start(agenttest.Reply{Pieces: []string{"one", "two"}, Times: -1, Before: func(_ context.Context, i int) {
		if i == 1 {
			wrote = time.Now()
		}
	}})
	defer srv.Close()
	m, err := openai.New(agent.ProviderConfig{BaseURL: srv.OpenAI()})
	if err != nil {
		b.Fatal(err)
	}
	var total time.Duration
	for b.Loop() {
		first := true
		if _, err := m.Ask(b.Context(), &agent.Request{Model: "m", Stream: true}, func(string) {
			if first {
				total, first = total+time.Since(wrote), false
			}
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(b.N), "ns/first-delta")
}
