package agent

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
)

func status(n int) reply { return refused(&Error{Status: n, Message: "status"}) }

func after429(wait time.Duration) reply {
	return refused(&Error{Status: 429, Message: "slow down", RetryAfter: wait, HasRetryAfter: true})
}

// TestFailures is what follows each failure of a model: which models are asked, how long
// that takes, and how the attempt ends.
func TestFailures(t *testing.T) {
	t.Parallel()
	cut := refused(&Error{Message: "the stream ended", Cut: true})
	gone := refused(&Error{Message: "connection refused"})
	for name, c := range map[string]struct {
		replies   []reply
		took      time.Duration
		kind      string // "" for success
		permanent bool
		wait      time.Duration
		next      bool // the next model is asked if there is one
		rests     int
	}{
		"503 twice":             {replies: []reply{status(503), status(503), text("ok")}, took: 3 * time.Second, rests: 1},
		"503 three times":       {replies: []reply{status(503), status(503), status(503)}, took: 3 * time.Second, kind: "model", next: true, rests: 1},
		"500 twice":             {replies: []reply{status(500), status(500), text("ok")}, took: 3 * time.Second, rests: 1},
		"529, 408":              {replies: []reply{status(529), status(408), text("ok")}, took: 3 * time.Second, rests: 1},
		"429, a second":         {replies: []reply{after429(time.Second), text("ok")}, took: time.Second},
		"429, at once":          {replies: []reply{after429(0), text("ok")}},
		"429, 30 s":             {replies: []reply{after429(30 * time.Second), text("ok")}, took: 30 * time.Second, rests: 1},
		"429, 31 s":             {replies: []reply{after429(31 * time.Second)}, kind: "model", wait: 31 * time.Second, next: true},
		"429, an hour":          {replies: []reply{after429(time.Hour)}, kind: "model", permanent: true, next: true},
		"429, 5 s, three times": {replies: []reply{after429(5 * time.Second), after429(5 * time.Second), after429(5 * time.Second)}, took: 10 * time.Second, kind: "model", wait: 5 * time.Second, next: true, rests: 2},
		"400":                   {replies: []reply{status(400)}, kind: "model", permanent: true, next: true},
		"401":                   {replies: []reply{status(401)}, kind: "model", permanent: true, next: true},
		"413":                   {replies: []reply{status(413)}, kind: "model", permanent: true, next: true},
		"422":                   {replies: []reply{status(422)}, kind: "model", permanent: true, next: true},
		"cut once":              {replies: []reply{cut, text("ok")}},
		"cut twice":             {replies: []reply{cut, cut}, kind: "model", next: true},
		"refused connection":    {replies: []reply{gone}, kind: "model", next: true},
		"an error within a 200": {replies: []reply{status(200)}, kind: "model", next: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := newRig(t, map[string]any{}, c.replies...)
				_, e := r.run()
				if took := time.Since(began); took != c.took || r.rests != c.rests {
					t.Errorf("took %v and %d rests, want %v and %d", took, r.rests, c.took, c.rests)
				}
				switch {
				case c.kind == "" && e != nil:
					t.Fatalf("%s: %s", e.Kind, e.Message)
				case c.kind == "":
				case e == nil:
					t.Fatal("it succeeded")
				case e.Kind != c.kind || e.Permanent != c.permanent || e.Wait != c.wait || !strings.HasPrefix(e.Message, "a/m: "):
					t.Errorf("%+v", e)
				}
				if len(r.steps) != len(c.replies) {
					t.Errorf("%d steps for %d questions: %s", len(r.steps), len(c.replies), r.stepNames())
				}
				if !c.next {
					return
				}
				r = newRig(t, map[string]any{"model": []any{"a/m", "b/m"}}, c.replies...)
				r.replies["b"] = []reply{text("from b")}
				if res := r.must(); res.Output != "from b" {
					t.Errorf("got %v", res.Output)
				}
			})
		})
	}
}

// TestModelsThatFailTogether: the soonest moment at which one of them may answer counts.
func TestModelsThatFailTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"model": []any{"a/m", "b/m", "c/m"}}, after429(2*time.Minute))
	r.replies["b"], r.replies["c"] = []reply{after429(time.Minute)}, []reply{status(401)}
	e := r.fails("model", "a/m: slow down (it may be asked again in 2m0s); b/m: slow down (it may be asked again in 1m0s); c/m: status")
	if e.Permanent || e.Wait != time.Minute {
		t.Errorf("%+v", e)
	}
	r.replies["a"] = []reply{text("ok")}
	r.must() // the next attempt begins with the first again
	if got := strings.Join(r.asks, ""); got != "abca" {
		t.Error(got)
	}
}

// TestTheModelThatAnswersStays: a task does not try a broken model at every turn.
func TestTheModelThatAnswersStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"model": []any{"a/m", "b/m"}, "tools": []any{"look"}}, status(401))
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	r.replies["b"] = []reply{calls(call("1", "look")), text("ok")}
	r.must()
	if got := strings.Join(r.asks, ""); got != "abb" {
		t.Error(got)
	}
	if got := r.stepNames(); got != "model:a/m failed, model:b/m, tool:look, model:b/m" {
		t.Error(got)
	}
}

// TestTooLongAnswer: kind "limit", and no other model is asked.
func TestTooLongAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"model": []any{"a/m", "b/m"}, "max_answer": 10}, refused(&Error{Message: "too long", Limit: true}))
	if e := r.fails("limit", "too long"); !e.Permanent || r.asked[0].MaxAnswer != 10 {
		t.Errorf("%+v", e)
	}
}

