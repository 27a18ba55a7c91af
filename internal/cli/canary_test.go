package cli

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/nodes/agent/agenttest"
)

// canaries are the secrets of the graph: with quotes, per cent signs, and what base64 and
// URLs write in another way.
var canaries = map[string]string{
	"CANARY_KEY":    `sk-Kanari"enV0gel%41/schluessel+Xq7?&=`,
	"CANARY_HEADER": `hd-Kopfz%eile'Wert<9>fuer+Server\Tor`,
	"CANARY_TOOL":   `tl-Werkzeug"Geheim%2Fnis/7z&Ende=x`,
	"CANARY_MCP":    `mc-Fernruf"Parole%zz/Spindel+42=`,
}

const canaryGraph = `graphrun: 1
name: canary
secrets: [CANARY_KEY, CANARY_HEADER, CANARY_TOOL, CANARY_MCP]
providers: {p: {api: API, base_url: "MODELS", key: "${{ secrets.CANARY_KEY }}"}}
servers:
  pipe: {command: [sh, ./server.sh], env: {PAROLE: "${{ secrets.CANARY_MCP }}", OUT: "OUTSIDE"}, effects: none, tools: [say]}
  web: {url: "WEB/mcp", headers: {X-Token: "${{ secrets.CANARY_HEADER }}"}, effects: none, tools: [look]}
memories: {facts: {scope: graph}}
tools:
  shell:
    description: Runs a program.
    args: {type: object, required: [text], properties: {text: string}}
    uses: exec
    with: {command: [sh, ./tool.sh, "${{ args.text }}"], env: {GEHEIM: "${{ secrets.CANARY_TOOL }}", OUT: "OUTSIDE"}}
    effects: none
  fetch:
    description: Asks a web server.
    args: {type: object, required: [text], properties: {text: string}}
    uses: http
    with: {url: "WEB/echo", method: POST, headers: {X-Token: "${{ secrets.CANARY_HEADER }}"}, body: "${{ args.text }}"}
    effects: none
  refund:
    description: Pays back.
    args: {type: object, required: [text], properties: {text: string}}
    uses: set
    with: {paid: "${{ args.text }}"}
    approve: always
types: {Verdict: {type: object, required: [kind], properties: {kind: {enum: [good, bad]}}}}
state:
  go: string?
  talk: {type: list(AgentMessage), reduce: append}
  said: string?
  verdict: Verdict?
  over: boolean?
events: {go: {to: go}}
nodes:
  speaker:
    uses: agent
    with: {model: p/m, instructions: Work., input: "${{ state.go }}", tools: [shell, fetch, refund, pipe/say, web/look, memory/facts/write, memory/facts], max_tool_output: 400}
    retry: {attempts: 3, backoff: 1ms}
    writes: {talk: messages, said: output}
  judge:
    uses: agent
    with: {model: p/m, input: "judge ${{ state.said }}", output: Verdict}
    retry: {attempts: 1}
    writes: {verdict: output}
  stranger:
    uses: agent
    with: {model: p/m, input: "stranger"}
    retry: {attempts: 1}
  end: {uses: set, with: {over: true}, writes: {over: output.over}}
edges:
  - {to: speaker, when: state.go != nil && state.said == nil}
  - {to: [judge, stranger], when: state.said != nil && state.over == nil}
  - {from: judge, to: end, outcome: always}
  - {from: stranger, to: end, outcome: always}
stop: [{when: state.over == true}]
pause: {active: 10ms, idle: 1h}
limits: {failures: 0}
`

// canaryServer is an MCP server that says its secret wherever it can.
const canaryServer = `env > "$OUT/pipe.env"
[ -r /proc/$$/environ ] && cat /proc/$$/environ > "$OUT/pipe.proc"
printf 'starting with %s\n' "$PAROLE" >&2
j=$(printf '%s' "$PAROLE" | sed 's/\\/\\\\/g; s/"/\\"/g')
long=$(printf '%4080s' '' | tr ' ' x)
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
  *'"method":"initialize"'*) r='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"pipe","version":"'$j'"}}' ;;
  *'"method":"tools/list"'*) r='{"tools":[{"name":"say","description":"'$long$j'","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}]}' ;;
  *'"method":"tools/call"'*)
    printf 'called with %s\n' "$PAROLE" >&2
    printf '%s' "$PAROLE" | cut -c1-14 >&2
    r='{"content":[{"type":"text","text":"the word is '$j' and '$(printf '%s' "$PAROLE" | base64 | tr -d '\n')'"}]}' ;;
  *) continue ;;
  esac
  [ -n "$id" ] && printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$r"
done
`

// canaryTool is a program that says its secret in every way it can.
const canaryTool = `env > "$OUT/tool.env"
[ -r /proc/$$/environ ] && cat /proc/$$/environ > "$OUT/tool.proc"
printf 'tool says %s\n' "$GEHEIM" >&2
printf '%380s' '' | tr ' ' y
printf '%s' "$GEHEIM"
printf '%s' "$GEHEIM" | base64
printf '%s' "$1"
`

