package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/telemetry"
)

// desk has an agent that calls a tool, one that nobody has, and one that needs a word.
const desk = `{"graphrun": 1, "name": "desk",
	"providers": [{"name": "p", "api": "turns", "prices": [{"model": "m", "input": 100000, "output": 0}]}],
	"tools": [{"name": "look", "uses": "set", "effects": "none", "with": {"found": "` + secretWord + `"}},
		{"name": "pay", "uses": "set", "approve": "always"}],
	"state": [{"name": "said", "type": "string?"}],
	"nodes": [{"id": "ask", "uses": "agent", "with": {"model": "p/m", "input": "` + secretWord + `", "tools": ["look", "pay"]},
		"writes": [{"key": "said", "expr": "output"}]}],
	"stop": [{"when": "state.said != nil"}], "limits": {"cycles": 99}}`

// turns is a model that takes a second for each answer.
type turns struct{}

func (turns) Ask(ctx context.Context, q *agent.Request, _ func(string)) (*agent.Response, error) {
	<-time.After(time.Second)
	res := &agent.Response{Stop: agent.StopEnd, Usage: agent.Usage{Input: 10, Cached: 4, Output: 5, Reported: true}}
	switch q.Turn {
	case 1:
		res.Message.Calls = []agent.Call{{ID: "1", Name: "look", Args: map[string]any{}}, {ID: "2", Name: secretWord, Args: map[string]any{}}}
	case 2:
		res.Message.Calls = []agent.Call{{ID: "3", Name: "pay", Args: map[string]any{}}}
	default:
		res.Message.Content, res.Usage.Reported = secretWord, false
	}
	return res, nil
}

// TestAgents: each question and each call that was made is a span below its attempt, what
// was used counts once, and no word of a model is emitted.
func TestAgents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		agents := agent.New(agent.Config{})
		if err := agents.Register("turns", func(agent.ProviderConfig) (agent.Model, error) { return turns{}, nil }); err != nil {
			t.Fatal(err)
		}
		kinds := std.Registry()
		if err := kinds.Register(agents.Spec()); err != nil {
			t.Fatal(err)
		}
		r := watched(t, memstore.New(), kinds, desk)
		s, err := r.rt.Start(t.Context(), r.g, runtime.StartOptions{ID: "one"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		<-time.After(time.Minute)
		if err := r.rt.Answer(t.Context(), "one", "ask", map[string]any{"approved": true, "comment": nil, "by": nil}); err != nil {
			t.Fatal(err)
		}
		res, err := s.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.close()
		var got []string
		for _, s := range r.spans.Ended() {
			r.nothingOfTheState(s.Attributes())
			r.nothingOfTheState(s.Name())
			var of []string
			for _, a := range s.Attributes() {
				if key := string(a.Key); strings.HasPrefix(key, "gen_ai.") && key != "gen_ai.operation.name" || key == "graphrun.held" {
					of = append(of, strings.TrimPrefix(key, "gen_ai.")+"="+a.Value.String())
				}
			}
			slices.Sort(of)
			if len(of) > 0 {
				got = append(got, fmt.Sprintf("%s under %s, %s: %s", s.Name(), parent(r.spans.Ended(), s), s.EndTime().Sub(s.StartTime()), strings.Join(of, " ")))
			}
		}
		answer := "provider.name=p request.model=m response.finish_reasons=[\"end\"] usage.cache_read.input_tokens=4 usage.input_tokens=10 usage.output_tokens=5"
		want := []string{
			"chat m under invoke_agent ask, 1s: " + answer,
			"execute_tool look under invoke_agent ask, 0s: tool.name=look",
			"chat m under invoke_agent ask, 1s: " + answer,
			"invoke_agent ask under wave 1, 2s: agent.name=ask graphrun.held=true",
			"execute_tool pay under invoke_agent ask, 0s: tool.name=pay",
			"chat m under invoke_agent ask, 1s: provider.name=p request.model=m response.finish_reasons=[\"end\"]",
			"invoke_agent ask under none, 1s: agent.name=ask",
		}
		for i := range got {
			if i == 5 {
				got[i], _, _ = strings.Cut(got[i], " usage.") // estimated
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		used, sums := res, r.sums()
		for name, want := range map[string]float64{
			"graphrun.tokens": float64(used.Tokens), "gen_ai.client.token.usage": float64(used.Tokens),
			"graphrun.cost": used.Cost, "gen_ai.client.operation.duration": 3,
		} {
			if want == 0 || sums[name] != want {
				t.Errorf("%s is %v, want %v", name, sums[name], want)
			}
		}
	})
}

// sums are the metrics that were counted, over all attributes.
func (r *rig) sums() map[string]float64 {
	r.t.Helper()
	var data metricdata.ResourceMetrics
	if err := r.metrics.Collect(r.t.Context(), &data); err != nil {
		r.t.Fatal(err)
	}
	r.nothingOfTheState(data)
	sums := map[string]float64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					sums[m.Name] += float64(p.Value)
				}
			case metricdata.Sum[float64]:
				for _, p := range d.DataPoints {
					sums[m.Name] += p.Value
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					sums[m.Name] += float64(p.Sum)
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					sums[m.Name] += p.Sum
				}
			}
		}
	}
	return sums
}

