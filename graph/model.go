package graph

import (
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// wellKnown are the providers that a graph without `providers` has, each but the first
// if the graph declares its secret.
var wellKnown = []provided{
	{name: "ollama", api: "openai", baseURL: "http://127.0.0.1:11434/v1"},
	{name: "openai", api: "openai", secret: "OPENAI_API_KEY"},
	{name: "anthropic", api: "anthropic", secret: "ANTHROPIC_API_KEY"},
}

type provided struct{ name, api, baseURL, secret string }

// wellKnownDefs are the providers of a graph that declares none.
func wellKnownDefs(secrets []string) (out []ProviderDef) {
	for _, w := range wellKnown {
		d := ProviderDef{Name: diag.Plain(w.name), API: diag.Plain(w.api)}
		switch {
		case w.secret == "":
			d.BaseURL = tree.Of(w.baseURL)
		case slices.Contains(secrets, w.secret):
			d.Key = tree.Of("${{ secrets." + w.secret + " }}")
		default:
			continue
		}
		out = append(out, d)
	}
	return out
}

// ModelError says why a name is not that of a model.
type ModelError struct {
	Code    diag.Code // diag.UnknownProvider or diag.BadConfig
	Message string
	Help    string // "" if there is nothing to say
}

func (e *ModelError) Error() string {
	if e.Help == "" {
		return e.Message
	}
	return e.Message + ": " + e.Help
}

// Model finds the provider of a model by the model's name in the graph, PROVIDER/MODEL,
// and returns the model as the provider names it. Errors are *ModelError.
func (g *Graph) Model(name string) (*Provider, string, error) {
	i, model, err := g.model(name)
	if err != nil {
		return nil, "", err
	}
	return &g.Providers[i], model, nil
}

// model is Model with the index of the provider.
func (g *Graph) model(name string) (int, string, *ModelError) {
	first, model, slash := strings.Cut(name, "/")
	known := names(g.Providers, func(p *Provider) string { return p.Name })
	i := slices.Index(known, first)
	switch {
	case name == "":
		return 0, "", &ModelError{Code: diag.BadConfig, Message: "a model needs a name", Help: "write PROVIDER/MODEL"}
	case i >= 0 && model != "":
		return i, model, nil
	case i >= 0:
		return 0, "", &ModelError{Code: diag.BadConfig, Message: strconv.Quote(name) + " names a provider and no model", Help: "write " + first + "/MODEL"}
	}
	known = names(g.Def.Providers, func(p *ProviderDef) string { return p.Name.Value })
	reserved := slices.IndexFunc(wellKnown, func(w provided) bool { return w.name == first })
	near := ""
	if slash {
		near = diag.Suggest(first, known)
	}
	if len(known) == 1 && reserved < 0 && near == "" {
		return 0, name, nil
	}
	bad := &ModelError{Code: diag.UnknownProvider, Message: "unknown provider " + strconv.Quote(first), Help: near}
	switch {
	case near != "":
	case reserved >= 0 && len(known) == 0:
		bad.Help = "declare the secret " + wellKnown[reserved].secret
	case reserved >= 0:
		bad.Help = "declare it in `providers`: without `providers` it would be there"
	case !slash:
		bad.Message, bad.Help = "unknown provider: "+strconv.Quote(name)+" names none", "write PROVIDER/MODEL; "+g.listedProviders()
	default:
		if bad.Help = diag.Suggest(first, names(g.Providers, func(p *Provider) string { return p.Name })); bad.Help == "" {
			bad.Help = g.listedProviders()
		}
	}
	return 0, "", bad
}

func (g *Graph) listedProviders() string {
	return listed("provider", names(g.Providers, func(p *Provider) string { return p.Name }))
}
