package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// talker says a text until somebody has heard it, and then asks for a word on two calls.
// Its output is what they were allowed to pay.
type talker struct{ heard chan struct{} }

func (k talker) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	paid := int64(0)
	for _, w := range t.Words {
		if args, ok := w.Args.(map[string]any); ok && w.Approved {
			paid += args["amount"].(int64)
		}
	}
	if len(t.Words) == 2 {
		return nodes.Result{Output: paid}, nil
	}
	for look := time.NewTicker(time.Millisecond); len(t.Words) == 0; {
		t.Delta("pay " + t.Item + ". ")
		select {
		case <-look.C:
			continue
		case <-k.heard:
		case <-ctx.Done():
			return nodes.Result{}, context.Cause(ctx)
		}
		break
	}
	args := map[string]any{"amount": 5}
	err := t.Ask(ctx, []journal.Call{{ID: "one", Tool: "pay", Args: args}, {ID: "two", Tool: "pay", Args: args}})
	if err != nil {
		return nodes.Result{}, err
	}
	return nodes.Result{}, nodes.ErrHeld
}

// TestAnswersOnCalls: what a model says is shown over HTTP while it says it, and each call
// gets its own word, with the element and the arguments that the answer names.
func TestAnswersOnCalls(t *testing.T) {
	t.Parallel()
	kinds, heard := std.Registry(), make(chan struct{})
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "talker", Open: true}, Node: talker{heard}}); err != nil {
		t.Fatal(err)
	}
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("g"),
		State: []graph.KeyDef{
			{Name: p("of"), Type: tree.Of("list(string)"), Default: tree.Of([]any{"x", "y"})},
			{Name: p("paid"), Type: tree.Of("any")},
		},
		Tools: []graph.ToolDef{{Name: p("pay"), Uses: p("set"), Args: tree.Of(map[string]any{"type": "object", "properties": map[string]any{"amount": "integer"}}), With: tree.Of(map[string]any{"ok": true})}},
		Nodes: []graph.NodeDef{{ID: p("a"), Uses: p("talker"), ForEach: &graph.ForEachDef{In: p("state.of"), As: p("it"), Key: p("it")},
			Writes: []graph.WriteDef{{Key: p("paid"), Expr: p("output")}}}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("a")}}},
		Stop:  []graph.StopDef{{When: p("state.paid != nil")}},
	}, kinds)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rt.Close(context.Background()) }()
	s, err := rt.Start(t.Context(), g, runtime.StartOptions{ID: "s"})
	if err != nil {
		t.Fatal(err)
	}
	h := api.New(api.Local(rt), api.Options{Store: store, Kinds: kinds, Graphs: served{}, Door: api.Door{Token: secret}})
	server := httptest.NewServer(h)
	defer server.Close()
	client := api.NewClient(server.URL, secret)
	defer func() { _ = client.Close() }()

	// The text of both elements, and then that both wait.
	said, waiting := map[string]string{}, 0
	var once sync.Once
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = client.Follow(ctx, "s", api.Read{}, func(line []byte) error {
		if strings.Contains(string(line), `"type":"task.waiting"`) {
			if waiting++; waiting == 2 {
				stop()
			}
		}
		return nil
	}, func(d api.Delta) error {
		if d.Node != "a" || d.Attempt != 1 || !strings.HasPrefix(d.Text, "pay ") {
			t.Errorf("%+v", d)
		}
		said[d.Item] += d.Text
		if len(said) == 2 {
			once.Do(func() { close(heard) })
		}
		return nil
	})
	if waiting != 2 || !strings.HasPrefix(said["x"], "pay x. ") || !strings.HasPrefix(said["y"], "pay y. ") {
		t.Fatalf("%v: said %v, %d waiting", err, said, waiting)
	}

	post := func(body string, status int, says string) {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/v1/stacks/s/answers", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != status || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d, want %d with %q: %s", body, w.Code, status, says, w.Body)
		}
	}
	post(`{"node":"a","approved":true}`, 409, "")
	post(`{"node":"a","call":"one","approved":true}`, 409, "")
	post(`{"node":"a","item":"x","approved":true}`, 409, "two")
	post(`{"node":"a","item":"x","call":"three","approved":true}`, 409, "three")
	post(`{"node":"a","item":"x","call":"one","approved":true,"args":{"amount":"much"}}`, 400, "amount")
	post(`{"node":"a","item":"x","call":"one","approved":true,"args":{"amount":7}}`, 200, "")
	post(`{"node":"a","item":"x","call":"one","approved":true,"args":{"amount":7}}`, 200, "") // the same again
	post(`{"node":"a","item":"x","call":"two","approved":false,"comment":"no"}`, 200, "")
	post(`{"node":"a","item":"y","call":"two","approved":true,"value":{"amount":20}}`, 200, "")
	post(`{"node":"a","call":"one","approved":true,"args":{"amount":1}}`, 200, "") // only y still waits
	r, err := s.Wait(t.Context())
	paid, _ := r.State["paid"].([]any)
	if err != nil || len(paid) != 2 || paid[0] != int64(7) || paid[1] != int64(21) {
		t.Errorf("%v, paid %v", err, r.State["paid"])
	}
}
