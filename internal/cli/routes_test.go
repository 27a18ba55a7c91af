package cli

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const deskGraph = `graphrun: 1
name: desk
state:
  n: {type: integer, reduce: sum}
  notes: {type: list(string), reduce: append}
events:
  note: {to: notes}
nodes:
  count: {uses: set, with: {n: 1}, writes: {n: output.n}}
  ask: {uses: approval, with: {prompt: "a < b && c > d?"}}
  never: {uses: fail, with: {message: no}}
edges:
  - {to: count}
  - {from: count, to: ask, when: 'state.n >= 2 && len(state.notes) < 9'}
  - {from: count, to: never, when: 'any(state.notes, # == "<b>")'}
pause: 1h # only an event ends it: nothing moves between two answers
`

// ask sends a request to a server, and gives the body of its answer.
func (s served) ask(method, path, body string) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token())
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestRoutesAnswerAsCommands: what a route answers is what its command prints with -o json,
// to the byte.
func TestRoutesAnswerAsCommands(t *testing.T) {
	t.Parallel()
	s := startServe(t, map[string]string{"desk.graphrun.yaml": deskGraph}, ".", "--listen", "127.0.0.1:0")
	s.must("start", "desk", "--stack", "a")
	s.must("send", "a", "note", `["<i>"]`)
	s.until("ask waits", func() bool { return strings.Contains(s.must("status", "a"), "ask (approval)") })
	s.must("pause", "a")
	for path, args := range map[string][]string{
		"/explain":                    {"explain", "a"},
		"/explain?node=ask":           {"explain", "a", "ask"},
		"/explain?cycle=1&node=never": {"explain", "a", "never", "--cycle", "1"},
		"/history":                    {"history", "a"},
		"/history?last=1":             {"history", "a", "--last", "1"},
		"/diff?a=0&b=2":               {"diff", "a", "0", "2"},
		"/diff?a=2.0&b=1.0":           {"diff", "a", "2.0", "1.0"},
		"/eval?expr=" + url.QueryEscape(`{"n": state.n, "notes": state.notes}`): {"eval", "a", `{"n": state.n, "notes": state.notes}`},
		"/eval?at=1&expr=state.n": {"eval", "a", "state.n", "--at", "1"},
		"/plan":                   {"plan", "a"},
		"/plan?explain":           {"plan", "a", "--explain"},
		"/replay":                 {"replay", "a"},
		"/replay?from=2":          {"replay", "a", "--from", "2"},
		"/state":                  {"state", "a"},
		"":                        {"status", "a"},
	} {
		status, got := s.ask("GET", "/v1/stacks/a"+path, "")
		if want := s.must(append(args, "-o", "json")...); status != http.StatusOK || got != want {
			t.Errorf("%s: %d\n got %s\nwant %s", path, status, got, want)
		}
	}
	_, got := s.ask("POST", "/v1/stacks/a/fork", `{"at":"1","as":"b","set":{"n":5}}`)
	want := s.must("fork", "a", "--at", "1", "--as", "c", "--set", "n=5", "-o", "json")
	if settledFork(got, "b") != settledFork(want, "c") {
		t.Errorf("fork: %s\nwant %s", got, want)
	}
	s.must("cancel", "b", "c")
	_, got = s.ask("POST", "/v1/stacks/b/retry", `{}`)
	if want := s.must("retry", "c", "-o", "json"); got != strings.ReplaceAll(want, `"c"`, `"b"`) {
		t.Errorf("retry: %s\nwant %s", got, want)
	}
}

// settledFork is the answer to a fork, which pauses as the stack did, without what is its own.
func settledFork(text, id string) string {
	text, _, _ = strings.Cut(text, `"created_at"`)
	return strings.ReplaceAll(text, `"`+id+`"`, `"ID"`)
}
