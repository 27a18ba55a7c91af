package main

import (
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
