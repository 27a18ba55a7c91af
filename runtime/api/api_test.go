package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// counter is a graph that counts events, and waits for more.
func counter(t *testing.T) *graph.Graph {
	t.Helper()
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("counter"),
		Params: []graph.ParamDef{{Name: p("by"), Type: tree.Of("integer"), Default: tree.Of(1)}},
		State: []graph.KeyDef{
			{Name: p("n"), Type: tree.Of("integer"), Reduce: graph.ReduceDef{Name: p("sum")}},
			{Name: p("seen"), Type: tree.Of("list(string)"), Reduce: graph.ReduceDef{Name: p("append")}},
		},
		Events: []graph.EventDef{{Name: p("seen"), To: p("seen")}},
		Nodes: []graph.NodeDef{{
			ID: p("count"), Uses: p("set"), With: tree.Of(map[string]any{"n": "${{ params.by }}"}),
			Writes: []graph.WriteDef{{Key: p("n"), Expr: p("output.n")}},
		}},
		Edges: []graph.EdgeDef{{To: []diag.Text{p("count")}, When: p("len(state.seen) > state.n")}},
		Pause: graph.PauseDef{None: true},
	}, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

// served are the graphs of a test's server.
type served map[string]*graph.Graph

func (s served) Graph(name string) (*graph.Graph, []byte, bool) {
	g, ok := s[name]
	return g, nil, ok
}
func (s served) Names() []string { return slices.Sorted(maps.Keys(s)) }
func (s served) Reload(context.Context) (api.Reloaded, error) {
	return api.Reloaded{Changed: []string{}, Refused: []api.Refused{}}, nil
}

// rig is a runtime with a handler for each door.
type rig struct {
	rt      *runtime.Runtime
	store   *memstore.Store
	options api.Options
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store := memstore.New()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: std.Registry(), Secret: func(string) (string, bool) { return "secret", true }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &rig{rt, store, api.Options{Store: store, Kinds: std.Registry(), Graphs: served{"counter": counter(t)}}}
}

func (r *rig) handler(d api.Door) *api.Handler {
	o := r.options
	o.Door = d
	return api.New(api.Local(r.rt), o)
}

// tcp is a client over a real port.
func (r *rig) tcp(t *testing.T) *api.Client {
	t.Helper()
	s := httptest.NewServer(r.handler(api.Door{Token: secret}))
	t.Cleanup(s.Close)
	c := api.NewClient(s.URL, secret)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestClients: whatever way the API is reached, a stack is started, told
// things, read and removed.
func TestClients(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]func(*testing.T, *rig) *api.Client{
		"tcp": func(t *testing.T, r *rig) *api.Client { return r.tcp(t) },
		"direct": func(_ *testing.T, r *rig) *api.Client {
			return api.Direct(r.handler(api.Door{Trusted: true}), func() error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, newRig(t))
			ctx := t.Context()
			if _, err := c.Start(ctx, api.StartRequest{Graph: "counter", Stack: "a", Params: api.Values{"by": int64(2)}}); err != nil {
				t.Fatal(err)
			}
			for again := range 2 {
				reply, err := c.Send(ctx, "a", api.EventRequest{Event: "seen", Payload: api.Value{V: []any{"x"}}, ID: "1"})
				if err != nil || reply.Duplicate != (again == 1) {
					t.Fatalf("sent %d times: %+v %v", again+1, reply, err)
				}
			}
			var types []string
			err := c.Records(ctx, "a", api.Read{Follow: true}, func(line []byte) error {
				var r struct{ Type string }
				if err := json.Unmarshal(line, &r); err != nil {
					return err
				}
				types = append(types, r.Type)
				if r.Type == "wave.committed" {
					return io.EOF
				}
				return nil
			})
			if !errors.Is(err, io.EOF) || types[0] != "stack.started" {
				t.Fatalf("records %v: %v", types, err)
			}
			if err := c.Cancel(ctx, "a", api.CancelRequest{Reason: "enough"}); err != nil {
				t.Fatal(err)
			}
			s, err := c.Status(ctx, "a")
			if err != nil || s.Status != journal.Cancelled || s.Reason != "enough" {
				t.Errorf("status %+v: %v", s, err)
			}
			state, err := c.State(ctx, "a", "")
			if diff := cmp.Diff(api.Values{"n": int64(2), "seen": []any{"x"}}, state.State); diff != "" || err != nil {
				t.Errorf("state (-want +got): %v\n%s", err, diff)
			}
			if err := c.Remove(ctx, "a"); err != nil {
				t.Error(err)
			}
			if _, err := c.Status(ctx, "a"); !errors.Is(err, runtime.ErrNotFound) {
				t.Errorf("a removed stack: %v", err)
			}
		})
	}
}

