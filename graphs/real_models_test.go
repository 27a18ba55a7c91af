package graphs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/agenttest"
	"github.com/graphrun/graphrun/nodes/agent/script"
)

// TestModels makes the models of the examples real by one param: a server speaks the API
// of the provider, and is asked with the key of that provider, the only one that is set.
func TestModels(t *testing.T) {
	t.Parallel()
	keys := map[string]string{"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
	for _, tt := range []struct{ graph, model string }{
		{"orchestrator-agents", "ollama/qwen3:8b"},
		{"orchestrator-agents", "openai/gpt-5-mini"},
		{"orchestrator-agents", "anthropic/claude-sonnet-4-5"},
		{"research", "ollama/qwen3:8b"},
		{"research", "openai/gpt-5-mini"},
	} {
		t.Run(tt.graph+"/"+tt.model, func(t *testing.T) {
			t.Parallel()
			provider, model, _ := strings.Cut(tt.model, "/")
			dir, server := folderOf(t, tt.graph), agenttest.New(t)
			src := elsewhere(t, dir, tt.graph, server)
			params := map[string]any{"model": tt.model}
			own, key := keys[provider], ""
			want := []string{}
			if own != "" {
				want, key = []string{own}, "the key of "+provider
			}
			complete := map[string]any{}
			for _, p := range src.Graph.Params {
				complete[p.Name] = p.Default
			}
			complete["model"] = tt.model
			if diff := cmp.Diff(want, src.Graph.SecretsNeeded(complete)); diff != "" {
				t.Fatalf("secrets that are needed (-want +got)\n%s", diff)
			}
			playScript(t, server, filepath.Join(dir, "replies.yaml"))
			secret := func(name string) (string, bool) { return key, name == own }
			records := run(t, src, newKinds(t, kindsOf{}), options{params: params, secret: secret}, nil)
			if len(server.Asked()) < 6 {
				t.Errorf("the server was asked %d times", len(server.Asked()))
			}
			for _, q := range server.Asked() {
				if q.Key != key || q.Model != model || q.Unscripted {
					t.Errorf("%s was asked with key %q and answered by no script: %v", q.Model, q.Key, q.Unscripted)
				}
			}
			for _, r := range records {
				if s, ok := r.Body.(*journal.TaskStep); ok && strings.HasPrefix(s.Name, agent.ModelStep) {
					if s.Name != agent.ModelStep+tt.model || own != "" && s.Cost == 0 {
						t.Errorf("step %q cost %v", s.Name, s.Cost)
					}
				}
			}
		})
	}
}

// elsewhere loads a graph whose providers are all at the address of a server.
func elsewhere(t *testing.T, dir, name string, server *agenttest.Server) *dsl.Source {
	t.Helper()
	file := filepath.Join(dir, name+".graphrun.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"http://127.0.0.1:11434/v1", server.OpenAI(),
		"    api: openai\n", "    api: openai\n    base_url: "+server.OpenAI()+"\n",
		"    api: anthropic\n", "    api: anthropic\n    base_url: "+server.Anthropic()+"\n",
		"pause: 5s", "pause: 1ms", "pause: 1s", "pause: 1ms",
	).Replace(string(b))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load(t, dir, name, kindsOf{})
}

// begins finds the node that asks by the first words of its instructions, which are all
// that a provider sees of it.
var begins = map[string]string{
	"You plan":        "planner",
	"You answer":      "communicator",
	"You write":       "builder",
	"You review":      "reviewer",
	"You lead":        "supervisor",
	"Read the source": "reader",
	"Write a report":  "writer",
	"A report":        "reviewer",
}

// playScript makes a server answer as the script of a graph does.
func playScript(t *testing.T, server *agenttest.Server, file string) {
	t.Helper()
	model, err := script.Open(agent.ProviderConfig{File: file})
	if err != nil {
		t.Fatal(err)
	}
	server.Play(func(q agenttest.Question) agenttest.Reply {
		ask := agent.Request{Model: q.Model, Turn: 1}
		for words, node := range begins {
			if strings.HasPrefix(q.System, words) {
				ask.Node = node
			}
		}
		for _, m := range q.Messages {
			out := agent.Message{Role: m.Role, Content: m.Text}
			if m.Role == "assistant" {
				ask.Turn++
			}
			for _, c := range m.Calls {
				out.Calls = append(out.Calls, agent.Call{Name: strings.ReplaceAll(c.Name, "__", "/")})
			}
			ask.Messages = append(ask.Messages, out)
		}
		res, err := model.Ask(t.Context(), &ask, nil)
		if err != nil {
			return agenttest.Fail(400, fmt.Sprint(err))
		}
		reply := agenttest.Reply{Text: res.Message.Content, Usage: &agenttest.Usage{Input: 100, Output: 50}}
		for _, c := range res.Message.Calls {
			name := strings.ReplaceAll(c.Name, "/", "__")
			if !slices.Contains(q.Tools, name) {
				return agenttest.Fail(400, "the question offers no tool "+name)
			}
			reply.Calls = append(reply.Calls, agenttest.Call{Name: name, Text: value.String(c.Args)})
		}
		return reply
	})
}
