package cassette_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/internal/suites"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/cassette"
)

const chatPath, messagesPath = "/v1/chat/completions", "/v1/messages"

// line is a line of a recording as a test reads it.
type line struct {
	ID          string            `json:"id"`
	Host        string            `json:"host"`
	Path        string            `json:"path"`
	Request     string            `json:"request"`
	Status      int               `json:"status"`
	ContentType string            `json:"content_type"`
	RetryAfter  string            `json:"retry_after"`
	Body        string            `json:"body"`
	Server      string            `json:"server"`
	Tool        string            `json:"tool"`
	Error       map[string]string `json:"error"`
}

func linesOf(t *testing.T, text string) (all []line) {
	t.Helper()
	for l := range strings.Lines(text) {
		var x line
		if err := json.Unmarshal([]byte(l), &x); err != nil || !strings.HasSuffix(l, "\n") {
			t.Fatalf("not a whole line of JSON: %q (%v)", l, err)
		}
		all = append(all, x)
	}
	return all
}

// recording makes a file of lines.
func recording(lines ...line) string {
	var b strings.Builder
	for _, l := range lines {
		m := map[string]any{"id": l.ID, "request": l.Request, "body": l.Body}
		if l.Server != "" {
			m["server"], m["tool"] = l.Server, l.Tool
		} else {
			m["host"], m["path"], m["status"], m["content_type"], m["retry_after"] = l.Host, l.Path, l.Status, l.ContentType, l.RetryAfter
		}
		text, _ := json.Marshal(m)
		b.Write(append(text, '\n'))
	}
	return b.String()
}

