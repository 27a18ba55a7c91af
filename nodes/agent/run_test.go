package agent

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
)

// TestTextInTextOut: the text of the answer is the output, and the run gives what it
// added to the conversation and what it used.
func TestTextInTextOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"input": map[string]any{"n": 1}}, text("Hello."))
	r.task.Of.Providers[0].Prices = map[string]graph.Price{"m": {Input: 1, Output: 10, Cached: 1, CacheWrite: 1}}
	res := r.must()
	if res.Output != "Hello." {
		t.Errorf("got %v", res.Output)
	}
	q := r.asked[0]
	if q.Instructions != "Be good." || len(q.Messages) != 1 || q.Messages[0].Role != "user" || q.Messages[0].Content != `{"n":1}` || q.Model != "m" || q.Turn != 1 {
		t.Errorf("asked %+v", q)
	}
	want := `[{"calls":[],"content":"{\"n\":1}","role":"user"},{"calls":[],"content":"Hello.","role":"assistant"}]`
	if got := value.String(val(t, res.Talk.Messages)); got != want {
		t.Errorf("messages\n got %s\nwant %s", got, want)
	}
	want = `{"calls":0,"cost":0.00006,"estimated":false,"input_tokens":10,"output_tokens":5,"turns":1}`
	if got := value.String(val(t, res.Talk.Usage)); got != want {
		t.Errorf("usage\n got %s\nwant %s", got, want)
	}
	if s := r.steps[0]; r.stepNames() != "model:a/m" || s.Tokens != 15 || s.Cost != 6e-05 || res.Tokens != 0 || res.Cost != 0 {
		t.Errorf("steps %s: %+v; result %d %v", r.stepNames(), r.steps[0], res.Tokens, res.Cost)
	}
	if r.deltas != "Hello." {
		t.Errorf("deltas %q", r.deltas)
	}
}

// TestToolsAreCalled: the results go back in the order of the calls, whichever was ready
// first.
func TestToolsAreCalled(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"slow", "fast"}},
		calls(call("1", "slow"), call("2", "fast", "x", 2), call("2", "nothing")), text("Done."))
	fast := make(chan struct{})
	r.tool("slow", nil, graph.EffectsKeyed, nil, func(ctx context.Context, _ any) (any, error) {
		<-fast
		return "slowly", nil
	})
	r.tool("fast", nil, graph.EffectsKeyed, nil, func(_ context.Context, args any) (any, error) {
		close(fast)
		return map[string]any{"got": args}, nil
	})
	r.tool("nothing", nil, graph.EffectsKeyed, nil, nil) // the node does not list it
	r.must()
	got := r.asked[1].Messages
	want := []Message{
		{Role: "user", Content: "hello"},
		{Role: "assistant", Calls: []Call{call("1", "slow"), call("2", "fast", "x", int64(2)), call("2_2", "nothing")}},
		{Role: "tool", Content: "slowly", Call: "1", Name: "slow"},
		{Role: "tool", Content: `{"got":{"x":2}}`, Call: "2", Name: "fast"},
		{Role: "tool", Content: `There is no tool "nothing". The tools are: slow, fast.`, Call: "2_2", Name: "nothing"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := strings.Join(r.called, " "); strings.Contains(s, "nothing") || len(r.called) != 2 {
		t.Errorf("called %s", s)
	}
}

// TestArgumentsAreChecked: what does not fit is not run, and the model reads why.
func TestArgumentsAreChecked(t *testing.T) {
	t.Parallel()
	bad := call("3", "pay", "amount", 1)
	bad.Args, bad.Text = nil, "{amount"
	r := newRig(t, map[string]any{"tools": []any{"pay"}},
		calls(call("1", "pay", "amount", "much"), call("2", "pay"), bad), text("Sorry."))
	r.tool("pay", argsType(prop("amount", schema.NumberType)), graph.EffectsOnce, nil, nil)
	r.must()
	if len(r.called) != 0 {
		t.Errorf("called %v", r.called)
	}
	m := r.asked[1].Messages
	for i, want := range []string{"amount: must be a number", "amount", "no JSON object"} {
		if got := m[2+i].Content; !strings.Contains(got, want) || !strings.HasPrefix(got, "The call was not made") {
			t.Errorf("result %d: %s", i, got)
		}
	}
}

// TestFailuresOfToolsAreResults: the node continues, and the model reads kind and message.
func TestFailuresOfToolsAreResults(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"crm", "boom"}}, calls(call("1", "crm"), call("2", "boom")), text("It is down."))
	r.tool("crm", nil, graph.EffectsNone, nil, func(context.Context, any) (any, error) { return nil, nodes.Errorf("http", "503 from crm") })
	r.tool("boom", nil, graph.EffectsNone, nil, func(context.Context, any) (any, error) { panic("boom") })
	r.must()
	m := r.asked[1].Messages
	if got := m[2].Content; got != "The call failed (http): 503 from crm" {
		t.Error(got)
	}
	if got := m[3].Content; got != "The call failed (panic): panic: boom" {
		t.Error(got)
	}
}

// TestLongResultsAreCut: in the middle, which the result says.
func TestLongResultsAreCut(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"read"}, "max_tool_output": 1000}, calls(call("1", "read")), text("Long."))
	r.tool("read", nil, graph.EffectsNone, nil, func(context.Context, any) (any, error) {
		return "BEGIN" + strings.Repeat("ü", 5000) + "END", nil
	})
	r.must()
	got := r.asked[1].Messages[2].Content
	if len(got) > 1000 || !strings.HasPrefix(got, "BEGINü") || !strings.HasSuffix(got, "üEND") || !strings.Contains(got, "bytes are left out here") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
	if value.CheckText(got) != nil {
		t.Error("a character was cut in two")
	}
}
