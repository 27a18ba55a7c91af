package agent

import (
	"context"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

var verdict = map[string]any{"type": "object", "required": []any{"kind"}, "properties": map[string]any{
	"kind": map[string]any{"enum": []any{"bug", "question"}}, "why": map[string]any{"type": "string"}}}

func schemas(r *rig) string {
	var s []string
	for _, q := range r.asked {
		what := "text"
		if q.Schema != nil {
			what = "schema"
		}
		if len(q.Tools) > 0 {
			what += "+tools"
		}
		s = append(s, what)
	}
	return strings.Join(s, " ")
}

// TestSchemaWithTheFirstQuestion: without tools there is one question.
func TestSchemaWithTheFirstQuestion(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"output": verdict, "structured": "json"}, text("```json\n{\"kind\": \"bug\"}\n```"))
	res := r.must()
	if got := value.String(res.Output); got != `{"kind":"bug"}` {
		t.Error(got)
	}
	q := r.asked[0]
	if schemas(r) != "schema" || q.Structured != "json" || q.SchemaName != "output" || q.Schema["type"] != "object" {
		t.Errorf("%s %+v", schemas(r), q)
	}
}

// TestTwoPhases: with tools the schema comes last, and not at all if the answer fits.
func TestTwoPhases(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"output": verdict, "tools": []any{"look"}},
		calls(call("1", "look")), text("It is a bug, I think."), text(`{"kind":"bug"}`))
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	res := r.must()
	if got := schemas(r); got != "text+tools text+tools schema" {
		t.Error(got)
	}
	last := r.asked[2].Messages
	if n := len(last); n != 5 || last[3].Content != "It is a bug, I think." || last[4].Role != "user" {
		t.Errorf("%+v", last)
	}
	want := `[{"calls":[],"content":"hello","role":"user"},{"calls":[{"args":{},"id":"1","name":"look"}],"content":"","role":"assistant"},` +
		`{"call":"1","calls":[],"content":"done","name":"look","role":"tool"},{"calls":[],"content":"{\"kind\":\"bug\"}","role":"assistant"}]`
	if got := value.String(val(t, res.Talk.Messages)); got != want {
		t.Errorf("messages\n got %s\nwant %s", got, want)
	}
	if got := value.String(val(t, res.Talk.Usage)); !strings.Contains(got, `"turns":3`) || !strings.Contains(got, `"calls":1`) {
		t.Error(got)
	}

	r = newRig(t, map[string]any{"output": verdict, "tools": []any{"look"}}, text(`{"kind":"question"}`))
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	if res := r.must(); value.String(res.Output) != `{"kind":"question"}` || schemas(r) != "text+tools" {
		t.Errorf("%v %s", res.Output, schemas(r))
	}
}

// TestRepairs: the model hears what is wrong, twice at most.
func TestRepairs(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"output": verdict}, text("a bug"), text(`{"kind":"bg"}`), text(`{"kind":"bug"}`))
	res := r.must()
	if got := schemas(r); got != "schema schema schema" {
		t.Error(got)
	}
	if m := r.asked[1].Messages; len(m) != 3 || !strings.Contains(m[2].Content, "no JSON value") {
		t.Errorf("%+v", m)
	}
	if m := r.asked[2].Messages; len(m) != 5 || !strings.Contains(m[4].Content, `kind: must be`) {
		t.Errorf("%+v", m)
	}
	if got := len(val(t, res.Talk.Messages).([]any)); got != 2 {
		t.Errorf("%d messages", got)
	}

	r = newRig(t, map[string]any{"output": verdict}, text("1"), text("2"), text("3"))
	e := r.fails("schema", "after 2 corrections")
	if e.Permanent || len(r.asked) != 3 {
		t.Errorf("%v, %d questions", e.Permanent, len(r.asked))
	}
	if r.fails("schema", ""); len(r.asked) != 3 {
		t.Error("a recorded answer was asked for again")
	}
}

// TestCallsWithoutToolsAreNone: what a model calls in the question with the schema is not
// run.
func TestCallsWithoutToolsAreNone(t *testing.T) {
	t.Parallel()
	odd := calls(call("9", "look"))
	odd.res.Message.Content = `{"kind":"bug"}`
	r := newRig(t, map[string]any{"output": verdict, "tools": []any{"look"}}, text("hm"), odd)
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	res := r.must()
	if len(r.called) != 0 {
		t.Errorf("called %v", r.called)
	}
	if got := value.String(val(t, res.Talk.Messages)); strings.Contains(got, "look") {
		t.Error(got)
	}
}

// TestTextTypes: a text needs no quotes.
func TestTextTypes(t *testing.T) {
	t.Parallel()
	const padded = " question "
	for given, want := range map[string]any{"bug": "bug", `"bug"`: "bug", padded: "question"} {
		r := newRig(t, map[string]any{"output": map[string]any{"type": "string", "enum": []any{"bug", "question"}}}, text(given))
		if res := r.must(); res.Output != want {
			t.Errorf("%q: got %v", given, res.Output)
		}
	}
}

