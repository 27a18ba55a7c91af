package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// counted is a rig with a stack "a" that has counted one event in its first cycle.
func counted(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	c := r.tcp(t)
	if _, err := c.Send(t.Context(), "a", api.EventRequest{Event: "seen", Payload: api.Value{V: []any{"x"}}}); err != nil {
		t.Fatal(err)
	}
	over := errStop{}
	if err := c.Records(t.Context(), "a", api.Read{Follow: true}, func(line []byte) error {
		if strings.Contains(string(line), `"cycle.finished"`) && strings.Contains(string(line), `"node_runs":1`) {
			return over
		}
		return nil
	}); err != over {
		t.Fatal(err)
	}
	return r
}

type errStop struct{}

func (errStop) Error() string { return "enough" }

// TestLook: questions about a stack that the engine runs.
func TestLook(t *testing.T) {
	t.Parallel()
	h := counted(t).handler(api.Door{Trusted: true})
	look := func(path string, into any) {
		t.Helper()
		w := ask(h, "GET", "/v1/stacks/a"+path, "")
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	var x inspect.Explanation
	if look("/explain", &x); len(x.Nodes) != 1 || len(x.Waits) != 1 || x.Waits[0].For != inspect.WaitsForEvent {
		t.Errorf("explain: %+v", x)
	}
	var hist inspect.History
	if look("/history?last=1", &hist); len(hist.Cycles) != 1 || hist.Graph != "counter" {
		t.Errorf("history: %+v", hist)
	}
	var ops []inspect.Operation
	if look("/diff?a=0&b="+lastCycle(hist), &ops); len(ops) != 2 || ops[0].Op != "replace" || ops[0].Path != "/n" {
		t.Errorf("diff: %+v", ops)
	}
	var v struct{ Value any }
	if look("/eval?expr=state.n%2B1", &v); v.Value != 2.0 {
		t.Errorf("eval: %+v", v)
	}
	var p inspect.Plan
	if look("/plan?explain=true", &p); len(p.Nodes) != 1 || p.Nodes[0].Run || p.Nodes[0].Edges[0].Why != "false" || p.Nodes[0].Edges[0].Condition == nil {
		t.Errorf("plan: %+v", p)
	}
	var again inspect.Replay
	if look("/replay", &again); again.Records == 0 || len(again.Differences) != 0 {
		t.Errorf("replay: %+v", again)
	}
}

// TestTestOf: what a stack did is a test that passes, and names the graph's file.
func TestTestOf(t *testing.T) {
	t.Parallel()
	r := counted(t)
	h := r.handler(api.Door{Trusted: true})
	w := ask(h, "GET", "/v1/stacks/a/test", "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/yaml" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	for _, want := range []string{"graphrun-test: 1", "graph: counter.graphrun.yaml", "what a did", "send: {seen: [x]}", "count"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("it has no %q:\n%s", want, w.Body)
		}
	}
	text, err := r.tcp(t).Test(t.Context(), "a", "..1")
	if err != nil || !strings.Contains(string(text), "cycles: 1") {
		t.Errorf("the first cycle: %v\n%s", err, text)
	}
}

func lastCycle(h inspect.History) string {
	b, _ := json.Marshal(h.Cycles[len(h.Cycles)-1].Cycle) // a number
	return string(b)
}

// TestLookErrors: what is not there, and what is wrong.
func TestLookErrors(t *testing.T) {
	t.Parallel()
	r := counted(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "over", Rest: true}); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.Cancel(t.Context(), "over", ""); err != nil {
		t.Fatal(err)
	}
	h := r.handler(api.Door{Trusted: true})
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"a/explain?node=nobody":           {400, `unknown node \"nobody\" (there are: count)`},
		"a/explain?node=count/inner":      {400, `no graph runs at \"count\"`},
		"a/explain?node=a[":               {400, `"usage"`},
		"a/explain?cycle=99":              {400, "has no cycle 99"},
		"a/explain?cycle=0":               {400, `cycle \"0\": expected a number, 1 or more`},
		"a/explain?cycle=x":               {400, "expected a number"},
		"a/history?last=-1":               {400, "expected a number"},
		"a/diff?a=0":                      {400, "b is missing"},
		"a/test?cycles=2..1":              {400, "comes after the last one"},
		"a/test?cycles=0":                 {400, "counted from 1"},
		"a/test?cycles=99":                {400, "has the finished cycles 1 to"},
		"nobody/test":                     {404, "nobody"},
		"a/diff?b=0":                      {400, "a is missing"},
		"a/diff?a=0&b=x":                  {400, "b "},
		"a/diff?a=0&b=99":                 {400, "has not committed 99"},
		"a/eval":                          {400, "expr is missing"},
		"a/eval?expr=state.nn":            {400, "expression:1:"},
		"a/eval?expr=1%2B":                {400, "expression:1:"},
		"a/eval?expr=state.n&at=99":       {400, "has not committed 99"},
		"a/eval?expr=1%2F(state.n-1)%3E0": {422, `"code":"failed"`},
		"a/eval?expr=state.seen[9]":       {422, "expression:1:1"},
		"a/plan?explain=maybe":            {400, "expected true or false"},
		"over/plan":                       {409, "has ended"},
		"a/replay?from=99":                {400, "has not begun cycle 99"},
		"a/state?at=99":                   {400, "has not committed 99"},
	} {
		w := ask(h, "GET", "/v1/stacks/"+path, "")
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.says) {
			t.Errorf("%s: %d %s, want %d with %s", path, w.Code, w.Body, want.status, want.says)
		}
	}
	for _, route := range []string{"explain", "history", "diff?a=0&b=1", "eval?expr=1", "plan", "replay", "state", "records"} {
		w := ask(h, "GET", "/v1/stacks/nobody/"+route, "")
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "nobody") {
			t.Errorf("%s of an unknown stack: %d %s", route, w.Code, w.Body)
		}
	}
}

