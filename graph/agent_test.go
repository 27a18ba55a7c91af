package graph

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

const agentDef = `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "secrets": ["KEY", "OPENAI_API_KEY"],
	"state": [{"name": "n", "type": "integer"}], "stop": [{"when": "state.n > 9"}]`

// TestImplicitProviders: a graph without providers has those whose secrets it declares.
func TestImplicitProviders(t *testing.T) {
	t.Parallel()
	g := compiledDef(t, agentDef+`, "nodes": [{"id": "a", "uses": "talk", "with": {"model": "openai/gpt-5"}}]`)
	var got []string
	for _, p := range g.Providers {
		v, err := p.Config.Fill(func(name string) (string, bool) { return "the " + name, true })
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Name+" "+p.API+" "+value.String(v))
	}
	want := []string{`ollama openai {"base_url":"http://127.0.0.1:11434/v1"}`, `openai openai {"key":"the OPENAI_API_KEY"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
	ref, err := g.Providers[1].Config.Defer(&cond.Env{Slots: make([]any, NumSlots)})
	if err != nil || value.String(ref) != `{"key":{"$secret":"OPENAI_API_KEY"}}` {
		t.Errorf("the key is %s, %v", value.String(ref), err)
	}
}

// TestTools compiles the tools of a graph and of its servers.
func TestTools(t *testing.T) {
	t.Parallel()
	g := compiledDef(t, agentDef+`,
		"servers": [{"name": "files", "command": ["serve", 3], "approve": "always", "effects": "once",
			"tools": [{"name": "read", "effects": "none", "approve": "false"}, {"name": "write"}, {"name": "move", "approve": "args.to == \"/\" && state.n > 0"}]}],
		"tools": [{"name": "pay", "uses": "work", "args": {"type": "object", "required": ["n"], "properties": {"n": "integer"}},
			"with": {"command": ["pay", "n ${{ args.n }}"], "input": "${{ secrets.KEY }} ${{ state.n }}", "mode": "fast"}, "approve": "args.n > state.n", "effects": "once"}],
		"memories": [{"name": "facts", "keep": 3, "scope": "graph"}],
		"nodes": [{"id": "a", "uses": "talk", "with": {"model": "ollama/x", "tools": ["files/*", "pay", "files/read", "memory/facts", "memory/facts/write"]}}]`)
	n := &g.Nodes[0]
	want := []ToolName{{Of: ServersTool, Tool: 0, Name: "files/read", Listed: true}, {Of: ServersTool, Tool: 1, Name: "files/write", Listed: true},
		{Of: ServersTool, Tool: 2, Name: "files/move", Listed: true}, {Of: OwnTool, Name: "pay"}, {Of: MemorySearch, Name: "memory/facts"}, {Of: MemoryWriting, Name: "memory/facts/write"}}
	if diff := cmp.Diff(want, n.Calls, cmpopts.IgnoreUnexported(ToolName{})); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{0}, n.Tools); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	s := g.Servers[0].Tools
	if s[0].Approve != nil || s[0].Effects != EffectsNone || s[1].Approve == nil || s[1].Approve.When != nil || s[1].Effects != EffectsOnce || s[2].Approve.When == nil {
		t.Errorf("the server's tools: %+v", s)
	}
	p := g.Tools[0]
	if p.Timeout != toolTimeout || p.Retry.Attempts != 1 || p.Effects != EffectsOnce || p.Approve == nil || p.Args.Kind.String() != "object" {
		t.Errorf("the tool: %+v", p)
	}
	if m := g.Memories[0]; !m.Graph || m.Keep != 3 || m.Data.String() != "map(any)" {
		t.Errorf("the memory: %+v", m)
	}
}

// TestAgentDefSurvivesJSON: a definition with all sections of agents compiles to the same
// graph after it went through a store.
func TestAgentDefSurvivesJSON(t *testing.T) {
	t.Parallel()
	def := define(t, "{"+agentDef+`, "providers": [{"name": "p", "api": "openai", "key": "${{ secrets.KEY }}", "rate": 3, "prices": [{"model": "m", "input": 1, "output": 2, "cached": 0.5}]}],
		"servers": [{"name": "s", "url": "https://x.example", "headers": {"A": 1.50}, "tools": [{"name": "t"}]}],
		"tools": [{"name": "own", "uses": "work", "with": {"command": ["a"]}}], "memories": [{"name": "m", "data": "map(string)"}],
		"nodes": [{"id": "a", "uses": "talk", "with": {"model": "m", "tools": ["own", "s/t", "memory/m"]}}]}`)
	g, problems := Compile(def, testKinds)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	text, err := json.Marshal(g.Def)
	if err != nil {
		t.Fatal(err)
	}
	var again Def
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	h, problems := Compile(again, testKinds)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	if g.Hash != h.Hash {
		t.Error("the hash is another one")
	}
	price := Price{Input: 1, Output: 2, Cached: 0.5, CacheWrite: 1}
	if p := h.Providers[0]; p.Rate != 3 || p.RatePer.String() != "1m0s" || p.Prices["m"] != price {
		t.Errorf("provider: %+v", p)
	}
}

func compiledDef(t *testing.T, text string) *Graph {
	t.Helper()
	g, problems := compileText(t, text)
	if g == nil {
		t.Fatalf("compile: %v", problems)
	}
	return g
}

// Each entry is what an agent's graph says besides agentDef, and its errors.
var agentProblems = []struct {
	name, def string
	want      []string
}{
	{"names", `"providers": [{"name": "a.b", "api": "openai"}], "servers": [{"name": "memory", "command": ["a"], "tools": [{"name": "t"}]}, {"name": "a__b", "command": ["a"], "tools": [{"name": "t"}]}],
		"tools": [{"name": "x__y", "uses": "set"}, {"name": "x-y", "uses": "set"}, {"name": "x-y", "uses": "set"}], "memories": [{"name": "m-1"}, {"name": "1"}],
		"define": [{"name": "usage", "expr": "1"}, {"name": "args", "expr": "1"}], "types": [{"name": "AgentMessage", "schema": "string"}],
		"nodes": [{"id": "a", "uses": "set", "for_each": {"in": "[1]", "as": "results"}}, {"id": "b", "uses": "set", "for_each": {"in": "[1]", "as": "messages"}}]`,
		[]string{`bad-name: "1" cannot be the name of a memory`, `bad-name: "a.b" cannot be the name of a provider`, `bad-name: "a__b" cannot be the name of a server`,
			`bad-name: "args" cannot be a name in "define"`, `bad-name: "memory" cannot be the name of a server`, `bad-name: "messages" cannot be a name in "as"`,
			`bad-name: "results" cannot be a name in "as"`, `bad-name: "usage" cannot be a name in "define"`, `bad-name: "x__y" cannot be the name of a tool`,
			`bad-name: type name "AgentMessage" stands for a built-in type`, `duplicate-key: tool "x-y" is declared twice`}},
	{"words", `"providers": [{"name": "p", "api": "opnai"}], "servers": [{"name": "s", "url": "https://x", "effects": "non", "tools": [{"name": "t", "effects": "twice"}]}],
		"tools": [{"name": "t", "uses": "set", "effects": "onc"}], "memories": [{"name": "m", "scope": "world"}], "nodes": [{"id": "a", "uses": "set"}]`,
		[]string{`bad-config: "non" is not known here`, `bad-config: "onc" is not known here`, `bad-config: "opnai" is not known here`, `bad-config: "twice" is not known here`, `bad-config: "world" is not known here`}},
	{"providers", `"providers": [{"name": "a"}, {"name": "b", "api": "script"}, {"name": "c", "api": "script", "file": "f", "key": "k"}, {"name": "d", "api": "openai", "file": "f"},
		{"name": "e", "api": "openai", "base_url": "localhost:1"}, {"name": "f", "api": "openai", "key": "${{ params.key }}"}, {"name": "g", "api": "openai", "key": ["a"]}],
		"params": [{"name": "key", "type": "string"}], "nodes": [{"id": "a", "uses": "set"}]`,
		[]string{`bad-config: "localhost:1" is no address`, `bad-config: "openai" takes no "file"`, `bad-config: "script" answers from a file, and takes no "key"`,
			`missing-field: provider "a" has no "api"`, `missing-field: provider "b" has no "file"`, `unknown-name: "params" is not in scope here`, `wrong-type: "key" must be a string`}},
	{"servers", `"servers": [{"name": "a", "tools": [{"name": "t"}]}, {"name": "b", "command": ["x"], "url": "https://x", "tools": [{"name": "t"}]}, {"name": "c", "command": ["x"]},
		{"name": "d", "url": "x", "env": {"A": "b"}, "tools": [{"name": "t"}, {"name": "t"}]}, {"name": "e", "command": [["x"]], "headers": {}, "tools": [{"name": "t", "approve": "args.n"}]}],
		"nodes": [{"id": "a", "uses": "set"}]`,
		[]string{`bad-config: "env" is for servers with a "command"`, `bad-config: "headers" is for servers with a "url"`, `bad-config: "x" is no address`,
			`bad-config: server "a" needs one of`, `bad-config: server "b" takes only one of`, `duplicate-key: tool "t" of server "d" is listed twice`,
			`missing-field: the server has no "tools"`, `untyped: the type of this condition`, `wrong-type: an argument must be text, not a list`}},
	{"tools", `"tools": [{"name": "a", "uses": "ask"}, {"name": "b", "uses": "send"}, {"name": "c", "uses": "sett"}, {"name": "d"}, {"name": "e", "uses": "set", "args": "list(string)"},
		{"name": "f", "uses": "set", "args": {"type": "object", "properties": {"n": "integer"}}, "with": {"x": "${{ args.m }}"}, "approve": "args.n == output"},
		{"name": "g", "uses": "talk", "with": {"input": "${{ secrets.KEY }}"}}, {"name": "h", "uses": "set", "approve": "secrets.KEY == args.x"}], "nodes": [{"id": "a", "uses": "set"}]`,
		[]string{`bad-config: "ask" waits, so it cannot be a tool`, `bad-config: "send" is done with the commit`, `missing-field: tool "d" has no "uses"`,
			`secret-leak: "secrets" is not in scope here`, `secret-leak: "secrets" is not in scope here`, `unknown-kind: unknown kind "sett"`, `unknown-name: "output" is not in scope here`,
			`unknown-property: "args" has no property "m"`, `unknown-property: "args" has no property "x"`, `wrong-type: the arguments of a tool must be an object`}},
	{"tools of themselves", `"tools": [{"name": "a", "uses": "talk", "with": {"model": "ollama/x", "tools": ["b"]}}, {"name": "b", "uses": "talk", "with": {"model": "ollama/x", "tools": ["a"]}}],
		"nodes": [{"id": "a", "uses": "set"}]`, []string{`recursion: a tool cannot call itself: a -> b -> a`}},
	{"named", `"servers": [{"name": "s", "url": "https://x", "tools": [{"name": "t"}]}], "memories": [{"name": "m", "embed": "x/y", "keep": 100001}],
		"nodes": [{"id": "a", "uses": "talk", "with": {"model": ["ollama/x", "olama/x"], "tools": ["s/t", "r/t", "s/u", "u", "memory/m/read", "memory/n"]}},
		{"id": "b", "uses": "call", "with": {"server": "r", "tool": "t"}}, {"id": "c", "uses": "call", "with": {"server": "s", "tool": "u"}}, {"id": "d", "uses": "keep", "with": {"memory": "n"}},
		{"id": "e", "uses": "talk", "with": {"model": 3}}, {"id": "f", "uses": "talk", "with": {"model": []}}]`,
		[]string{`bad-config: memory "m" keeps 100001 items`, `bad-config: the list of models is empty`, `unknown-name: unknown memory "n"`, `unknown-provider: unknown provider "olama"`, `unknown-provider: unknown provider "x"`,
			`unknown-server: unknown server "r"`, `unknown-tool: unknown tool "memory/m/read"`, `unknown-tool: unknown tool "memory/n"`,
			`unknown-tool: unknown tool "s/u"`, `unknown-tool: unknown tool "u"`, `unknown-tool: unknown tool "u"`, `wrong-type: the name of a model must be a text`}},
	{"instructions", `"params": [{"name": "p", "type": "string"}], "define": [{"name": "own", "expr": "params.p + stack.id"}, {"name": "other", "expr": "state.n + 1"}],
		"nodes": [{"id": "a", "uses": "talk", "for_each": {"in": "[1]", "as": "it"}, "with": {"model": "ollama/x", "input": "${{ state.n }} ${{ other }} ${{ it }}",
			"instructions": "${{ own }} ${{ params.p }} ${{ cycle.number }} ${{ state.n }} ${{ nodes.a.status }} ${{ other }} ${{ it }} ${{ now }} ${{ error }} ${{ secrets.KEY }}"}}]`,
		[]string{`bad-config: "error" is not in scope here`, `bad-config: "it" is not in scope here`, `bad-config: "nodes" is not in scope here`, `bad-config: "now" is not in scope here`,
			`bad-config: "other" is not in scope here`, `bad-config: "state" is not in scope here`, `secret-leak: "secrets" is not in scope here`}},
	{"memories", `"memories": [{"name": "m", "data": {"type": "object", "required": ["topic"], "properties": {"topic": "string"}}}],
		"nodes": [{"id": "a", "uses": "keep", "with": {"memory": "m", "data": {"topic": 3}, "where": "data.topic == \"x\" && state.n > params.p"}}, {"id": "b", "uses": "keep", "with": {"memory": "m", "where": "data.tpic == \"x\""}},
		{"id": "c", "uses": "keep", "with": {"memory": "m", "data": {"topic": "${{ state.n }}"}, "where": "nodes.a.status == \"failed\" && data.topic != nil"}}]`,
		[]string{`unknown-name: "nodes" is not in scope here`, `unknown-property: "data" has no property "tpic"`, `unknown-property: "params" has no property "p"`,
			`wrong-type: "data".topic must be a string`, `wrong-type: "data".topic must be string, not integer`}},
	{"out of place", `"nodes": [{"id": "a", "uses": "set", "with": {"x": "${{ args.x }} ${{ messages }}"}, "writes": [{"key": "n", "expr": "usage.turns"}]},
		{"id": "b", "uses": "talk", "with": {"model": "ollama/x"}, "writes": [{"key": "n", "expr": "usage.cost"}]}]`,
		[]string{`unknown-name: "args" is not in scope here`, `unknown-name: "messages" is not in scope here`, `unknown-name: "usage" is not in scope here`, `write-conflict:`}},
}

func TestAgentProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range agentProblems {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := compileText(t, agentDef+", "+tt.def)
			var got []string
			for _, p := range problems {
				if p.Severity == 0 {
					got = append(got, string(p.Code)+": "+p.Message)
				}
			}
			for i := range max(len(got), len(tt.want)) {
				if i >= len(got) || i >= len(tt.want) || !strings.HasPrefix(got[i], tt.want[i]) {
					t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
			}
		})
	}
}

// warnings lists the warnings of a code, as the messages.
func warnings(t *testing.T, code, text string) (out []string) {
	t.Helper()
	g, problems := compileText(t, text)
	if g == nil {
		t.Fatal(problems)
	}
	for _, p := range problems {
		if string(p.Code) == code {
			out = append(out, p.Message)
		}
	}
	return out
}

// TestUnguardedTools: what comes from outside, in which way it may, and which tools are free.
func TestUnguardedTools(t *testing.T) {
	t.Parallel()
	const tools = `"servers": [{"name": "s", "url": "https://x", "tools": [{"name": "t"}, {"name": "r", "effects": "none"}]}], "memories": [{"name": "m"}],
		"tools": [{"name": "free", "uses": "set"}, {"name": "once", "uses": "set", "effects": "once"}, {"name": "reads", "uses": "set", "effects": "none"}, {"name": "asks", "uses": "set", "approve": "always"},
			{"name": "expert", "uses": "talk", "effects": "none", "with": {"model": "ollama/x", "input": "1", "tools": ["reads"]}},
			{"name": "doer", "uses": "talk", "effects": "none", "with": {"model": "ollama/x", "input": "1", "tools": ["free", "asks"]}},
			{"name": "reader", "uses": "talk", "effects": "none", "with": {"model": "ollama/x", "input": "${{ state.mid }}", "tools": ["doer"]}}]`
	const head = `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "state": [{"name": "in", "type": "string?"}, {"name": "mid", "type": "string?"}, {"name": "out", "type": "string?"}], ` + tools
	agent := func(id, input, tools, writes string) string {
		return `{"id": "` + id + `", "uses": "talk", "with": {"model": "ollama/x", "input": "${{ ` + input + ` }}", "tools": [` + tools + `]}, "writes": [` + writes + `]}`
	}
	write := func(key, expr string) string { return `{"key": "` + key + `", "expr": "` + expr + `"}` }
	pass := `{"id": "pass", "uses": "set", "with": {"v": "${{ state.in }}"}, "writes": [` + write("mid", "output.v") + `]}`
	const event = `, "events": [{"name": "e", "to": "in"}]`
	of := func(tool string) string {
		return `"a" reads state.in, which comes from outside, and may call "` + tool + `" without a person's word`
	}
	for _, tt := range []struct {
		name, nodes, more string
		want              []string
	}{
		{"event", agent("a", "state.in", `"free"`, ""), event, []string{of("free")}},
		{"every tool", agent("a", "state.in", `"free", "once", "reads", "asks", "s/*", "s/r", "memory/m", "memory/m/write"`, ""), event,
			[]string{of("free"), of("memory/m/write"), of("once"), of("s/*")}},
		{"one of a server", agent("a", "state.in", `"s/r", "s/t"`, ""), event, []string{of("s/t")}},
		{"guarded", agent("a", "state.in", `"reads", "asks", "s/r", "memory/m"`, ""), event, nil},
		{"another key", agent("a", "state.out", `"free"`, ""), event, nil},
		{"nobody outside", agent("a", "state.in", `"free"`, ""), "", nil},
		{"through a node", pass + "," + agent("a", "state.mid", `"free"`, ""), event, []string{`"a" reads state.mid, which comes from outside, and may call "free" without a person's word`}},
		{"http", `{"id": "h", "uses": "http", "writes": [` + write("in", "output") + `]}, ` + agent("a", "state.in", `"free"`, ""), "", []string{of("free")}},
		{"another agent", agent("b", `1`, ``, write("in", "output")) + "," + agent("a", "state.in", `"free"`, ""), "", []string{of("free")}},
		{"itself", agent("a", "state.in", `"free"`, write("in", "output")), "", nil},
		{"itself through a node", pass + "," + agent("a", "state.mid", `"free"`, write("in", "output")), "", nil},
		{"itself and another", agent("a", "state.in", `"free"`, write("in", "output")) + "," + agent("b", `1`, ``, write("mid", "output")) +
			`, {"id": "p", "uses": "set", "with": {"v": "${{ state.mid }}"}, "writes": [` + write("in", "output.v") + `]}`, `, "edges": [{"to": "b"}, {"from": "b", "to": "p"}, {"from": "p", "to": "a"}]`, []string{of("free")}},
		{"agents as tools", agent("a", "state.in", `"expert", "doer"`, ""), event, []string{of("doer")}},
		{"an agent as a tool reads", pass + "," + agent("a", "1", `"reader"`, ""), event, []string{`"reader" reads state.mid, which comes from outside, and may call "doer" without a person's word`}},
		{"for each", `{"id": "a", "uses": "talk", "for_each": {"in": "[state.in]"}, "with": {"model": "ollama/x", "input": "${{ item }}", "tools": ["free"]}}`, event, []string{of("free")}},
	} {
		if diff := cmp.Diff(tt.want, warnings(t, "unguarded-tool", head+`, "nodes": [`+tt.nodes+`]`+tt.more)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestPrices: a limit of money needs the prices of the models.
func TestPrices(t *testing.T) {
	t.Parallel()
	const nodes = `, "nodes": [{"id": "a", "uses": "talk", "with": {"model": ["p/cheap", "p/dear", "s/any"]}}]`
	const head = `"graphrun": 1, "name": "g", "providers": [{"name": "s", "api": "script", "file": "f"}, {"name": "p", "api": "openai", "prices": [{"model": "cheap", "input": 1, "output": 2}]}]`
	want := []string{`"limits.cost" counts nothing for "p/dear": provider "p" has no price for it`}
	if diff := cmp.Diff(want, warnings(t, "no-price", head+`, "limits": {"cost": 1}`+nodes)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := warnings(t, "no-price", head+`, "limits": {"cycles": 1}`+nodes); got != nil {
		t.Errorf("without a limit: %v", got)
	}
}

// TestAgentsThatAskLeaveTheirWave: two agents in a chain may end together when both may
// wait for a person's word.
func TestAgentsThatAskLeaveTheirWave(t *testing.T) {
	t.Parallel()
	const def = `"graphrun": 1, "name": "g", "limits": {"cycles": 1}, "state": [{"name": "n", "type": "string?"}],
		"tools": [{"name": "asks", "uses": "set", "approve": "always"}, {"name": "inner", "uses": "talk", "with": {"model": "ollama/x", "tools": ["asks"]}}, {"name": "free", "uses": "set"}],
		"edges": [{"to": "a"}, {"from": "a", "to": "b"}], "nodes": [
		{"id": "a", "uses": "talk", "with": {"model": "ollama/x", "tools": ["asks"]}, "writes": [{"key": "n", "expr": "output"}]},
		{"id": "b", "uses": "talk", "with": {"model": "ollama/x", "tools": ["TOOL"]}, "writes": [{"key": "n", "expr": "output"}]}]`
	for tool, conflicts := range map[string]int{"asks": 1, "inner": 1, "free": 0} {
		_, problems := compileText(t, strings.Replace(def, "TOOL", tool, 1))
		got := 0
		for _, p := range problems {
			if p.Code == "write-conflict" {
				got++
			}
		}
		if got != conflicts {
			t.Errorf("with %s: %d conflicts, want %d: %v", tool, got, conflicts, problems)
		}
	}
}