func load(t *testing.T, text string) *cassette.Player {
	t.Helper()
	p, err := cassette.Load("rec.jsonl", strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask sends a question and returns the status and the body of the answer.
func ask(t *testing.T, rt http.RoundTripper, url, body string) (int, string) {
	t.Helper()
	resp := send(t, rt, url, body)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func send(t *testing.T, rt http.RoundTripper, url, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer key-in-a-header")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestMeaning: questions that mean the same get the answer, others do not.
func TestMeaning(t *testing.T) {
	t.Parallel()
	chat := `{"model":"m","temperature":0,"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"call_a","type":"function","function":{"name":"look","arguments":"{\"a\":1,\"b\":2}"}}]},` +
		`{"role":"tool","tool_call_id":"call_a","content":"seen"}],"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}},{"type":"function","function":{"name":"act","description":"Acts.","parameters":{"type":"object"}}}],` +
		`"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","minimum":1}}}}`
	messages := `{"model":"m","max_tokens":5,"system":"be brief","messages":[{"role":"user","content":"hi"},` +
		`{"role":"assistant","content":[{"type":"text","text":"well"},{"type":"tool_use","id":"toolu_a","name":"look","input":{"a":1}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_a","content":"seen"}]}],"tools":[{"name":"look","input_schema":{"type":"object"}}]}`
	change := func(text string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("the question has no %s", pairs[i])
			}
		}
		return strings.NewReplacer(pairs...).Replace(text)
	}
	for name, c := range map[string]struct {
		path, recorded, asked string
		same                  bool
	}{
		"itself":                 {chatPath, chat, chat, true},
		"order of keys":          {chatPath, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, `{"messages":[{"content":"hi","role":"user"}],"model":"m"}`, true},
		"settings":               {chatPath, chat, change(chat, `"temperature":0`, `"temperature":1,"seed":5,"stream":true`), true},
		"ids on both sides":      {chatPath, chat, change(chat, "call_a", "call_b"), true},
		"ids that do not fit":    {chatPath, chat, change(chat, `"tool_call_id":"call_a"`, `"tool_call_id":"call_b"`), false},
		"content in parts":       {chatPath, chat, change(chat, `"content":"hi"`, `"content":[{"type":"text","text":"h"},{"type":"text","text":"i"}]`), true},
		"no content":             {chatPath, chat, change(chat, `"content":null`, `"content":""`), true},
		"developer":              {chatPath, chat, change(chat, `"role":"system"`, `"role":"developer"`), true},
		"spaces in arguments":    {chatPath, chat, change(chat, `{\"a\":1,\"b\":2}`, `{ \"b\": 2.0, \"a\": 1 }`), true},
		"other arguments":        {chatPath, chat, change(chat, `\"a\":1`, `\"a\":2`), false},
		"another model":          {chatPath, chat, change(chat, `"model":"m"`, `"model":"n"`), false},
		"another text":           {chatPath, chat, change(chat, `"hi"`, `"ho"`), false},
		"another instruction":    {chatPath, chat, change(chat, `be brief`, `be long`), false},
		"another schema":         {chatPath, chat, change(chat, `"minimum":1`, `"minimum":2`), false},
		"another tool":           {chatPath, chat, change(chat, `"Acts."`, `"Acts!"`), false},
		"order of tools":         {chatPath, `{"messages":[],"tools":[{"function":{"name":"a","parameters":{}}},{"function":{"name":"b","parameters":{}}}]}`, `{"messages":[],"tools":[{"function":{"name":"b","parameters":{}}},{"function":{"name":"a","parameters":{}}}]}`, true},
		"messages: itself":       {messagesPath, messages, messages, true},
		"messages: in blocks":    {messagesPath, messages, change(messages, `"system":"be brief"`, `"system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}]`, `"content":"hi"`, `"content":[{"type":"text","text":"hi"}]`, `"content":"seen"`, `"content":[{"type":"text","text":"seen"}]`), true},
		"messages: ids":          {messagesPath, messages, change(messages, "toolu_a", "toolu_b"), true},
		"messages: failure":      {messagesPath, messages, change(messages, `"tool_use_id"`, `"is_error":true,"tool_use_id"`), false},
		"messages: instructions": {messagesPath, messages, change(messages, `be brief`, `be long`), false},
		"embeddings":             {"/v1/embeddings", `{"model":"e","input":"a"}`, `{"input":["a"],"model":"e","encoding_format":"base64"}`, true},
		"embeddings: another":    {"/v1/embeddings", `{"model":"e","input":"a"}`, `{"model":"e","input":["b"]}`, false},
		"a list of models":       {"/v1/models", ``, ``, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := load(t, recording(line{Host: "a.example", Path: c.path, Request: c.recorded, Status: 200, ContentType: "application/json", Body: "{}"}))
			status, body := ask(t, p, "http://b.example"+c.path, c.asked)
			if (status == 200) != c.same {
				t.Errorf("status %d, expected an answer: %v\n%s", status, c.same, body)
			}
		})
	}
}

// TestOrder: equal questions are answered in the order of the recording, those to the same
// address first, and no answer is given twice.
func TestOrder(t *testing.T) {
	t.Parallel()
	const q = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	p := load(t, recording(
		line{Host: "a", Path: chatPath, Request: q, Status: 503, RetryAfter: "7", Body: "1"},
		line{Host: "b", Path: chatPath, Request: q, Status: 200, Body: "2"},
		line{Host: "a", Path: chatPath, Request: q, Status: 200, RetryAfter: "0.25", Body: "3"},
	))
	resp := send(t, p, "http://a"+chatPath, q)
	if got := resp.Header.Get("Retry-After"); resp.StatusCode != 503 || got != "7" {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, got)
	}
	resp = send(t, p, "http://a"+chatPath, q)
	if b, _ := io.ReadAll(resp.Body); string(b) != "3" || resp.Header.Get("Retry-After-Ms") != "250" {
		t.Errorf("got %s, Retry-After-Ms %q", b, resp.Header.Get("Retry-After-Ms"))
	}
	if _, body := ask(t, p, "http://a"+chatPath, q); body != "2" {
		t.Errorf("got %s", body)
	}
	if status, body := ask(t, p, "http://a"+chatPath, q); status != 404 || !strings.Contains(body, "has this question 3 times (line 1), and it was asked once more") {
		t.Errorf("status %d: %s", status, body)
	}
}