// TestApprovals lists what waits for a person, and says where to answer it.
func TestApprovals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.tcp(t)
	none, err := c.Approvals(t.Context(), "")
	if err != nil || len(none) != 0 {
		t.Fatalf("%+v %v", none, err)
	}
	g := asking(t)
	for _, id := range []string{"b", "a", "over"} {
		s, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		waits(t, c, s.ID())
	}
	if err := r.rt.Cancel(t.Context(), "over", ""); err != nil {
		t.Fatal(err)
	}
	all, err := c.Approvals(t.Context(), "asking")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.Stack+" "+a.Graph+" "+a.Path+" "+a.Prompt)
	}
	if diff := cmp.Diff([]string{"b asking ask really?", "a asking ask really?"}, got); diff != "" {
		t.Error(diff)
	}
	yes := true
	if err := c.Answer(t.Context(), all[0].Stack, api.AnswerRequest{Node: all[0].Path, For: all[0].ID, Approved: &yes}); err != nil {
		t.Fatal(err)
	}
	if left, err := c.Approvals(t.Context(), ""); err != nil || left[0].Stack != "a" || left[0].ID != all[1].ID {
		t.Errorf("%+v %v", left, err)
	}
	if other, err := c.Approvals(t.Context(), "counter"); err != nil || len(other) != 0 {
		t.Errorf("%+v %v", other, err)
	}
}

// waits returns when a stack of the graph asking waits for its answer.
func waits(t *testing.T, c *api.Client, stack string) {
	t.Helper()
	recorded(t, c, stack, "wave.committed")
}

// recorded returns when a stack has a record of a type.
func recorded(t *testing.T, c *api.Client, stack, record string) {
	t.Helper()
	over := errStop{}
	if err := c.Records(t.Context(), stack, api.Read{Follow: true}, func(line []byte) error {
		if strings.Contains(string(line), `"`+record+`"`) {
			return over
		}
		return nil
	}); err != over {
		t.Fatal(err)
	}
}