// canaryWeb is a web server, and an MCP server, that echo what they get.
func canaryWeb(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Echo", r.Header.Get("X-Token"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "got %s and %s and %s", b, r.Header.Get("X-Token"), url.QueryEscape(r.Header.Get("X-Token")))
	})
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			ID     any    `json:"id"`
			Method string `json:"method"`
		}
		if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&q) != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		token := r.Header.Get("X-Token")
		var result any
		switch q.Method {
		case "initialize":
			result = map[string]any{"protocolVersion": "2025-06-18", "capabilities": map[string]any{"tools": map[string]any{}}, "serverInfo": map[string]any{"name": token, "version": "1"}, "instructions": token}
		case "tools/list":
			result = map[string]any{"tools": []any{map[string]any{"name": "look", "description": "Looks with " + token, "inputSchema": map[string]any{"type": "object", "description": token}}}}
		case "tools/call":
			result = map[string]any{"isError": true, "content": []any{map[string]any{"type": "text", "text": "no entry for " + token}}}
		default:
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": q.ID, "result": result})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// canaryModel says the key wherever it can.
func canaryModel(q agenttest.Question) agenttest.Reply {
	turn, key := 1, q.Key
	for _, m := range q.Messages {
		if m.Role == "assistant" {
			turn++
		}
	}
	quoted, _ := json.Marshal(key)
	text := map[string]any{"text": "the key is " + key}
	switch first := q.Messages[0].Text; {
	case strings.HasPrefix(first, "stranger"):
		return agenttest.Reply{Status: 401, Error: "Incorrect API key provided: " + key + ", that is " + url.QueryEscape(key), Type: key}
	case strings.HasPrefix(first, "judge"):
		return agenttest.Text(`{"kind": ` + string(quoted) + `}`)
	case turn == 1 && q.N%4 == 1:
		return agenttest.Reply{Status: 500, Error: "broken with " + key, Type: "x", Header: map[string]string{"X-Request": key}}
	case turn == 1 && q.N%4 == 2:
		return agenttest.Reply{Text: "half " + key, Pieces: []string{"half ", key[:9], key[9:20], key[20:]}, Error: "in the stream: " + key, Cut: 5}
	case turn == 1:
		return agenttest.Reply{
			Thinking: "I think of " + key, Text: "I say " + key + " twice " + key,
			Pieces: []string{"I say ", key[:5], key[5:17], key[17:], " twice ", key[:len(key)-3], key[len(key)-3:]},
			Calls: []agenttest.Call{
				{Name: "shell", Args: text}, {Name: "fetch", Args: text}, {Name: "pipe__say", Args: text}, {Name: "web__look", Args: text},
				{Name: "memory__facts__write", Args: text}, {Name: "memory__facts", Args: map[string]any{"query": key}},
				{ID: "call-" + key, Name: "refund", Args: map[string]any{"text": key, key: key}},
				{Name: "shell", Text: `{"text": ` + string(quoted)}, {Name: "tool-" + key, Args: text},
			},
		}
	}
	return agenttest.Text("In the end: " + base64.StdEncoding.EncodeToString([]byte("--"+key)) + " and " + url.QueryEscape(key) + " and " + key)
}

// spellings are the texts that must not be found: the secret, its parts, and other ways to
// write it.
func spellings(secret string) []string {
	once, _ := json.Marshal(secret)
	twice, _ := json.Marshal(string(once))
	out := []string{secret, secret[:12], secret[len(secret)-12:], secret[10:24], url.QueryEscape(secret), url.PathEscape(secret),
		strings.Trim(string(once), `"`), strings.Trim(string(twice), `\"`)}
	for i := range 3 { // what base64 makes of it does not depend on what stands before and after
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + secret))
		b = b[4 : len(b)-6]
		out = append(out, b, strings.NewReplacer("+", "-", "/", "_").Replace(b))
	}
	return out
}

// reveal lists the secrets that a text has, but for those that are allowed.
func reveal(text string, allowed ...string) (found []string) {
	for name, secret := range canaries {
		for _, s := range spellings(secret) {
			if i := strings.Index(text, s); i >= 0 && !slices.Contains(allowed, name) {
				found = append(found, fmt.Sprintf("%s as %q in …%q…", name, s, text[max(0, i-80):min(len(text), i+len(s)+40)]))
				break
			}
		}
	}
	return found
}

// nowhere looks through all files below a folder.
func (c *canary) nowhere(dir string) {
	c.t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		n++
		for _, f := range reveal(string(b)) {
			c.t.Errorf("%s has %s", path, f)
		}
		return err
	})
	if err != nil || n < 3 {
		c.t.Errorf("%d files: %v", n, err)
	}
}

type canary struct {
	*process
	outside string // where programs write what they were given
	env     []string
}

func newCanary(t *testing.T, api string) *canary {
	t.Helper()
	models := agenttest.Start()
	models.Play(canaryModel)
	t.Cleanup(models.Close)
	c := &canary{process: &process{t: t, dir: t.TempDir()}, outside: t.TempDir()}
	address := map[string]string{"openai": models.OpenAI(), "anthropic": models.Anthropic()}[api]
	graph := strings.NewReplacer("API", api, "MODELS", address, "WEB", canaryWeb(t), "OUTSIDE", c.outside).Replace(canaryGraph)
	c.write("canary.yaml", graph)
	c.write("server.sh", canaryServer)
	c.write("tool.sh", canaryTool)
	for name, secret := range canaries {
		c.env = append(c.env, name+"="+secret)
	}
	return c
}