// TestNearest: the error says what differs from the nearest question, and is short.
func TestNearest(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("the same ", 500)
	p := load(t, "\n"+recording(
		line{Path: chatPath, Request: `{"model":"m","messages":[{"role":"user","content":"something else"}]}`, Status: 200},
		line{Path: chatPath, Request: `{"model":"m","messages":[{"role":"user","content":"` + long + `red"}]}`, Status: 200},
		line{Path: messagesPath, Request: `{"model":"m","messages":[{"role":"user","content":"` + long + `blue"}]}`, Status: 200},
	))
	_, body := ask(t, p, "http://x"+chatPath, `{"model":"m2","messages":[{"role":"user","content":"`+long+`blue"}]}`)
	var got struct{ Error struct{ Message string } }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"rec.jsonl", "line 3", `model is "m2", recorded is "m"`, "messages[0].content", `blue"`, `red"`} {
		if !strings.Contains(got.Error.Message, part) {
			t.Errorf("it does not say %s:\n%s", part, got.Error.Message)
		}
	}
	if n := len(got.Error.Message); n > 600 {
		t.Errorf("%d bytes are not short", n)
	}
	if _, body := ask(t, load(t, ""), "http://x"+chatPath, `{}`); !strings.Contains(body, "does not have this question, nor any like it") {
		t.Errorf("got %s", body)
	}
}