// TestNoKeyInMessages: what a provider says about a key does not show it, and neither
// does a path of its address.
func TestNoKeyInMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{}, refused(&Error{Status: 401, Message: "bad key sk-123456 for you"}))
	r.task.Of.Providers[0].Config = template(t, `{"base_url":"https://user:pw@models.example:8443/v1?x=y","key":"${{ secrets.KEY }}"}`)
	r.task.Secret = func(name string) (string, bool) { return "sk-123456", name == "KEY" }
	e := r.fails("model", "a/m at models.example:8443: bad key *** for you")
	if strings.Contains(e.Message, "pw") || strings.Contains(r.steps[0].Error.Message, "sk-") {
		t.Errorf("%s; %s", e.Message, r.steps[0].Error.Message)
	}
	r.task.Secret = nil
	r.fails("config", "KEY")
}

// TestOneClient: a provider has one client for all its tasks, and another for another key.
func TestOneClient(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{}, text("1"), text("2"), text("3"))
	var made []ProviderConfig
	if err := r.agents.Register("counted", func(c ProviderConfig) (Model, error) {
		made = append(made, c)
		return &scripted{r, "a"}, nil
	}); err != nil {
		t.Fatal(err)
	}
	r.task.Of.Dir = "/graphs"
	r.task.Of.Providers[0] = graph.Provider{Name: "a", API: "counted", Config: template(t, `{"base_url":"http://x/v1/","key":"${{ secrets.KEY }}","file":"f.yaml"}`)}
	key := "one1"
	r.task.Secret = func(string) (string, bool) { return key, true }
	for range 2 {
		r.steps = nil
		r.must()
	}
	key, r.steps = "two2", nil
	r.must()
	if len(made) != 2 || made[0].Key != "one1" || made[0].BaseURL != "http://x/v1" || made[0].File != "/graphs/f.yaml" || made[0].QuestionTimeout != 2*time.Minute || made[0].HTTP == nil {
		t.Errorf("%+v", made)
	}
	if err := r.agents.Register("counted", nil); err == nil {
		t.Error("a name that is taken was registered")
	}
	r.task.Of.Providers[0].API = "other"
	r.steps = nil
	r.fails("config", `has no api "other"`)
}

// TestANewAttemptBeginsTheList: after a plain failure the models are tried from the first
// one, and after a crash from the one whose turn it was.
func TestANewAttemptBeginsTheList(t *testing.T) {
	t.Parallel()
	for rerun, want := range map[bool]string{false: "abbba", true: "abbbb"} {
		r := newRig(t, map[string]any{"model": []any{"a/m", "b/m"}}, status(401), text("ok"))
		r.replies["b"] = []reply{status(503), status(503), status(503), text("ok")}
		r.task.Retry.Backoff = 0
		r.fails("model", "b/m: status")
		r.task.Rerun = rerun
		r.must()
		if got := strings.Join(r.asks, ""); got != want {
			t.Errorf("rerun %v: asked %s, want %s", rerun, got, want)
		}
	}
}

// TestWhatCameOfACutAnswerCounts: it is paid, also over a crash, when the answer is too
// long, and when the attempt ends meanwhile.
func TestWhatCameOfACutAnswerCounts(t *testing.T) {
	t.Parallel()
	price := map[string]graph.Price{"m": {Input: 250_000, Output: 500_000}}
	r := newRig(t, map[string]any{"input": strings.Repeat("x", 300)},
		refused(&Error{Message: "cut", Cut: true, Said: 41}),
		refused(&Error{Message: "cut", Cut: true, Said: 8, Used: Usage{Input: 70, Output: 1, Reported: true}}),
	)
	r.task.Of.Providers[0].Prices = price
	r.fails("model", "cut")
	estimate := (8 + 300 + 4 + messageOverhead) / tokenBytes // instructions, input, role
	if s := r.steps; s[0].Tokens != int64(estimate+11) || s[1].Tokens != 72 || s[1].Cost != 70*0.25+2*0.5 || s[0].Error == nil {
		t.Errorf("%+v", s)
	}
	r.replies["a"] = []reply{text("ok")}
	u := usedOf(val(t, r.must().Talk.Usage).(map[string]any))
	if u.Input != int64(estimate+70+10) || u.Output != 11+2+5 || !u.Estimated || u.Turns != 1 {
		t.Errorf("%+v", u)
	}

	r = newRig(t, map[string]any{"budget": map[string]any{"tokens": 100}}, refused(&Error{Message: "cut", Cut: true, Said: 4000}))
	r.fails("limit", "`budget.tokens` is reached")

	r = newRig(t, map[string]any{}, refused(&Error{Message: "too long", Limit: true, Said: 400}))
	if r.fails("limit", "too long"); r.steps[0].Tokens < 100 {
		t.Errorf("%+v", r.steps)
	}

	r = newRig(t, map[string]any{})
	r.agents = New(Config{})
	err := r.agents.Register("test", func(ProviderConfig) (Model, error) {
		return asking(func(ctx context.Context, delta func(string)) (*Response, error) {
			delta(strings.Repeat("y", 40))
			r.die(errKilled)
			return nil, context.Cause(ctx)
		}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := r.fails("cancelled", ""); e.Tokens < 15 || e.Tokens > 30 || len(r.steps) != 0 {
		t.Errorf("%+v, %d steps", e, len(r.steps))
	}
}

// asking is a Model.
type asking func(ctx context.Context, delta func(string)) (*Response, error)

func (a asking) Ask(ctx context.Context, _ *Request, delta func(string)) (*Response, error) {
	return a(ctx, delta)
}
