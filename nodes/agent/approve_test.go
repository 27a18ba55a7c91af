package agent

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// held is run that has to wait for words.
func (r *rig) held() {
	r.t.Helper()
	res, e := r.run()
	if e != nil || !res.Held() {
		r.t.Fatalf("it does not wait: %v %v", res.Output, e)
	}
}

func over20(args any) bool { return numberOf(args.(map[string]any)["amount"]) > 20 }

func payer(t *testing.T, replies ...reply) *rig {
	r := newRig(t, map[string]any{"tools": []any{"pay", "look"}}, replies...)
	r.tool("pay", argsType(prop("amount", schema.NumberType)), graph.EffectsOnce, over20, func(_ context.Context, args any) (any, error) {
		return map[string]any{"paid": args.(map[string]any)["amount"]}, nil
	})
	r.tool("look", nil, graph.EffectsNone, nil, nil)
	return r
}

// TestApproval: calls that need no word run at once, the others wait together, and each
// is made as its own word says.
func TestApproval(t *testing.T) {
	t.Parallel()
	r := payer(t, calls(call("1", "pay", "amount", 5), call("2", "pay", "amount", 50), call("3", "look"), call("4", "pay", "amount", 60), call("5", "pay", "amount", 70)),
		text("Done."))
	r.held()
	if got := strings.Join(r.called, " "); len(r.called) != 2 || !strings.Contains(got, "pay#1") || !strings.Contains(got, "look#3") {
		t.Errorf("called %s", got)
	}
	if len(r.sent) != 3 || r.sent[0].ID != "2" || r.sent[0].Tool != "pay" || r.sent[2].ID != "5" {
		t.Errorf("asked about %+v", r.sent)
	}
	r.called = nil
	r.held() // as after a crash: the same calls again
	if len(r.called) != 0 || len(r.asked) != 1 {
		t.Errorf("called %v, asked %d times", r.called, len(r.asked))
	}
	r.task.Words = []nodes.Word{
		{Call: "5", Approved: false, Comment: "too much"},
		{Call: "2", Approved: true},
		{Call: "4", Approved: true, Args: map[string]any{"amount": int64(6)}},
	}
	r.must()
	if got := strings.Join(r.called, " "); len(r.called) != 2 || !strings.Contains(got, "pay#2") || !strings.Contains(got, "pay#4") {
		t.Errorf("called %s", got)
	}
	var results []string
	for _, m := range r.asked[1].Messages[2:] {
		results = append(results, m.Call+" "+m.Content)
	}
	want := []string{`1 {"paid":5}`, `2 {"paid":50}`, `3 done`, `4 A person changed the arguments of this call to {"amount":6}.` + "\n" + `{"paid":6}`,
		`5 The call was not made: a person rejected it: too much.`}
	if strings.Join(results, "|") != strings.Join(want, "|") {
		t.Errorf("results\n got %q\nwant %q", results, want)
	}
}

// TestChangedArgumentsAreChecked: what a person gives has to fit too.
func TestChangedArgumentsAreChecked(t *testing.T) {
	t.Parallel()
	r := payer(t, calls(call("1", "pay", "amount", 50)), text("Hm."))
	r.held()
	r.task.Words = []nodes.Word{{Call: "1", Approved: true, Args: map[string]any{"amount": "much"}}}
	r.must()
	if len(r.called) != 0 {
		t.Errorf("called %v", r.called)
	}
	if got := r.asked[1].Messages[2].Content; !strings.Contains(got, "that a person gave do not fit: amount") {
		t.Error(got)
	}
}

// TestAWordIsForOneCall: a provider that gives the same id again gets no word by it.
func TestAWordIsForOneCall(t *testing.T) {
	t.Parallel()
	r := payer(t, calls(call("1", "pay", "amount", 50)), calls(call("1", "pay", "amount", 90)), text("Done."))
	r.held()
	r.task.Words = []nodes.Word{{Call: "1", Approved: true}}
	r.held()
	if got := strings.Join(r.called, " "); got != "pay#1" {
		t.Errorf("called %s", got)
	}
	if got := r.sent[len(r.sent)-1].ID; got != "1_2" {
		t.Errorf("asked about %s", got)
	}

	// Also when the steps of the first one are forgotten.
	r = payer(t, calls(call("1", "pay", "amount", 90)))
	r.task.Words = []nodes.Word{{Call: "1", Approved: true}}
	r.held()
	if len(r.called) != 0 {
		t.Errorf("called %v", r.called)
	}
}

// TestConditionThatFails: a person decides.
func TestConditionThatFails(t *testing.T) {
	t.Parallel()
	r := payer(t, calls(call("1", "pay", "amount", 5)))
	r.task.Tools[0].NeedsWord = func(any) (bool, error) { return false, errors.New("null") }
	r.held()
	if len(r.called) != 0 {
		t.Errorf("called %v", r.called)
	}
}

// servers is an MCP server of tests.
type servers struct {
	r     *rig
	tools []ToolSpec
}

func (s *servers) Tools(context.Context, nodes.Task, string) ([]ToolSpec, error) { return s.tools, nil }

func (s *servers) Call(_ context.Context, _ nodes.Task, server, tool string, _ any) (any, error) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.called = append(s.r.called, server+"/"+tool)
	if tool == "broken" {
		return nil, nodes.Errorf("error", "files is gone")
	}
	return "text", nil
}

// TestServersTools: only what the graph lists is there, whatever the server offers and a
// model asks for; approvals and arguments are as for other tools.
func TestServersTools(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]any{"tools": []any{"files/*"}},
		calls(call("1", "files/read", "path", "a"), call("2", "files/read", "path", 3), call("3", "files/delete"), call("4", "files/write"), call("5", "files/broken")),
		text("Done."))
	s := &servers{r: r, tools: []ToolSpec{
		{Name: "read", Args: map[string]any{"type": "object", "properties": map[string]any{"path": map[string]any{"type": "string"}}}},
		{Name: "delete"}, {Name: "write"}, {Name: "broken", Args: map[string]any{"type": "object", "$dynamicRef": "#x"}},
	}}
	r.agents.cfg.Servers = s
	r.task.Of.Servers = []graph.Server{{Name: "files", Tools: []graph.ServerTool{{Name: "read"}, {Name: "write", Approve: &graph.Approve{}}, {Name: "broken"}}}}
	r.task.ServerWord = func(server, tool string, _ any) (bool, error) { return server == "files" && tool == "write", nil }
	r.held()
	if got := strings.Join(r.called, " "); len(r.called) != 2 || !strings.Contains(got, "files/read") || !strings.Contains(got, "files/broken") {
		t.Errorf("called %s", got)
	}
	var offered []string
	for _, spec := range r.asked[0].Tools {
		offered = append(offered, spec.Name)
	}
	if got := strings.Join(offered, " "); got != "files/read files/write files/broken" {
		t.Error(got)
	}
	r.task.Words = []nodes.Word{{Call: "4", Approved: true}}
	r.must()
	m := r.asked[1].Messages
	for i, want := range []string{"text", "do not fit: path: must be a string", `There is no tool "files/delete"`, "text", "The call failed (error): files is gone"} {
		if got := m[2+i].Content; !strings.Contains(got, want) {
			t.Errorf("result %d: %s", i+1, got)
		}
	}

	r = newRig(t, map[string]any{"tools": []any{"files/delete"}})
	r.agents.cfg.Servers = s
	r.task.Of.Servers = []graph.Server{{Name: "files", Tools: []graph.ServerTool{{Name: "read"}}}}
	r.fails("config", `server "files" has no tool "delete"`)
}
