package anthropic_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/anthropic"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a model that is answered with a body, without a network.
func answering(t testing.TB, kind, body string) agent.Model {
	t.Helper()
	m, err := anthropic.New(agent.ProviderConfig{BaseURL: "http://x", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
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
	r, err := answering(t, kind, body).Ask(t.Context(), &agent.Request{Model: "m", Stream: true, MaxAnswer: limit}, nil)
	if err != nil {
		var e *agent.Error
		if !errors.As(err, &e) || e.Message == "" || len(e.Message) > 2100 || strings.ContainsAny(e.Message, "\n\r") {
			t.Fatalf("the error is %#v", err)
		}
		return
	}
	if n := len(r.Message.Content) + value.Size(r.Message.Raw); n > 20*limit {
		t.Fatalf("the answer has %d bytes", n)
	}
	seen := map[string]bool{}
	for _, c := range r.Message.Calls {
		_, object := c.Args.(map[string]any)
		if c.ID == "" || seen[c.ID] || object == (c.Text != "") {
			t.Fatalf("a call is %+v", c)
		}
		seen[c.ID] = true
	}
	if u := r.Usage; u.Cached+u.CacheWrite > u.Input || u.Output < 0 {
		t.Fatalf("%+v", u)
	}
	// It can be sent back, and asked on.
	q := &agent.Request{Messages: []agent.Message{{Role: "user", Content: "x"}, r.Message}}
	if _, err := answering(t, "application/json", whole("null", "[]")).Ask(t.Context(), q, nil); err != nil {
		t.Fatal(err)
	}
}

func FuzzBody(f *testing.F) {
	f.Add(whole(`"end_turn"`, `[{"type":"text","text":"a","citations":[1]},{"type":"tool_use","input":"{}"},{"type":"x"}]`))
	f.Add(whole(`"refusal"`, `"a"`))
	f.Add(`{"type":"error","error":{"type":"t","message":"m"}}`)
	f.Add(`{"type":"error"}`)
	f.Fuzz(func(t *testing.T, body string) { check(t, "application/json", body) })
}

func FuzzStream(f *testing.F) {
	f.Add(events(start, begin(`{"type":"text","text":""}`), delta(`{"type":"text_delta","text":"a"}`), delta(`{"type":"citations_delta","citation":1}`), stop, end, last))
	f.Add(events(start, begin(`{"type":"tool_use","name":"f","input":{}}`), delta(`{"type":"input_json_delta","partial_json":"[1]"}`), stop, end, last))
	f.Add(events(start, begin(`{"type":"new","x":[]}`), delta(`{"type":"new_delta","x":"a"}`), delta(`{"type":"new_delta","x":[1]}`), delta(`{"type":"new_delta","type":1}`), `{"type":"error"}`))
	f.Add("event: ping\rdata: {\"type\":\"ping\"}\r\rdata: {\"type\":\"message_stop\"}\n\n")
	f.Fuzz(func(t *testing.T, body string) { check(t, "text/event-stream", body) })
}

// BenchmarkStream reads an answer of 200 tokens.
func BenchmarkStream(b *testing.B) {
	all := []string{start, begin(`{"type":"text","text":""}`)}
	for range 200 {
		all = append(all, delta(`{"type":"text_delta","text":" word"}`))
	}
	m := answering(b, "text/event-stream", events(append(all, stop, end, last)...))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Ask(b.Context(), &agent.Request{Model: "m", Stream: true}, func(string) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/token")
}