// with is a command that has the secrets in its environment.
func (c *canary) with(args ...string) []string {
	return slices.Concat([]string{"env"}, c.env, []string{"graphrun"}, args)
}

// say runs a command, and looks for secrets in what it says.
func (c *canary) say(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("graphrun", args...)
	cmd.Dir = c.dir
	out, _ := cmd.CombinedOutput() // some of them say that a stack failed
	for _, f := range reveal(string(out)) {
		c.t.Errorf("graphrun %s says %s", strings.Join(args, " "), f)
	}
	return string(out)
}

// programs looks at what programs were given.
func (c *canary) programs() {
	c.t.Helper()
	for file, allowed := range map[string]string{"pipe.env": "CANARY_MCP", "tool.env": "CANARY_TOOL"} {
		for _, end := range []string{"env", "proc"} {
			name := strings.TrimSuffix(file, "env") + end
			b, err := os.ReadFile(filepath.Join(c.outside, name))
			if err != nil && end == "env" {
				c.t.Errorf("the program did not run: %v", err)
			}
			for _, f := range reveal(string(b), allowed) {
				c.t.Errorf("the environment %s has %s", name, f)
			}
		}
	}
}

// TestCanary: secrets of providers, servers and tools are found nowhere, whatever models,
// servers and tools say.
func TestCanary(t *testing.T) {
	t.Parallel()
	c := newCanary(t, "openai")
	c.begin(c.with("serve", "canary.yaml", "-v", "--listen", "127.0.0.1:0")...)
	s := served{c.process}
	s.await("stderr", "msg=serving")
	c.say("start", "canary.yaml")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url()+"/v1/stacks/canary/records?follow=true&journal=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token())
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	c.say("send", "canary", "go", `"begin"`)
	var all strings.Builder
	deltas, asked := "", false
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		all.WriteString(line + "\n")
		if !asked && strings.Contains(line, "task.held") {
			asked = true
			for _, args := range [][]string{{"status", "canary"}, {"status", "canary", "-o", "json"}, {"ps", "-o", "json"}} {
				if out := c.say(args...); args[0] == "status" && !strings.Contains(out, "refund") {
					t.Errorf("%v does not name the call:\n%s", args, out)
				}
			}
			c.say("approve", "canary", "speaker", "--comment", "for "+canaries["CANARY_TOOL"])
		}
		var d struct {
			Text string `json:"text"`
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &d) == nil {
			deltas += d.Text
		}
	}
	for _, f := range append(reveal(all.String()), reveal(deltas)...) {
		t.Errorf("the stream of events has %s", f)
	}
	if !strings.Contains(deltas, "I say *** twice ***") || !asked {
		t.Errorf("the deltas are %q", deltas)
	}
	c.after()
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c.nowhere(c.dir)
	c.programs()
}

// after looks at all that commands say of a stack that has ended.
func (c *canary) after() {
	c.t.Helper()
	trace := c.say("trace", "canary", "--journal")
	for _, want := range []string{"memory__facts", "refund", "the word is ***", "I say ***", "task.waiting", "Incorrect API key"} {
		if !strings.Contains(strings.ReplaceAll(trace, "memory/facts", "memory__facts"), want) {
			c.t.Errorf("the trace does not have %q", want)
		}
	}
	for _, args := range [][]string{{"trace", "canary"}, {"logs", "canary"}, {"logs", "canary", "speaker"}, {"logs", "canary", "judge"}, {"history", "canary"}, {"history", "canary", "-o", "json"},
		{"state", "canary"}, {"status", "canary", "-o", "json"}, {"ps"}, {"models", "canary.yaml"}} {
		c.say(args...)
	}
}

// TestCanaryRecorded: the same for a run in the foreground that is traced and recorded.
func TestCanaryRecorded(t *testing.T) {
	t.Parallel()
	c := newCanary(t, "anthropic")
	run := exec.Command("env", c.with("run", "canary.yaml", "--record", "record.jsonl", "--trace", "trace.jsonl", "-v", "--set", `go="begin"`)[1:]...)
	run.Dir = c.dir
	var out strings.Builder
	run.Stdout, run.Stderr = &out, &out
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.Process.Kill() }()
	c.until("the call that waits", func() bool { return strings.Contains(c.read("trace.jsonl"), "task.held") })
	c.say("approve", "canary", "speaker", "--comment", "for "+canaries["CANARY_TOOL"])
	_ = run.Wait()
	for _, f := range reveal(out.String()) {
		t.Errorf("run says %s", f)
	}
	if n := strings.Count(c.read("record.jsonl"), "\n"); n < 6 {
		t.Errorf("%d lines are recorded", n)
	}
	c.after()
	c.nowhere(c.dir)
	c.programs()
}
