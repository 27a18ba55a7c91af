package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// bare is an engine that has only what each one has, over a store that can only be read.
type bare struct{ api.Engine }

func (bare) CancelTask(context.Context, string, string, string) error {
	return fmt.Errorf("bare: tasks are not cancelled: %w", api.ErrUnsupported)
}

// onlyRead is a store with the methods of a Reader alone.
type onlyRead struct{ inspect.Reader }

// TestBareEngine: an engine may lack what is not in Engine. A request for that is refused with
// a code that says so, and all else works.
func TestBareEngine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.options
	o.Store, o.Door = onlyRead{r.store}, api.Door{Trusted: true}
	h := api.New(bare{api.Local(r.rt)}, o)
	c := api.Direct(h, func() error { return nil })
	ctx := t.Context()
	if _, err := c.Start(ctx, api.StartRequest{Graph: "counter", Stack: "a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(ctx, "a", api.EventRequest{Event: "seen", Payload: api.Value{V: []any{"x"}}}); err != nil {
		t.Fatal(err)
	}
	// Without a feed, a stream finds the records in the store.
	err := c.Records(ctx, "a", api.Read{Follow: true}, func(line []byte) error {
		var r struct{ Type string }
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		if r.Type == "wave.committed" {
			return io.EOF
		}
		return nil
	})
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/stacks", "/v1/stacks/a", "/v1/stacks/a/state", "/v1/stacks/a/explain", "/v1/stacks/a/history", "/readyz", "/metrics", "/v1/records"} {
		if w := ask(h, "GET", path, ""); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for what, refused := range map[string]error{
		"fork":         func() error { _, err := c.Fork(ctx, "a", api.ForkRequest{At: "0", As: "b"}); return err }(),
		"retry":        c.Retry(ctx, "a", api.RetryRequest{}),
		"pools":        func() error { _, err := c.Pools(ctx); return err }(),
		"a pool":       c.SetPool(ctx, "counter", "default", 1),
		"approvals":    func() error { _, err := c.Approvals(ctx, ""); return err }(),
		"the overview": func() error { _, err := c.Overview(ctx, api.OverviewQuery{}); return err }(),
		"a task":       c.Cancel(ctx, "a", api.CancelRequest{Node: "count"}),
	} {
		if e := (*api.Error)(nil); !errors.As(refused, &e) || e.Code != api.CodeUnsupported || e.Status() != http.StatusNotImplemented || !errors.Is(refused, api.ErrUnsupported) {
			t.Errorf("%s: %v", what, refused)
		}
	}
	if w := ask(h, "GET", "/v1/records?follow=true", ""); w.Code != http.StatusNotImplemented {
		t.Errorf("all records: %d %s", w.Code, w.Body)
	}
	if _, err := c.Status(ctx, "b"); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("a stack is left: %v", err)
	}
	if err := c.Cancel(ctx, "a", api.CancelRequest{}); err != nil {
		t.Error(err)
	}
}
