package cli

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/docs"
)

// agentClient is a client of `graphrun mcp`, which it has started.
type agentClient struct {
	t *testing.T
	*mcp.ClientSession
}

// client starts `graphrun mcp` in the folder of the process.
func (p *process) client(args ...string) agentClient {
	p.t.Helper()
	cmd := exec.Command("graphrun", append([]string{"mcp"}, args...)...)
	cmd.Dir = p.dir
	c := mcp.NewClient(&mcp.Implementation{Name: "tester", Version: "1"}, nil)
	s, err := c.Connect(p.t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = s.Close()
		if cmd.ProcessState.ExitCode() != 0 {
			p.t.Errorf("graphrun mcp: %v", cmd.ProcessState)
		}
	})
	return agentClient{p.t, s}
}

// call gives the texts of an answer, and whether the tool failed.
func (c agentClient) call(tool string, args map[string]any) (text string, failed bool) {
	c.t.Helper()
	r, err := c.CallTool(c.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for _, part := range r.Content {
		all = append(all, part.(*mcp.TextContent).Text)
	}
	return strings.Join(all, "\n"), r.IsError
}

// says is call for what has to succeed, with an answer that has these words.
func (c agentClient) says(tool string, args map[string]any, words ...string) string {
	c.t.Helper()
	text, failed := c.call(tool, args)
	if failed {
		c.t.Fatalf("%s %v failed: %s", tool, args, text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			c.t.Errorf("%s %v lacks %s:\n%s", tool, args, word, text)
		}
	}
	return text
}

// refuses is call for what has to fail, with these words.
func (c agentClient) refuses(tool string, args map[string]any, words string) {
	c.t.Helper()
	if text, failed := c.call(tool, args); !failed || !strings.Contains(text, words) {
		c.t.Errorf("%s %v: failed is %v, without %q:\n%s", tool, args, failed, words, text)
	}
}

func (c agentClient) tools() (names []string) {
	c.t.Helper()
	all, err := c.ListTools(c.t.Context(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, tool := range all.Tools {
		names = append(names, tool.Name)
	}
	return names
}

var lookingTools = []string{"explain", "explore", "get", "history", "plan", "validate"}

const wordsGraph = `graphrun: 1
name: words
params: {goal: string}
state:
  drafts: {type: list(string), reduce: append, keep: 9}
  done: boolean
nodes:
  write: {uses: set, with: {draft: "${{ params.goal }}"}, writes: {drafts: "[output.draft]"}}
  check: {uses: set, writes: {done: "true"}}
edges: [{to: write}, {from: write, to: check, when: len(state.drafts) >= 2}]
pause: 10ms
stop: state.done
`

// TestMCPLooks: the tools that look work on files and on a store that nobody owns, say what
// the commands say, and change nothing.
func TestMCPLooks(t *testing.T) {
	t.Parallel()
	p := &process{t: t, dir: t.TempDir()}
	p.write("words.graphrun.yaml", wordsGraph)
	p.must("run", "words.graphrun.yaml", "--param", "goal=ship it")
	c := p.client()
	if got := slices.Sorted(slices.Values(c.tools())); !cmp.Equal(got, lookingTools) {
		t.Errorf("tools: %q", got)
	}
	if _, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: "start", Arguments: map[string]any{"file": "words.graphrun.yaml"}}); err == nil {
		t.Error("start is there without --allow-control")
	}

	type args = map[string]any
	c.says("validate", args{"file": "words.graphrun.yaml"}, `{"valid":true,"diagnostics":[]}`)
	c.says("validate", args{"text": strings.Replace(wordsGraph, "len(state.drafts)", "len(state.draft)", 1)}, `"valid":false`, "unknown-property", `did you mean \"drafts\"?`)
	c.refuses("validate", args{}, "expected file or text")
	c.refuses("validate", args{"file": "words.graphrun.yaml", "files": "x"}, "files")
	c.says("plan", args{"file": "words.graphrun.yaml", "params": args{"goal": "5"}, "state": args{"drafts": []string{"a"}}}, `"nodes":["write"]`, "len(state.drafts) >= 2")
	c.says("plan", args{"text": wordsGraph, "params": args{"goal": "x"}, "explain": true}, `"condition"`)
	c.refuses("plan", args{"file": "words.graphrun.yaml", "params": args{"goal": "x", "gaol": "x"}}, "gaol")
	c.refuses("plan", args{"file": "words.graphrun.yaml", "stack": "words"}, "one of them")
	c.says("explore", args{"file": "words.graphrun.yaml", "stacks": 20}, `"stacks":20`, "explored 20 stacks")
	c.says("history", args{"stack": "words"}, `"cycles":[`)
	c.says("get", args{"what": "eval", "stack": "words", "expression": "len(state.drafts)", "at": "1"}, `"value":1`)
	c.says("get", args{"what": "diff", "stack": "words", "a": "1", "b": "2"}, `"path":"/drafts/1"`)
	c.says("get", args{"what": "logs", "stack": "words"}, "write started")
	c.says("get", args{"what": "records", "stack": "words", "from": 3}, `{"seq":3,`)
	c.says("get", args{"what": "kinds", "kind": "set"}, `"name":"set"`)
	c.says("get", args{"what": "graph", "file": "words.graphrun.yaml"}, "write")
	c.says("get", args{"what": "language"}, docs.Language)
	c.says("get", args{"what": "pools"}, `"pools"`)
	c.says("get", args{}, `{"stacks":[{"stack":"words"`)
	c.refuses("get", args{"what": "state"}, "needs stack")
	c.refuses("get", args{"stack": "--help"}, `unknown stack "--help", the store has: words`)
	c.refuses("get", args{"stack": "a\x00b"}, `"a\x00b"`)

	// A tool says what the command says.
	for _, same := range []struct {
		tool string
		args args
		line []string
	}{
		{"explain", args{"stack": "words", "nodes": []string{"check"}, "cycle": 1}, []string{"explain", "words", "check", "--cycle", "1"}},
		{"get", args{"what": "state", "stack": "words"}, []string{"state", "words"}},
		{"get", args{"stack": "words"}, []string{"status", "words"}},
		{"history", args{"stack": "words", "last": 1}, []string{"history", "words", "--last", "1"}},
	} {
		got := c.says(same.tool, same.args)
		want := strings.TrimSpace(p.must(append(same.line, "-o", "json")...))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %v (-command +tool)\n%s", same.tool, same.args, diff)
		}
	}
}

