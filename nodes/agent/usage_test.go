package agent

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
)

// TestUse: who looks on sees a provider's limits, what it is asked, what is held back and
// until when, and what its models have used.
func TestUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		r := newRig(t, map[string]any{}, after429(20*time.Second), text("ok"), status(400))
		r.task.Of.Providers[0].Rate, r.task.Of.Providers[0].RatePer = 6, time.Minute
		r.task.Of.Providers[0].Prices = map[string]graph.Price{"m": {Input: 1_000_000, Output: 2_000_000}}
		if got := r.agents.Use(); len(got) != 0 {
			t.Errorf("before the first question: %+v", got)
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			r.run()
		}()
		synctest.Wait() // it was refused, and waits
		refusal := "a/m: slow down"
		limits := RateUse{Limit: 6, Per: time.Minute, LastMinute: 1}
		want := ProviderUse{Provider: "a", API: "test", Requests: limits, RetryAfter: began.Add(20 * time.Second),
			Held:   []Held{{"retry-after", 1, began.Add(20 * time.Second)}},
			Models: []ModelUse{{Model: "m", Calls: 1, Failures: 1, Error: refusal, FailedAt: began}}}
		if d := cmp.Diff([]ProviderUse{want}, r.agents.Use()); d != "" {
			t.Errorf("after the refusal (-want +got)\n%s", d)
		}
		<-over
		want.Held, want.RetryAfter, want.Requests.LastMinute, want.Tokens.LastMinute = nil, time.Time{}, 2, 15
		want.Models[0].Calls, want.Models[0].Tokens, want.Models[0].Cost = 2, 15, 20
		if d := cmp.Diff([]ProviderUse{want}, r.agents.Use()); d != "" {
			t.Errorf("after the answer (-want +got)\n%s", d)
		}
		<-time.After(50 * time.Second) // the refusal is more than a minute ago
		want.Requests.LastMinute = 1
		if d := cmp.Diff([]ProviderUse{want}, r.agents.Use()); d != "" {
			t.Errorf("a minute later (-want +got)\n%s", d)
		}
		r.steps = nil
		if _, e := r.run(); e == nil {
			t.Error("the third question succeeded")
		}
		m := r.agents.Use()[0].Models[0]
		if m.Calls != 3 || m.Failures != 2 || !strings.Contains(m.Error, "status") || !m.FailedAt.After(began) {
			t.Errorf("after the last failure: %+v", m)
		}
	})
}

// TestUseOfGate: questions wait for their turn, and for the rate, and are told apart.
func TestUseOfGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := graph.Provider{Name: "a", API: "test", Parallel: 2, Rate: 6, RatePer: time.Minute}
		g := (&gate{}).named(&p, "api.example.com")
		g.limit(&p)
		began := time.Now()
		go passes(t, g, 4, 1, time.Hour)
		synctest.Wait()
		u := g.use()
		if u.Parallel != 2 || u.Running != 1 || u.Waiting != 2 || u.Host != "api.example.com" {
			t.Errorf("%+v", u)
		}
		if d := cmp.Diff([]Held{{"rate", 1, began.Add(10 * time.Second)}}, u.Held); d != "" {
			t.Error(d)
		}
		<-time.After(10 * time.Second)
		synctest.Wait()
		if u := g.use(); u.Running != 2 || u.Waiting != 2 || len(u.Held) != 0 {
			t.Errorf("later: %+v", u)
		}
		for range 2 * maxModels {
			g.count(strings.Repeat("m", len(g.models)+1), Used{Input: 1}, "")
		}
		if n := len(g.use().Models); n != maxModels {
			t.Errorf("%d models are told apart", n)
		}
		<-time.After(3 * time.Hour)
	})
}
