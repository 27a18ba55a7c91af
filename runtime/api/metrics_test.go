package api_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestMetrics: what stacks do is counted, in the form that Prometheus reads, and without their
// ids.
func TestMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.options.Metrics = api.NewMetrics(r.rt.Feed(), func(b *journal.TaskStep) (api.Asked, bool) {
		n, _ := b.Content.(int64)
		return api.Asked{Provider: "p", Model: "m", Input: n, Output: 2 * n}, b.Name == "model"
	})
	r.options.Server.Version = `1"2`
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("broken"),
		Nodes:  []graph.NodeDef{{ID: p("fails"), Uses: p("fail"), With: tree.Of(map[string]any{"message": "no"})}},
		Edges:  []graph.EdgeDef{{To: []diag.Text{p("fails")}}},
		Limits: graph.LimitsDef{Cycles: 2},
		Pause:  graph.PauseDef{None: true},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.AddGraph(counter(t), nil); err != nil {
		t.Fatal(err)
	}
	s, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: "secret-id"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := func(step journal.TaskStep) {
		r.rt.Feed().Commit(feed.Commit{Stack: "secret-id", Graph: "broken", Records: []journal.Record{{Body: &step}}})
	}
	said(journal.TaskStep{Name: "model", Content: int64(7), Duration: 20 * time.Millisecond})
	said(journal.TaskStep{Name: "model", Content: int64(3), Duration: 2 * time.Second})
	said(journal.TaskStep{Name: "model", Error: &journal.Failure{Kind: "timeout"}})
	said(journal.TaskStep{Name: "tool"})
	w := ask(r.handler(api.Door{Trusted: true}), "GET", "/metrics", "")
	text := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	for _, line := range []string{
		`graphrun_stacks_finished_total{graph="broken",status="failed"} 1`,
		`graphrun_attempts_total{graph="broken",node="fails",status="failed",error_type="error"} 2`,
		`graphrun_attempt_duration_seconds_bucket{graph="broken",node="fails",status="failed",le="+Inf"} 2`,
		`graphrun_attempt_duration_seconds_count{graph="broken",node="fails",status="failed"} 2`,
		`graphrun_cycles_total{graph="broken",failed="true"} 2`,
		`graphrun_pool_running{graph="counter",pool="default"} 0`,
		`gen_ai_client_operation_duration_seconds_bucket{graph="broken",gen_ai_provider_name="p",gen_ai_request_model="m",error_type="",le="0.05"} 1`,
		`gen_ai_client_operation_duration_seconds_count{graph="broken",gen_ai_provider_name="p",gen_ai_request_model="m",error_type=""} 2`,
		`gen_ai_client_operation_duration_seconds_count{graph="broken",gen_ai_provider_name="p",gen_ai_request_model="m",error_type="timeout"} 1`,
		`gen_ai_client_token_usage_total{graph="broken",gen_ai_provider_name="p",gen_ai_request_model="m",gen_ai_token_type="input"} 10`,
		`gen_ai_client_token_usage_total{graph="broken",gen_ai_provider_name="p",gen_ai_request_model="m",gen_ai_token_type="output"} 20`,
		`graphrun_store_failing 0`,
		`graphrun_build_info{version="1\"2"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	form := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)+\})? [0-9.e+-]+)$`)
	for line := range strings.Lines(text) {
		if !form.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("the line has another form: %s", line)
		}
	}
	if strings.Contains(text, "secret-id") {
		t.Errorf("the id of a stack is in\n%s", text)
	}
}

// failing is a store that takes no commits.
type failing struct{ *memstore.Store }

func (failing) Commit(context.Context, runtime.Commit) error {
	return &runtime.StoreError{Err: errDamaged, Fatal: true}
}

// TestReady: an engine whose store takes no commits answers, and is not ready.
func TestReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.handler(api.Door{Token: secret})
	for _, path := range []string{"/health", "/healthz", "/readyz"} {
		if w := ask(h, "GET", path, ""); w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"ok":true}` {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	store := failing{memstore.New()}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: std.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	if _, err := rt.Start(t.Context(), counter(t), runtime.StartOptions{}); err == nil {
		t.Fatal("it started a stack")
	}
	r.rt, r.options.Store = rt, store
	h = r.handler(api.Door{Token: secret})
	if w := ask(h, "GET", "/healthz", ""); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := ask(h, "GET", "/readyz", "")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"not-ready"`) || strings.Contains(w.Body.String(), errDamaged.Error()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