// TestPause: the provider is asked again with its answer so far.
func TestPause(t *testing.T) {
	t.Parallel()
	paused := text("Searching")
	paused.res.Stop = StopPause
	paused.res.Message.Raw = []any{map[string]any{"type": "server_tool_use"}}
	r := newRig(t, map[string]any{}, paused, text("Found."))
	res := r.must()
	if m := r.asked[1].Messages; len(m) != 2 || m[1].Content != "Searching" || m[1].Raw == nil {
		t.Errorf("%+v", m)
	}
	if res.Output != "Found." {
		t.Error(res.Output)
	}
}

// TestInnerAgents: what an agent used that is a tool counts.
func TestInnerAgents(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"ask"}, "budget": map[string]any{"tokens": 1000}}, calls(call("1", "ask")))
	r.tool("ask", nil, graph.EffectsNone, nil, nil)
	inner := r.task.Tools[0].Call
	r.task.Tools[0].Call = func(ctx context.Context, n int, args any, rerun bool) (res nodes.Result, err error) {
		res, err = inner(ctx, n, args, rerun)
		res.Tokens, res.Cost = 990, 0.5
		res.Talk = &journal.Talk{Usage: Used{Turns: 3, Calls: 2, Input: 900, Output: 90, Cost: 0.5}.value()}
		return res, err
	}
	r.fails("limit", "`budget.tokens` is reached: 1005 tokens of 1000")
	if s := r.steps[1]; s.Tokens != 990 || s.Cost != 0.5 {
		t.Errorf("%+v", s)
	}
}

// TestInnerBudget: an agent that is a tool spends no more than the one that calls it has.
func TestInnerBudget(t *testing.T) {
	t.Parallel()
	inner := newRig(t, map[string]any{"input": strings.Repeat("x", 3000)})
	r := newRig(t, map[string]any{"tools": []any{"ask"}, "budget": map[string]any{"tokens": 500}}, calls(call("1", "ask")), text("ok"))
	r.tool("ask", nil, graph.EffectsNone, nil, func(ctx context.Context, _ any) (any, error) {
		_, e := nodes.Run(ctx, inner.agents.Spec(), inner.task)
		return nil, e
	})
	r.must()
	if got := r.asked[1].Messages[2].Content; !strings.Contains(got, "(limit): `budget.tokens` of the agent that calls this one would be passed: 15 tokens of 500 are used") {
		t.Error(got)
	}
}

// TestInnerFailure: what an agent used counts that is a tool and failed, also after a crash.
func TestInnerFailure(t *testing.T) {
	t.Parallel()
	inner := newRig(t, map[string]any{"max_turns": 1, "tools": []any{"look"}}, calls(call("1", "look")))
	inner.tool("look", nil, graph.EffectsNone, nil, nil)
	r := newRig(t, map[string]any{"tools": []any{"ask"}}, calls(call("1", "ask")), text("ok"))
	r.tool("ask", nil, graph.EffectsNone, nil, func(ctx context.Context, _ any) (any, error) {
		inner.task.Record = func(_ context.Context, s nodes.StepRecord) (any, error) { return s.Content, nil }
		_, e := nodes.Run(ctx, inner.agents.Spec(), inner.task)
		return nil, e
	})
	r.stopAfter = 2
	if _, e := r.run(); e == nil {
		t.Fatal("it was not killed")
	}
	r.stopAfter = 0
	want := Used{Turns: 3, Calls: 2, Input: 30, Output: 15}.value()
	if res := r.must(); value.String(res.Talk.Usage) != value.String(any(want)) {
		t.Errorf("used %v", res.Talk.Usage)
	}
	if got := r.asked[1].Messages[2].Content; !strings.Contains(got, "failed (limit): the model was asked 1 time") {
		t.Error(got)
	}
}

// TestOuterLimit: what an agent spends that is a tool comes off what the limits of the
// stack leave, once.
func TestOuterLimit(t *testing.T) {
	t.Parallel()
	left := int64(60)
	inner := newRig(t, map[string]any{}, text("done"))
	r := newRig(t, map[string]any{"tools": []any{"ask"}}, calls(call("1", "ask")), text("ok"))
	r.task.LeftTokens, inner.task.LeftTokens = &left, &left
	r.tool("ask", nil, graph.EffectsNone, nil, func(ctx context.Context, _ any) (any, error) {
		inner.task.Record = func(_ context.Context, s nodes.StepRecord) (any, error) { return s.Content, nil }
		res, e := nodes.Run(ctx, inner.agents.Spec(), inner.task)
		if e != nil {
			return nil, e
		}
		return res.Output, nil
	})
	r.fails("limit", "`limits.tokens` of the stack is reached: 30 tokens are left")
}
