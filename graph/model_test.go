package graph

import (
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// providers is a graph with some declared providers, or with those that a graph has
// without any.
func providers(secrets []string, declared ...string) *Graph {
	g := &Graph{Def: &Def{}}
	for _, name := range declared {
		g.Def.Providers = append(g.Def.Providers, ProviderDef{Name: diag.Plain(name)})
	}
	defs := g.Def.Providers
	if defs == nil {
		defs = wellKnownDefs(secrets)
	}
	for _, d := range defs {
		g.Providers = append(g.Providers, Provider{Name: d.Name.Value})
	}
	return g
}

func TestModel(t *testing.T) {
	t.Parallel()
	keys := []string{"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}
	for _, tt := range []struct {
		g         *Graph
		name      string
		want, err string // PROVIDER MODEL
	}{
		{providers(nil, "local", "openai"), "openai/gpt-5-mini", "openai gpt-5-mini", ""},
		{providers(nil, "local", "openai"), "local/hf.co/x/y:z", "local hf.co/x/y:z", ""},
		{providers(nil, "local", "openai"), "loca/x", "", `unknown provider "loca": did you mean "local"?`},
		{providers(nil, "local", "openai"), "groq/x", "", `unknown provider "groq": known: "local", "openai"`},
		{providers(nil, "local", "openai"), "gpt-5-mini", "", `unknown provider: "gpt-5-mini" names none: write PROVIDER/MODEL; known: "local", "openai"`},
		{providers(nil, "local"), "qwen3:8b", "local qwen3:8b", ""},
		{providers(nil, "local"), "hf.co/x/y", "local hf.co/x/y", ""},
		{providers(nil, "local"), "locla", "local locla", ""}, // nearness is for names with a slash
		{providers(nil, "local"), "locla/x", "", `unknown provider "locla": did you mean "local"?`},
		{providers(nil, "local"), "openai/gpt-5", "", "unknown provider \"openai\": declare it in `providers`: without `providers` it would be there"},
		{providers(nil, "local"), "local", "", `"local" names a provider and no model: write local/MODEL`},
		{providers(nil, "local"), "", "", `a model needs a name: write PROVIDER/MODEL`},
		{providers(keys), "ollama/qwen3:8b", "ollama qwen3:8b", ""},
		{providers(keys), "openai/gpt-5", "openai gpt-5", ""},
		{providers(keys), "anthropic/claude", "anthropic claude", ""},
		{providers(nil), "openai/gpt-5", "", `unknown provider "openai": declare the secret OPENAI_API_KEY`},
		{providers(nil), "olama/x", "", `unknown provider "olama": did you mean "ollama"?`},
		{providers(nil), "qwen3", "", `unknown provider: "qwen3" names none: write PROVIDER/MODEL; known: "ollama"`},
	} {
		p, model, err := tt.g.Model(tt.name)
		got := ""
		if err == nil {
			got = p.Name + " " + model
		} else if err.Error() != tt.err {
			t.Errorf("%q: %v, want %s", tt.name, err, tt.err)
		}
		if got != tt.want {
			t.Errorf("%q is %q, want %q", tt.name, got, tt.want)
		}
	}
}
