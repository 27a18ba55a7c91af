package graph

import (
	"net/url"
	"slices"

	"github.com/graphrun/graphrun/diag"
)

// HookDef says whom to tell what happens to stacks of the graph.
type HookDef struct {
	URL    diag.Text   `json:"url"`
	On     []diag.Text `json:"on,omitzero"` // of HookEvents; none means all
	Secret diag.Text   `json:"secret"`      // the secret of the graph that notices are signed with
}

// Hook is a compiled HookDef.
type Hook struct {
	URL    string
	Secret string   // name
	On     []string // of HookEvents; nil means all
}

// What a hook may hear of.
const (
	OnStackEnded    = "stack.ended"
	OnNodeWaiting   = "node.waiting" // for a person
	OnCycleFailed   = "cycle.failed"
	OnBudgetReached = "budget.reached" // a limit of tokens or cost
)

// HookEvents are all that a hook may hear of.
var HookEvents = []string{OnStackEnded, OnNodeWaiting, OnCycleFailed, OnBudgetReached}

// Wants reports whether a hook hears of an event.
func (h *Hook) Wants(event string) bool { return h.On == nil || slices.Contains(h.On, event) }

// CheckHookURL says what is wrong with the address of a hook.
func CheckHookURL(text string) (problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "expected an address as https://example.org/path"
	case u.User != nil:
		return "no user and password may be in it: notices are signed"
	}
	return ""
}

// compileHooks needs the secrets.
func (c *compiler) compileHooks() {
	for i := range c.def.Hooks {
		d := &c.def.Hooks[i]
		h := Hook{URL: d.URL.Value, Secret: d.Secret.Value}
		if problem := CheckHookURL(h.URL); problem != "" && h.URL != "" {
			c.diags.Add(diag.BadConfig, d.URL.Span, problem, "%q is no address for a hook", h.URL)
		}
		c.checkSecretName(d.Secret)
		for _, on := range d.On {
			c.word("on", on, HookEvents...)
			h.On = append(h.On, on.Value)
		}
		c.g.Hooks = append(c.g.Hooks, h)
	}
}