// TestMCPIsBounded: an answer has a bound, says that it was cut and how to ask for less.
func TestMCPIsBounded(t *testing.T) {
	t.Parallel()
	p := &process{t: t, dir: t.TempDir()}
	p.write("big.graphrun.yaml", `graphrun: 1
name: big
state: {text: string, n: {type: integer, reduce: sum}}
nodes: {a: {uses: set, writes: {n: "1"}}}
edges: [{to: a}]
pause: 0s
stop: state.n >= 300
`)
	p.must("run", "big.graphrun.yaml", "--set", `text="`+strings.Repeat("ü", 40<<10)+`"`)
	c := p.client()
	for _, args := range []map[string]any{
		{"what": "state", "stack": "big"},
		{"what": "records", "stack": "big"},
	} {
		text := c.says("get", args, "is longer than 49152 bytes")
		if len(text) > maxToolAnswer+500 || len(text) < maxToolAnswer/2 {
			t.Errorf("%v: %d bytes", args, len(text))
		}
		if strings.Contains(text, "cannot write") || strings.Contains(text, "\uFFFD") {
			t.Errorf("%v: %s", args, text[len(text)-300:])
		}
	}
	c.says("get", map[string]any{"what": "eval", "stack": "big", "expression": "state.n"}, `"value":300`)
}

// TestMCPControls: with --allow-control the tools drive the stacks of a server, and what the
// client did is recorded as its own.
func TestMCPControls(t *testing.T) {
	t.Parallel()
	s := startServe(t, map[string]string{"graphs/desk.graphrun.yaml": `graphrun: 1
name: desk
params: {who: string}
state:
  mail: {type: list(string), reduce: append, keep: 9}
  said: any
  by: string?
events: {mail: {to: mail}}
nodes:
  ask: {uses: approval, with: {prompt: "Is it fine, ${{ params.who }}?", answer: any}, writes: {said: output.value, by: output.by}}
edges: [{to: ask}]
pause: 10ms
`}, "graphs")
	defer s.end()
	c := s.client("--allow-control")
	type args = map[string]any
	want := slices.Sorted(slices.Values(slices.Concat(lookingTools, []string{"start", "send", "answer", "pause", "resume", "wake", "stop", "cancel", "retry", "fork"})))
	if got := slices.Sorted(slices.Values(c.tools())); !cmp.Equal(got, want) {
		t.Errorf("tools (-want +got)\n%s", cmp.Diff(want, got))
	}
	c.says("start", args{"graph": "desk", "stack": "one", "params": args{"who": "ada"}}, `"stack":"one"`)
	has := func(what, word string) {
		t.Helper()
		s.until(word, func() bool { return strings.Contains(c.says("get", args{"what": what, "stack": "one"}), word) })
	}
	has("status", "Is it fine, ada?")
	c.says("explain", args{"stack": "one", "nodes": []string{"ask"}}, `"for":"answer"`)
	c.refuses("answer", args{"stack": "one", "node": "asks", "approved": true}, "asks")
	c.says("answer", args{"stack": "one", "node": "ask", "approved": true, "value": args{"n": 3}}, `"done":"approved"`)
	has("state", `"by":"tester (mcp)"`)
	has("state", `"said":{"n":3}`)
	c.says("pause", args{"stack": "one"}, `"done":"paused"`)
	c.says("send", args{"stack": "one", "event": "mail", "payload": []string{"hello"}}, `"stack":"one"`)
	c.refuses("send", args{"stack": "one", "event": "mail", "payload": 5}, "list")
	c.says("resume", args{"stack": "one"}, `"done":"resumed"`)
	has("state", `"mail":["hello"]`)
	c.says("fork", args{"stack": "one", "at": "1", "as": "two"}, `"stack":"two"`)
	c.says("cancel", args{"stack": "one", "reason": "enough"}, `"done":"cancelled"`)
	c.says("get", args{"what": "stacks", "status": "cancelled"}, `"reason":"enough"`)
	c.says("retry", args{"stack": "one", "limits": args{"cycles": 50}}, `"done":"retried"`)
	c.refuses("start", args{"graph": "desk", "file": "x"}, "one of them")
}

// TestMCPRetryNeedsAServer: a call of a tool runs no stack.
func TestMCPRetryNeedsAServer(t *testing.T) {
	t.Parallel()
	p := &process{t: t, dir: t.TempDir()}
	p.write("words.graphrun.yaml", wordsGraph)
	p.must("run", "words.graphrun.yaml", "--param", "goal=x")
	c := p.client("--allow-control")
	c.refuses("retry", map[string]any{"stack": "words"}, "graphrun serve")
	text := c.says("start", map[string]any{"file": "words.graphrun.yaml", "stack": "later", "params": map[string]any{"goal": "x"}}, `"driven":false`)
	var started struct{ Stack string }
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&started); err != nil || started.Stack != "later" {
		t.Errorf("%v: %s", err, text)
	}
}