// nested has an agent that is a tool of another one.
const nested = `{"graphrun": 1, "name": "nested",
	"providers": [{"name": "p", "api": "expert"}],
	"tools": [{"name": "expert", "uses": "agent", "with": {"model": "p/m", "instructions": "expert", "input": "now"}}],
	"state": [{"name": "said", "type": "string?"}],
	"nodes": [{"id": "ask", "uses": "agent", "with": {"model": "p/m", "input": "now", "tools": ["expert"]},
		"writes": [{"key": "said", "expr": "output"}]}],
	"stop": [{"when": "state.said != nil"}], "limits": {"cycles": 9}}`

// expert is a model that has the tool of its name called, and is its model too.
type expert struct{}

func (expert) Ask(_ context.Context, q *agent.Request, _ func(string)) (*agent.Response, error) {
	res := &agent.Response{Stop: agent.StopEnd, Usage: agent.Usage{Input: 10, Output: 5, Reported: true}}
	if q.Turn == 1 && q.Instructions == "" {
		res.Message.Calls = []agent.Call{{ID: "1", Name: "expert", Args: map[string]any{}}}
	} else {
		res.Message.Content = "done"
	}
	return res, nil
}

// TestAgentsBelow: the questions of an agent that is a tool are spans, and counted.
func TestAgentsBelow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		agents := agent.New(agent.Config{})
		kinds := std.Registry()
		if err := errors.Join(agents.Register("expert", func(agent.ProviderConfig) (agent.Model, error) { return expert{}, nil }), kinds.Register(agents.Spec())); err != nil {
			t.Fatal(err)
		}
		r := watched(t, memstore.New(), kinds, nested)
		s, err := r.rt.Start(t.Context(), r.g, runtime.StartOptions{ID: "one"})
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.close()
		var got []string
		for _, s := range r.spans.Ended() {
			if strings.HasPrefix(s.Name(), "chat ") || strings.HasPrefix(s.Name(), "execute_tool ") {
				got = append(got, s.Name())
			}
		}
		if diff := cmp.Diff([]string{"chat m", "chat m", "execute_tool expert", "chat m"}, got); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		if n := r.sums()["gen_ai.client.token.usage"]; n != 45 || res.Tokens != 45 {
			t.Errorf("%v tokens are counted, of %d", n, res.Tokens)
		}
	})
}

func parent(all []sdktrace.ReadOnlySpan, s sdktrace.ReadOnlySpan) string {
	for _, o := range all {
		if o.SpanContext().SpanID() == s.Parent().SpanID() {
			return o.Name()
		}
	}
	return "none"
}

// line is a kind that is opened, closed and cleaned up after, also after a killed engine
// and when it was the work of tools.
type line struct{ open, cleans, reaps, cleansCalls bool }

func (l *line) CleanUpCalls(context.Context, nodes.Task) error { l.cleansCalls = true; return nil }
func (l *line) Reap(context.Context, func(context.Context, string) (string, error)) error {
	l.reaps = true
	return nil
}

func (l *line) Open(context.Context) error                { l.open = true; return nil }
func (l *line) Close() error                              { l.open = false; return nil }
func (l *line) CleanUp(context.Context, nodes.Task) error { l.cleans = true; return nil }
func (l *line) Run(context.Context, nodes.Task) (nodes.Result, error) {
	return nodes.Result{Output: l.open}, nil
}

// TestKindsStayWhatTheyAre: a kind is opened, closed and cleaned up after behind its span.
func TestKindsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	own := &line{}
	kinds := nodes.NewRegistry()
	for name, node := range map[string]nodes.Node{"all": own, "opens": struct{ nodes.Opener }{own}, "cleans": struct{ nodes.Cleaner }{own}} {
		if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: name}, Node: node}); err != nil {
			t.Fatal(err)
		}
	}
	if kinds, err = tel.Kinds(kinds); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]bool{"all": {true, true}, "opens": {true, false}, "cleans": {false, true}} {
		spec, _ := kinds.Spec(name)
		opener, opens := spec.Node.(nodes.Opener)
		cleaner, cleans := spec.Node.(nodes.Cleaner)
		if got := [2]bool{opens, cleans}; got != want {
			t.Errorf("%s opens and cleans: %v, want %v", name, got, want)
		}
		if opens {
			session := nodes.NewSession(t.Context())
			res, failure := session.Run(t.Context(), spec, nodes.Task{})
			if failure != nil || res.Output != true {
				t.Errorf("%s: %v %v", name, res.Output, failure)
			}
			_ = opener.Close()
			_ = session.Close()
		}
		if cleans {
			own.cleans = false
			if err := cleaner.CleanUp(t.Context(), nodes.Task{}); err != nil || !own.cleans {
				t.Errorf("%s is not cleaned up after: %v", name, err)
			}
			calls, ok := spec.Node.(nodes.CallCleaner)
			if !ok {
				t.Fatalf("%s: its calls are not cleaned up after", name)
			}
			own.cleansCalls = false
			if err := calls.CleanUpCalls(t.Context(), nodes.Task{}); err != nil || own.cleansCalls != (name == "all") {
				t.Errorf("%s: the work cleans up after calls: %v, %v", name, own.cleansCalls, err)
			}
		}
	}
	err = nodes.Reap(t.Context(), kinds, func(context.Context, string) (string, error) { return "", nil })
	if err != nil || !own.reaps {
		t.Errorf("nothing is reaped: %v", err)
	}
}

// compile reads a definition.
func compile(t *testing.T, kinds *nodes.Registry, text string) *graph.Graph {
	t.Helper()
	var d graph.Def
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	g, problems := graph.Compile(d, kinds)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}
