package agent

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// ProviderUse is how a provider stands at a moment, and what it was asked since the process
// began. Graphs that name the same address with the same key have it together.
type ProviderUse struct {
	Provider string // as graphs name it
	API      string
	Host     string // "" for answers from a file
	Parallel int    // questions at once; 0 means no limit
	Running  int    // questions that are asked now
	Waiting  int    // questions that wait until fewer are asked at once
	Requests RateUse
	Tokens   RateUse
	Held     []Held // questions that wait for a time, by what for; none if none do
	// RetryAfter is until when the provider asked, in its last refusal, not to be asked
	// again. Zero once that is over.
	RetryAfter time.Time
	Models     []ModelUse // by name
}

// RateUse is a rate: its limit and what was used of late.
type RateUse struct {
	Limit      int           // units per Per; 0 means no limit
	Per        time.Duration // zero without a limit
	LastMinute int64         // units within the last 60 s
}

// Held is questions that are held back until a time.
type Held struct {
	Why       string // rate: the graph's limits; retry-after: the provider asked for it; backoff: a try has failed
	Questions int
	Until     time.Time // of the last of them
}

// ModelUse is what a model was asked. Tokens and Cost are estimated where the provider did
// not say them.
type ModelUse struct {
	Model    string
	Calls    int64
	Failures int64 // of Calls
	Tokens   int64
	Cost     float64
	Error    string    // of the last call that failed; "" if none has
	FailedAt time.Time // of that call
}

// The words of Held.Why.
const (
	heldByRate     = "rate"
	heldByProvider = "retry-after"
	heldByBackoff  = "backoff"
)

// maxModels bounds the models of a provider that are told apart, since names come from
// graphs. What comes after them counts under the last name, manyModels.
const (
	maxModels  = 100
	manyModels = "others"
)

// Use lists the providers that were asked since the process began, by name and host.
func (a *Agents) Use() []ProviderUse {
	a.hub.mu.Lock()
	gates := slices.Collect(maps.Values(a.hub.gates))
	a.hub.mu.Unlock()
	all := make([]ProviderUse, len(gates))
	for i, g := range gates {
		all[i] = g.use()
	}
	slices.SortFunc(all, func(a, b ProviderUse) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.API, b.API), cmp.Compare(a.Host, b.Host))
	})
	return all
}

func (g *gate) use() ProviderUse {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	u := ProviderUse{Provider: g.name, API: g.api, Host: g.host, Parallel: g.parallel, Running: g.inside, Waiting: len(g.queue),
		Requests: g.requests.use(now), Tokens: g.tokens.use(now)}
	if g.notBefore.After(now) {
		u.RetryAfter = g.notBefore
	}
	for _, why := range []string{heldByRate, heldByProvider, heldByBackoff} {
		h := Held{Why: why}
		for w := range g.waits {
			if w.why == why {
				h.Questions++
				h.Until = later(h.Until, w.until)
			}
		}
		if h.Questions == 0 {
			continue
		}
		if u.Held = append(u.Held, h); why == heldByRate {
			u.Running -= h.Questions // they have their place already
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.models)) {
		u.Models = append(u.Models, *g.models[name])
	}
	return u
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wait is a question that waits for a time.
type wait struct {
	why   string
	until time.Time
}

// hold notes that a question waits, until the returned function is called.
func (g *gate) hold(why string, d time.Duration) (over func()) {
	if d <= 0 {
		return func() {}
	}
	w := &wait{why, time.Now().Add(d)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waits == nil {
		g.waits = map[*wait]struct{}{}
	}
	g.waits[w] = struct{}{}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.waits, w)
	}
}

// refuses notes that the provider asked not to be asked for a time.
func (g *gate) refuses(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notBefore = time.Now().Add(d)
}

// count counts a call of a model. problem is why it failed; "" if it did not.
func (g *gate) count(model string, u Used, problem string) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests.last.add(now, 1)
	g.tokens.last.add(now, u.tokens())
	m := g.models[model]
	if m == nil {
		if len(g.models) >= maxModels-1 {
			model = manyModels
		}
		if m = g.models[model]; m == nil {
			m = &ModelUse{Model: model}
		}
		if g.models == nil {
			g.models = map[string]*ModelUse{}
		}
		g.models[model] = m
	}
	m.Calls++
	m.Tokens += u.tokens()
	m.Cost += u.Cost
	if problem != "" {
		m.Failures++
		m.Error, m.FailedAt = problem, now
	}
}

// nameIn is the name of a model among those of its provider.
func (c *choice) nameIn() string { return strings.TrimPrefix(c.name, c.provider.Name+"/") }

func (b *bucket) use(now time.Time) RateUse {
	u := RateUse{Limit: b.limited, Per: b.per, LastMinute: b.last.sum(now)}
	if u.Limit == 0 {
		u.Per = 0
	}
	return u
}

// minute counts units by the second, for a minute.
type minute struct {
	second [60]int64 // whose units n has
	n      [60]int64
}

func (m *minute) add(now time.Time, n int64) {
	s := now.Unix()
	if i := s % 60; m.second[i] != s {
		m.second[i], m.n[i] = s, n
	} else {
		m.n[i] += n
	}
}

func (m *minute) sum(now time.Time) (n int64) {
	for i, s := range m.second {
		if now.Unix()-s < 60 {
			n += m.n[i]
		}
	}
	return n
}

// named says what a gate is in front of.
func (g *gate) named(p *graph.Provider, host string) *gate {
	g.name, g.api, g.host = p.Name, p.API, host
	return g
}
