package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestStreamsOfACommit: what streams get of a commit is what the store has; the stream of all
// stacks has what models say too, after the records that were there before.
func TestStreamsOfACommit(t *testing.T) {
	t.Parallel()
	reg, heard := std.Registry(), make(chan struct{})
	if err := reg.Register(nodes.Spec{Kind: graph.Kind{Name: "speak", Open: true}, Node: speaker{heard}}); err != nil {
		t.Fatal(err)
	}
	p := diag.Plain
	g, problems := graph.Compile(graph.Def{
		Version: 1, Name: p("said"), Nodes: []graph.NodeDef{{ID: p("a"), Uses: p("speak")}},
		Stop: []graph.StopDef{{When: p("cycle.number == 1")}},
	}, reg)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	store := memstore.New()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: reg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	r := rig{rt, store, api.Options{Store: store, Kinds: reg}}
	server := httptest.NewServer(r.handler(api.Door{Token: secret}))
	t.Cleanup(server.Close)
	if _, err := rt.Start(t.Context(), g, runtime.StartOptions{Rest: true}); err != nil {
		t.Fatal(err)
	}
	streams := map[string]*reader{}
	for _, path := range []string{"/v1/records?follow&from=now", "/v1/records?follow&from=now&graph=other", "/v1/records?follow&from=now&journal=true", "/v1/stacks/said/records?follow"} {
		streams[path] = readEvents(t, server.URL+path, "")
		streams[path].next() // its place, or what is there
	}
	if _, err := rt.Resume(t.Context(), "said", runtime.ResumeOptions{}); err != nil {
		t.Fatal(err)
	}
	all := streams["/v1/records?follow&from=now"]
	var got []string
	for {
		e := all.next()
		if e.kind == "delta" {
			var d api.Delta
			if err := json.Unmarshal([]byte(e.data), &d); err != nil || d != (api.Delta{Stack: "said", Node: "a", Attempt: 1, Text: "a\nword"}) || e.id != "" {
				t.Errorf("%v: %+v %v", err, d, e)
			}
			if n := len(got); n == 0 || !strings.Contains(got[n-1], "task.started") {
				t.Errorf("it was said after %q", got)
			}
			close(heard)
			continue
		}
		if got = append(got, e.data); e.kind == "stack.finished" {
			break
		}
	}
	kept := strings.Split(strings.TrimSpace(ask(r.handler(api.Door{Trusted: true}), "GET", "/v1/records", "").Body.String()), "\n")[1:]
	if diff := cmp.Diff(kept, got); diff != "" {
		t.Errorf("the stream of all stacks (-kept +got):\n%s", diff)
	}
	got = nil
	for one := streams["/v1/stacks/said/records?follow"]; len(got) < len(kept); {
		if e := one.next(); e.kind != "delta" {
			got = append(got, e.data)
		}
	}
	if diff := cmp.Diff(kept, got); diff != "" {
		t.Errorf("the stream of the stack (-kept +got):\n%s", diff)
	}
	if e := streams["/v1/records?follow&from=now&journal=true"].next(); e.kind != "cycle.started" || e.id == "" {
		t.Errorf("%v", e)
	}
}
