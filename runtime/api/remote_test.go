package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
)

// TestRemoteStacks: a reader over the wire sees every stack in order, and stops
// when its function returns an error, which comes back as it is.
func TestRemoteStacks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"c", "a", "b"} {
		if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: id, Rest: true}); err != nil {
			t.Fatal(err)
		}
	}
	remote := r.tcp(t).Store()
	var ids []string
	err := remote.Stacks(t.Context(), func(s journal.Summary) error {
		if s.Cursor.Hash == "" || s.Err != nil {
			t.Errorf("the list lacks where %q stands: %+v", s.Identity.Stack, s)
		}
		ids = append(ids, s.Identity.Stack)
		return nil
	})
	if err != nil || !slices.Equal(ids, []string{"a", "b", "c"}) {
		t.Errorf("stacks %v: %v", ids, err)
	}
	enough := errors.New("enough")
	n := 0
	if err := remote.Stacks(t.Context(), func(journal.Summary) error { n++; return enough }); n != 1 || !errors.Is(err, enough) {
		t.Errorf("after %d stacks: %v", n, err)
	}
	n = 0
	if err := remote.Records(t.Context(), "a", journal.Want{}, func(journal.Record) error { n++; return enough }); n != 1 || !errors.Is(err, enough) {
		t.Errorf("after %d records: %v", n, err)
	}
	if _, err := remote.Graph(t.Context(), strings.Repeat("0", 64)); err == nil {
		t.Error("an unknown definition was found")
	}
	for name, ask := range map[string]func() error{
		"stack": func() error { _, err := remote.Stack(t.Context(), "x"); return err },
		"state": func() error { _, err := remote.State(t.Context(), "x"); return err },
		"base":  func() error { _, err := remote.Base(t.Context(), "x", journal.Point{Cycle: 1}); return err },
		"records": func() error {
			return remote.Records(t.Context(), "x", journal.Want{}, func(journal.Record) error { return nil })
		},
	} {
		if err := ask(); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("%s of an unknown stack: %v", name, err)
		}
	}
}

// TestLostServer: whatever is wrong with an answer is a store that cannot be used,
// and never a list or a record that is not whole.
func TestLostServer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing": "", "no JSON": "hello", "cut in the list": `{"stacks":[{"stack":"a"},`,
		"cut behind the list": `{"stacks":[{"stack":"a"}]`, "another value": `[]`, "wrong type": `{"stacks":[7]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
			t.Cleanup(s.Close)
			c := api.NewClient(s.URL, secret)
			defer c.Close()
			var store *runtime.StoreError
			if err := c.Stacks(t.Context(), func(api.Stack) error { return nil }); !errors.As(err, &store) {
				t.Errorf("stacks: %v", err)
			}
			if _, err := c.Server(t.Context()); name != "wrong type" && !strings.HasPrefix(name, "cut behind") && !errors.As(err, &store) && answer != `[]` {
				t.Errorf("server: %v", err)
			}
			if err := c.Store().Records(t.Context(), "a", journal.Want{}, func(journal.Record) error { return nil }); answer != "" && !errors.As(err, &store) {
				t.Errorf("records: %v", err)
			}
		})
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	c := api.NewClient(gone.URL, secret)
	defer c.Close()
	if _, err := c.Server(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("an answer that is none of ours: %v", err)
	}
	gone.Close()
	var store *runtime.StoreError
	if _, err := c.Server(t.Context()); !errors.As(err, &store) {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Server(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the context has ended: %v", err)
	}
}

// TestReadsOfRecords: what of a journal is asked for by query, and what cannot be.
func TestReadsOfRecords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := r.rt.Cancel(t.Context(), "a", ""); err != nil {
		t.Fatal(err)
	}
	c := r.tcp(t)
	read := func(o api.Read) (types []string) {
		t.Helper()
		if err := c.Records(t.Context(), "a", o, func(line []byte) error {
			_, rest, _ := strings.Cut(string(line), `"type":"`)
			name, _, _ := strings.Cut(rest, `"`)
			types = append(types, name)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return types
	}
	all := read(api.Read{})
	if len(all) < 3 || all[0] != "stack.started" || all[len(all)-1] != "stack.finished" {
		t.Fatalf("records %v", all)
	}
	for _, x := range []struct {
		read api.Read
		want []string
	}{
		{api.Read{From: 2}, all[1:]},
		{api.Read{To: 1}, all[:1]},
		{api.Read{From: uint64(len(all))}, all[len(all)-1:]},
		{api.Read{From: 1000}, nil},
		{api.Read{Follow: true}, all},
		{api.Read{Follow: true, From: 1000}, nil},
		{api.Read{Types: []string{"stack.started", "stack.finished"}}, []string{all[0], all[len(all)-1]}},
	} {
		if got := read(x.read); !slices.Equal(got, x.want) {
			t.Errorf("%+v reads %v, want %v", x.read, got, x.want)
		}
	}
	h := r.handler(api.Door{Trusted: true})
	for _, query := range []string{"from=x", "from=-1", "to=x", "last=0", "last=x", "follow=yes", "journal=1", "follow=true&to=3", "follow=true&types=stack.started"} {
		if w := ask(h, "GET", "/v1/stacks/a/records?"+query, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}