// TestRemoteStore: what is read over the wire is what the store has.
func TestRemoteStore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	if _, err := r.rt.Start(ctx, counter(t), runtime.StartOptions{ID: "a", State: map[string]any{"n": int64(1) << 60}}); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.Cancel(ctx, "a", "done"); err != nil {
		t.Fatal(err)
	}
	remote := r.tcp(t).Store()
	want, err := r.store.Load(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Load(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.State, got.State); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Cursor, got.Cursor); diff != "" {
		t.Errorf("cursor (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Identity, got.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	kept, err := remote.Graph(ctx, want.Cursor.Hash)
	if err != nil || kept.Name != "counter" || len(kept.Def) == 0 {
		t.Errorf("graph %+v: %v", kept, err)
	}
	if _, err := remote.Load(ctx, "b"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("an unknown stack: %v", err)
	}
	sum, err := remote.Stack(ctx, "a")
	if diff := cmp.Diff(journal.Summary{Identity: want.Identity, Cursor: want.Cursor}, sum); diff != "" || err != nil {
		t.Errorf("stack %v (-want +got):\n%s", err, diff)
	}
	got, err = remote.State(ctx, "a")
	if want.Records = nil; err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("state %v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
	for _, w := range []journal.Want{{}, {Bulk: true}, {From: 2}, {To: 2}, {From: 2, To: 3}, {Last: 1}, {Types: []string{"stack.started", "stack.finished"}, Bulk: true}} {
		read := func(s inspect.Reader) (list []journal.Record) {
			if err := s.Records(ctx, "a", w, func(r journal.Record) error { list = append(list, r); return nil }); err != nil {
				t.Fatal(err)
			}
			return list
		}
		if diff := cmp.Diff(read(r.store), read(remote)); diff != "" && w.Bulk || len(read(remote)) == 0 {
			t.Errorf("records that %+v wants (-want +got):\n%s", w, diff)
		}
	}
}

// TestEvents: server-sent events carry the record's seq, and a client continues after
// it.
func TestEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.Cancel(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("GET", "http://localhost/v1/stacks/a/records?follow=true", nil)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", "1")
	w := httptest.NewRecorder()
	r.handler(api.Door{Trusted: true}).ServeHTTP(w, req)
	body := w.Body.String()
	if w.Header().Get("Content-Type") != "text/event-stream" || strings.Contains(body, "stack.started") ||
		!strings.HasPrefix(body, "id: 2\n") || !strings.Contains(body, "event: stack.finished\ndata: {\"seq\":") {
		t.Errorf("%v\n%s", w.Header(), body)
	}
}

// TestErrors: each kind of error has its code and status.
func TestErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.handler(api.Door{Trusted: true})
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/v1/stacks/b", "", 404, `unknown stack \"b\"`},
		{"GET", "/v1/stacks/a?x=1", "", 400, "unknown query parameter"},
		{"GET", "/v1/stacks/a/state?at=0.1", "", 400, "CYCLE.WAVE"},
		{"GET", "/v1/nothing", "", 404, "no such path"},
		{"POST", "/v1/stacks/a", "{}", 405, "expected GET"},
		{"POST", "/v1/stacks", `{"graph":"nope"}`, 400, "there are: counter"},
		{"POST", "/v1/stacks", `{"graph":"counter","stack":"a"}`, 409, "exists"},
		{"POST", "/v1/stacks", `{"graph":"counter","source":"graphrun: 1","stack":"c"}`, 400, "graph and source are two graphs"},
		{"POST", "/v1/stacks", `{"graph":"counter","def":{},"stack":"c"}`, 400, "graph and def are two graphs"},
		{"POST", "/v1/stacks", `{"graph":"counter","stack":"c","params":{"by":"x"}}`, 400, "by"},
		{"POST", "/v1/stacks", `{"def":{},"stack":"c"}`, 422, "error"},
		{"POST", "/v1/stacks/a/events", "{\"event\":\"seen\",\"payload\":\"caf\xe9\"}", 400, "byte 0xE9 at offset 30 is not UTF-8"},
		{"POST", "/v1/stacks/a/events", `{"event":"seen","payload":["\ud800"]}`, 400, "half of a surrogate pair"},
		{"POST", "/v1/stacks/a/events", `{"event":"nope"}`, 400, "there are: seen"},
		{"POST", "/v1/stacks/a/events", `{"event":"seen","payload":1}`, 400, "list(string)"},
		{"POST", "/v1/stacks/a/answers", `{"node":"count"}`, 400, "approved"},
		{"POST", "/v1/stacks/a/answers", `{"node":"count","approved":true}`, 409, "not waiting"},
		{"POST", "/v1/stacks/a/remove", ``, 409, "not ended"},
		{"POST", "/v1/graphs/counter/pools/x", `{"parallel":1}`, 404, "unknown pool"},
		{"POST", "/v1/graphs/counter/pools/default", `{}`, 400, "parallel"},
	} {
		req := httptest.NewRequest(c.method, "http://localhost"+c.path, strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || !strings.HasPrefix(w.Body.String(), `{"error":{"code":"`) {
			t.Errorf("%s %s %s: %d, want %d with %q: %s", c.method, c.path, c.body, w.Code, c.status, c.says, w.Body)
		}
	}
}
