package cli

import (
	"strings"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/runtime/api"
)

// providers is how the providers of models stand, for the API.
func (w *work) providers() []api.Provider {
	rate := func(r agent.RateUse) api.Rate {
		return api.Rate{Limit: r.Limit, PerMS: r.Per.Milliseconds(), LastMinute: r.LastMinute}
	}
	var all []api.Provider
	for _, u := range w.agents.Use() {
		p := api.Provider{Provider: u.Provider, API: u.API, Host: u.Host, Parallel: u.Parallel, Running: u.Running, Waiting: u.Waiting,
			Requests: rate(u.Requests), Tokens: rate(u.Tokens), Held: []api.Held{}, RetryAfter: u.RetryAfter, Models: []api.Model{}}
		for _, h := range u.Held {
			p.Held = append(p.Held, api.Held{Why: api.HeldWhy(h.Why), Questions: h.Questions, Until: h.Until})
		}
		for _, m := range u.Models {
			p.Models = append(p.Models, api.Model(m))
		}
		all = append(all, p)
	}
	return all
}

// askedOf reads the question to a model that a step records.
func askedOf(b *journal.TaskStep) (asked api.Asked, ok bool) {
	_, step := nodes.Below(b.Name)
	name, ok := strings.CutPrefix(step, agent.ModelStep)
	if !ok {
		return asked, false
	}
	asked.Provider, asked.Model, _ = strings.Cut(name, "/")
	if answer, err := agent.ReadAnswer(b.Content); err == nil && b.Error == nil {
		asked.Input, asked.Output = answer.Input, answer.Output
	}
	return asked, true
}
