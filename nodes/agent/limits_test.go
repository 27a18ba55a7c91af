package agent

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
)

// TestLimits: each limit is kind "limit", for good unless the node names it.
func TestLimits(t *testing.T) {
	t.Parallel()
	length := calls(call("1", "look"))
	length.res.Stop = StopLength
	for name, c := range map[string]struct {
		with    map[string]any
		replies []reply
		want    string
	}{
		"turns": {map[string]any{"max_turns": 2}, []reply{calls(call("1", "look")), calls(call("2", "look"))}, "`max_turns`"},
		"calls": {map[string]any{"max_calls": 2}, []reply{calls(call("1", "look")), calls(call("2", "look"), call("3", "look"))}, "`max_calls` is 2"},
		"cut":   {map[string]any{}, []reply{length}, "cut at the limit"},
	} {
		c.with["tools"] = []any{"look"}
		r := newRig(t, c.with, c.replies...)
		r.tool("look", nil, graph.EffectsNone, nil, nil)
		if e := r.fails("limit", c.want); !e.Permanent {
			t.Errorf("%s: it is tried again", name)
		}
		if got := len(r.called); got != map[string]int{"turns": 2, "calls": 1, "cut": 0}[name] {
			t.Errorf("%s: %d calls were made", name, got)
		}
		r.task.Retry.Errors = []string{"limit"}
		if e := r.fails("limit", c.want); e.Permanent {
			t.Errorf("%s: it is named and not tried again", name)
		}
		if len(r.asked) != len(c.replies) {
			t.Errorf("%s: asked %d times", name, len(r.asked))
		}
	}
}

// TestBudget: it holds before a question, over all attempts, and is for good.
func TestBudget(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4000)
	r := newRig(t, map[string]any{"input": long, "budget": map[string]any{"tokens": 900}})
	r.task.Retry.Errors = []string{"limit"}
	if e := r.fails("limit", "`budget.tokens` would be passed: 0 tokens of 900 are used"); !e.Permanent || len(r.asked) != 0 {
		t.Errorf("permanent %v, asked %d", e.Permanent, len(r.asked))
	}

	r = newRig(t, map[string]any{"input": long, "tools": []any{"look"}, "budget": map[string]any{"cost": 0.005}}, calls(call("1", "look")))
	r.task.Of.Providers[0].Prices = map[string]graph.Price{"m": {Input: 4, Output: 8}}
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	r.replies["a"][0].res.Usage = Usage{Input: 1000, Output: 10, Reported: true}
	r.fails("limit", "`budget.cost` is reached")
	if len(r.asked) != 1 {
		t.Errorf("asked %d times", len(r.asked))
	}
}

// TestForgottenStepsCount: after kind "schema" the task begins again, what it used
// before still counts, and no call has the key or the id of an earlier one.
func TestForgottenStepsCount(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"output": verdict, "tools": []any{"look"}},
		calls(call("1", "look")), text("a"), text("b"), text("c"), text("d"),
		calls(call("1", "look")), text(`{"kind":"bug"}`))
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	r.fails("schema", "")
	for i := range r.steps {
		r.steps[i].Void = true
	}
	res := r.must()
	if got := strings.Join(r.called, " "); got != "look#1 look#2" {
		t.Errorf("called %s", got)
	}
	u := usedOf(val(t, res.Talk.Usage).(map[string]any))
	if u.Turns != 7 || u.Calls != 2 || u.Input != 70 {
		t.Errorf("usage %+v", u)
	}
	if m := r.asked[6].Messages; len(m) != 3 || m[2].Call != "1_2" {
		t.Errorf("%+v", m)
	}
}

// TestStackLimits: what the stack has left counts before a question.
func TestStackLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"look"}}, calls(call("1", "look")))
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	left := int64(50)
	r.task.LeftTokens = &left
	if e := r.fails("limit", "`limits.tokens`"); !e.Permanent || e.Limit != "tokens" || len(r.asked) != 1 {
		t.Errorf("permanent %v, limit %q, asked %d", e.Permanent, e.Limit, len(r.asked))
	}
	cost := 0.0
	r = newRig(t, map[string]any{})
	r.task.LeftCost = &cost
	r.fails("limit", "`limits.cost`")
}

// TestUnreportedUsage: it is estimated, and the usage says so.
func TestUnreportedUsage(t *testing.T) {
	t.Parallel()
	silent := text(strings.Repeat("y", 400))
	silent.res.Usage = Usage{}
	r := newRig(t, map[string]any{"input": strings.Repeat("x", 4000)}, silent)
	res := r.must()
	u := usedOf(val(t, res.Talk.Usage).(map[string]any))
	if !u.Estimated || u.Input < 1000 || u.Input > 1050 || u.Output < 100 || u.Output > 120 {
		t.Errorf("%+v", u)
	}
	if r.steps[0].Tokens != u.tokens() {
		t.Errorf("step %d tokens", r.steps[0].Tokens)
	}
}

// TestPrices: cached input has prices of its own.
func TestPrices(t *testing.T) {
	t.Parallel()
	a := text("x")
	a.res.Usage = Usage{Input: 1000, Cached: 600, CacheWrite: 100, Output: 10, Reported: true}
	r := newRig(t, map[string]any{}, a)
	r.task.Of.Providers[0].Prices = map[string]graph.Price{"m": {Input: 10, Output: 100, Cached: 1, CacheWrite: 20}}
	r.must()
	if want := (300*10 + 600*1 + 100*20 + 10*100) / 1e6; r.steps[0].Cost != want {
		t.Errorf("got %v, want %v", r.steps[0].Cost, want)
	}
}

// TestRefusal: for good, and no other model is asked.
func TestRefusal(t *testing.T) {
	t.Parallel()
	no := text("")
	no.res.Stop, no.res.Refusal = StopRefusal, "I cannot help with that"
	r := newRig(t, map[string]any{"model": []any{"a/m", "b/m"}}, no)
	if e := r.fails("model", "refused to answer: I cannot help"); !e.Permanent || e.Wait != 0 {
		t.Errorf("%+v", e)
	}
}

// TestBadConfig: what shows only when templates are filled in.
func TestBadConfig(t *testing.T) {
	t.Parallel()
	for want, with := range map[string]map[string]any{
		"unknown provider":           {"model": "nobody/m"},
		"names no model":             {"model": []any{}},
		"`max_turns` must be":        {"max_turns": 0},
		"`reasoning` must be":        {"reasoning": "hard"},
		"must not name \"messages\"": {"extra": map[string]any{"messages": 1}},
		"no tool \"x\"":              {"tools": []any{"x"}},
		"no server \"x\"":            {"tools": []any{"x/y"}},
		"no memory \"x\"":            {"tools": []any{"memory/x/write"}},
		"`messages[0]`: the role":    {"messages": []any{map[string]any{"role": "bot"}}},
		"neither `input` nor":        {"messages": []any{}},
		"`question_timeout` must be": {"question_timeout": "soon"},
		"`budget.cost` must be":      {"budget": map[string]any{"cost": -1}},
	} {
		r := newRig(t, with)
		if e := r.fails("config", want); !e.Permanent {
			t.Errorf("%s: not permanent", want)
		}
	}
}
