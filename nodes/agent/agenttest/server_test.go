package agenttest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/nodes/agent/agenttest"
)

// ask sends one question and returns the response and what could be read of its body.
func ask(t *testing.T, url, body string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer k-123")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

const (
	plain  = `{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"files__read"}}]}`
	stream = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}`
)

func TestLedger(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t, agenttest.Text("one"), agenttest.Text("two").Always())
	for _, want := range []string{"one", "two", "two"} {
		_, body, err := ask(t, srv.OpenAI()+"/chat/completions", plain)
		if err != nil || !strings.Contains(body, `"content":"`+want+`"`) {
			t.Fatalf("want %q, got %v %s", want, err, body)
		}
	}
	all, err := srv.WaitDone(t.Context(), 3)
	if err != nil || len(all) != 3 {
		t.Fatal(len(all), err)
	}
	q := all[2]
	if q.N != 3 || q.API != "openai" || q.Key != "k-123" || q.Model != "m" || q.System != "Be brief." || q.Last() != "hello" || q.Stream {
		t.Errorf("the ledger has %+v", q)
	}
	if diff := cmp.Diff([]string{"files__read"}, q.Tools); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesOfBothAPIs(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t, agenttest.Text("x").Always())
	bodies := map[string]string{
		srv.OpenAI() + "/chat/completions": `{"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},
			{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
			{"role":"tool","tool_call_id":"c1","content":"done"}]}`,
		srv.Anthropic() + "/v1/messages": `{"messages":[{"role":"user","content":"hi"},
			{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"done"}]}]}]}`,
	}
	want := []agenttest.Message{
		{Role: "user", Text: "hi"},
		{Role: "assistant", Calls: []agenttest.Call{{ID: "c1", Name: "f", Args: map[string]any{"a": 1.0}}}},
		{Role: "tool", Text: "done", Call: "c1"},
	}
	n := 0
	for url, body := range bodies {
		if _, _, err := ask(t, url, body); err != nil {
			t.Fatal(err)
		}
		got := srv.Asked()[n].Messages
		for _, m := range got {
			for i := range m.Calls {
				m.Calls[i].Text = ""
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", url, diff)
		}
		n++
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t,
		agenttest.Fail(429, "slow").After(2*time.Second, agenttest.Seconds),
		agenttest.Fail(529, "busy").After(1500*time.Millisecond, agenttest.Milliseconds),
		agenttest.Fail(503, "down").After(time.Minute, agenttest.Date),
		agenttest.Reply{Error: "late"},
		agenttest.Reply{Body: "<html>", ContentType: "text/html"},
		agenttest.Reply{Text: "a text that is cut", Cut: 20},
	)
	url := srv.OpenAI() + "/chat/completions"
	resp, body, _ := ask(t, url, plain)
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "2" || !strings.Contains(body, `"message":"slow"`) {
		t.Error(resp, body)
	}
	if resp, _, _ = ask(t, url, plain); resp.StatusCode != 529 || resp.Header.Get("Retry-After-Ms") != "1500" {
		t.Error(resp)
	}
	resp, _, _ = ask(t, url, plain)
	if at, err := http.ParseTime(resp.Header.Get("Retry-After")); err != nil || time.Until(at) < 50*time.Second {
		t.Error(resp, err)
	}
	if resp, body, _ = ask(t, url, plain); resp.StatusCode != 200 || !strings.Contains(body, `"message":"late"`) {
		t.Error(resp, body)
	}
	if resp, body, _ = ask(t, url, plain); resp.Header.Get("Content-Type") != "text/html" || body != "<html>" {
		t.Error(resp, body)
	}
	if _, body, err := ask(t, url, plain); err == nil || len(body) != 20 {
		t.Error("a body that is cut was read to its end", err, body)
	}
	if q := srv.Asked()[5]; q.Done {
		t.Error("a reply that was cut counts as done")
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	call := agenttest.Call{Name: "f", Args: map[string]any{"city": "Ulm, on the Danube"}}
	for _, api := range []string{"/v1/chat/completions", "/v1/messages"} {
		srv := agenttest.New(t,
			agenttest.Reply{Thinking: "hm ", Text: "so be it", Calls: []agenttest.Call{call}},
			agenttest.Reply{Text: "so be it", NoEnd: true},
			agenttest.Reply{Text: "so be it", Cut: 4},
			agenttest.Reply{Text: "so be it", Error: "overloaded", Cut: 4},
		)
		events := func() (n int, all string, err error) {
			_, all, err = ask(t, srv.URL()+api, stream)
			for line := range strings.Lines(all) {
				if data, ok := strings.CutPrefix(line, "data: "); ok && data != "[DONE]\n" {
					if n++; !json.Valid([]byte(data)) {
						t.Errorf("no JSON: %s", data)
					}
				}
			}
			return n, all, err
		}
		if _, all, err := events(); err != nil || !strings.Contains(all, "hm ") || !strings.Contains(all, "be ") ||
			!strings.Contains(all, "[DONE]") && !strings.Contains(all, "message_stop") {
			t.Error(api, err, all)
		}
		if _, all, err := events(); err != nil || strings.Contains(all, "[DONE]") || strings.Contains(all, "message_stop") {
			t.Error(api, err, all)
		}
		if n, _, err := events(); err == nil || n != 4 {
			t.Error(api, err, n)
		}
		if n, all, err := events(); err != nil || n != 5 || !strings.Contains(all, "overloaded") {
			t.Error(api, err, all)
		}
	}
}

// TestHold: a question is in the ledger while its answer is held back, and a client that
// goes away leaves it there, not done.
func TestHold(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	srv := agenttest.New(t, agenttest.Reply{Hold: hold}, agenttest.Reply{Endless: true})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, srv.OpenAI()+"/chat/completions", strings.NewReader(plain))
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		gone <- err
	}()
	if _, err := srv.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-gone; err == nil {
		t.Error("a reply came although it was held back")
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.OpenAI()+"/chat/completions", strings.NewReader(stream))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil {
		t.Error(n, err)
	}
	resp.Body.Close()
	for _, q := range srv.Asked() {
		if q.Done {
			t.Errorf("question %d counts as answered", q.N)
		}
	}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	srv := agenttest.New(t, agenttest.Text("for a chat"), agenttest.Vectors([]float32{1, 0.5}))
	url := srv.OpenAI() + "/embeddings"
	if _, body, _ := ask(t, url, `{"model":"e","input":["a"]}`); !strings.Contains(body, `"embedding":[1,0.5]`) {
		t.Error(body)
	}
	if _, body, _ := ask(t, url, `{"model":"e","input":"a","encoding_format":"base64"}`); !strings.Contains(body, `"embedding":"AAAA`) {
		t.Error(body)
	}
	if all := srv.Asked(); len(all) != 2 || !all[0].Embeds() || len(all[1].Inputs) != 1 {
		t.Error(all)
	}
}