func TestBadRecording(t *testing.T) {
	t.Parallel()
	good := recording(line{Path: chatPath, Status: 200})
	for text, want := range map[string]string{
		good + "\n" + `{"id":`: "rec.jsonl:3: this is no exchange: unexpected end of JSON input",
		good + `[]`:            "rec.jsonl:2: this is no exchange",
		`{"id":"1"}`:           `rec.jsonl:1: this is no exchange: it has neither a "path" nor a "server"`,
		good + good + `{"path":"/v1/x","status":7}`:     `rec.jsonl:3: "status" is 7`,
		good + `{"path":"/v1/x","status":"two hundred"`: "rec.jsonl:2: ",
	} {
		if _, err := cassette.Load("rec.jsonl", strings.NewReader(text), nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, expected %s", err, want)
		}
	}
	broken := errors.New("the disk is gone")
	_, err := cassette.Load("rec.jsonl", io.MultiReader(strings.NewReader(good), errorReader{broken}), nil)
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// servers answers calls with their arguments.
type servers struct{ err error }

func (s servers) Tools(context.Context, nodes.Task, string) ([]agent.ToolSpec, error) {
	return []agent.ToolSpec{{Name: "search", Description: "Searches.", Args: map[string]any{"type": "object"}}}, nil
}

func (s servers) Call(_ context.Context, _ nodes.Task, server, tool string, args any) (any, error) {
	return map[string]any{"echo": args}, s.err
}

func TestServers(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	hide := func(s string) string { return strings.ReplaceAll(s, "hunter2hunter2", "***") }
	rec := cassette.NewRecorder(&out, hide)
	task := nodes.Task{}
	s := rec.Servers(servers{})
	if _, err := s.Tools(t.Context(), task, "docs"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Call(t.Context(), task, "docs", "search", map[string]any{"q": "hunter2hunter2", "n": int64(1)}); err != nil {
		t.Fatal(err)
	}
	failed := rec.Servers(servers{err: &nodes.Error{Kind: "error", Message: "it broke at hunter2hunter2"}})
	if _, err := failed.Call(t.Context(), task, "docs", "search", nil); err == nil {
		t.Fatal("no error")
	}
	want := `{"id":"1","server":"docs","tool":"","request":"","body":"[{\"name\":\"search\",\"description\":\"Searches.\",\"inputSchema\":{\"type\":\"object\"}}]"}
{"id":"2","server":"docs","tool":"search","request":"{\"n\":1,\"q\":\"***\"}","body":"{\"echo\":{\"n\":1,\"q\":\"***\"}}"}
{"id":"3","server":"docs","tool":"search","request":"null","body":"","error":{"kind":"error","message":"it broke at ***"}}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Fatalf("recorded (-want +got)\n%s", diff)
	}
	p, err := cassette.Load("rec.jsonl", &out, hide)
	if err != nil {
		t.Fatal(err)
	}
	play := p.Servers()
	for range 2 {
		got, err := play.Tools(t.Context(), task, "docs")
		want, _ := servers{}.Tools(t.Context(), task, "docs")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("tools: %v (-want +got)\n%s", err, diff)
		}
	}
	got, err := play.Call(t.Context(), task, "docs", "search", map[string]any{"n": 1.0, "q": "hunter2hunter2"})
	if diff := cmp.Diff(any(map[string]any{"echo": map[string]any{"n": int64(1), "q": "***"}}), got); diff != "" || err != nil {
		t.Errorf("a call: %v (-want +got)\n%s", err, diff)
	}
	if _, err := play.Call(t.Context(), task, "docs", "search", nil); err == nil || err.Error() != "it broke at ***" {
		t.Errorf("a call that failed: %v", err)
	}
	for name, c := range map[string]struct {
		server, tool string
		args         any
		want         string
	}{
		"once more":      {"docs", "search", map[string]any{"n": 1, "q": "***"}, "has this call of docs/search 1 times, and it was made once more"},
		"other args":     {"docs", "search", map[string]any{"n": 1, "q": "no"}, `the nearest is in line 2: arguments.q is "no", recorded is "***"`},
		"another server": {"files", "search", nil, "has no call of files/search"},
		"another tool":   {"docs", "delete", nil, "has no call of docs/delete"},
	} {
		_, err := play.Call(t.Context(), task, c.server, c.tool, c.args)
		if f, ok := errors.AsType[*nodes.Error](err); !ok || f.Kind != "model" || !f.Permanent || !strings.Contains(f.Message, c.want) {
			t.Errorf("%s: %v, expected %s", name, err, c.want)
		}
	}
}

// TestValuesInPlaceOfTexts: who writes a recording by hand writes objects.
func TestValuesInPlaceOfTexts(t *testing.T) {
	t.Parallel()
	p := load(t, `{"id":"a","server":"docs","tool":"search","request":{"q":"x"},"body":{"hits":2}}`)
	got, err := p.Servers().Call(t.Context(), nodes.Task{}, "docs", "search", map[string]any{"q": "x"})
	if diff := cmp.Diff(any(map[string]any{"hits": int64(2)}), got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	tools, err := p.Servers().Tools(t.Context(), nodes.Task{}, "docs")
	if err != nil || len(tools) != 1 || tools[0].Name != "search" {
		t.Errorf("tools %v, %v", tools, err)
	}
}

// TestRealExchanges plays what real providers answered: every question gets its own
// answer, also when its JSON is written another way; one with another text gets none.
func TestRealExchanges(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(filepath.Dir(suites.Path(t)), "cassettes")
	for _, name := range []string{"chat.jsonl", "messages.jsonl", "embeddings.jsonl"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skipf("SKIPPED, the recorded exchanges are absent: %v", err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := linesOf(t, string(text))
			p, again := load(t, string(text)), load(t, string(text))
			var copied bytes.Buffer
			rec := cassette.NewRecorder(&copied, nil).Transport(p)
			for i, l := range lines {
				url := "https://" + l.Host + l.Path
				if status, body := ask(t, rec, url, l.Request); status != l.Status || body != l.Body {
					t.Errorf("%s: status %d, expected %d: %.200s", l.ID, status, l.Status, body)
				}
				var v map[string]any
				if json.Unmarshal([]byte(l.Request), &v) != nil {
					continue
				}
				v["temperature"] = 0.5
				other, _ := json.MarshalIndent(v, "", " ")
				if status, body := ask(t, again, "http://127.0.0.1:1"+l.Path, string(other)); status == http.StatusNotFound && l.Status != http.StatusNotFound {
					t.Errorf("%s, written another way: %s", l.ID, body)
				}
				if i%20 != 0 {
					continue // a look at all of the recording takes its time
				}
				v["model"] = "another"
				other, _ = json.Marshal(v)
				if status, body := ask(t, again, url, string(other)); status != http.StatusNotFound || !strings.Contains(body, `model is \"another\"`) {
					t.Errorf("%s, to another model: status %d: %s", l.ID, status, body)
				}
			}
			for i, got := range linesOf(t, copied.String()) {
				got.ID = lines[i].ID
				if diff := cmp.Diff(lines[i], got); diff != "" {
					t.Fatalf("recorded again (-want +got)\n%s", diff)
				}
			}
		})
	}
}
