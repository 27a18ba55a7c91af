package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// counting is a store that counts the stacks that are read of it.
type counting struct {
	*memstore.Store
	read *int
}

func (c counting) StacksAfter(ctx context.Context, after string, fn func(runtime.Summary) error) error {
	return c.Store.StacksAfter(ctx, after, func(s runtime.Summary) error {
		*c.read++
		return fn(s)
	})
}

// TestPages: stacks come in the order of their ids, in pages, by filters; no more of the store
// is read than a page needs.
func TestPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := counter(t)
	const n = 250
	for i := range n {
		id := fmt.Sprintf("s%03d", i)
		if _, err := r.rt.Start(t.Context(), g, runtime.StartOptions{ID: id, Rest: true}); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			if err := r.rt.Cancel(t.Context(), id, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := 0
	store := counting{r.store, &read}
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: std.Registry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(t.Context()) })
	r.rt, r.options.Store = rt, store
	h := r.handler(api.Door{Trusted: true})
	page := func(query string) (ids []string, next string) {
		t.Helper()
		w := ask(h, "GET", "/v1/stacks"+query, "")
		var body struct {
			Stacks []api.Stack
			Next   *string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %v %s", query, w.Code, err, w.Body)
		}
		for _, s := range body.Stacks {
			ids = append(ids, s.Stack)
		}
		if body.Next != nil {
			next = *body.Next
		}
		return ids, next
	}
	for query, want := range map[string]struct {
		n           int
		first, next string
		read        int
	}{
		"":                                     {100, "s000", "s099", 101},
		"?limit=1":                             {1, "s000", "s000", 2},
		"?limit=1000":                          {250, "s000", "", 250},
		"?limit=250":                           {250, "s000", "", 250},
		"?after=s199":                          {50, "s200", "", 50},
		"?after=s1995&limit=2":                 {2, "s200", "s201", 3},
		"?after=s249":                          {0, "", "", 0},
		"?status=cancelled":                    {5, "s000", "", 250},
		"?status=cancelled&limit=2":            {2, "s000", "s050", 101},
		"?status=cancelled&limit=2&after=s050": {2, "s100", "s150", 150},
		"?graph=other":                         {0, "", "", 250},
		"?graph=counter&status=running":        {100, "s001", "s102", 104},
	} {
		read = 0
		ids, next := page(query)
		if len(ids) != want.n || want.n > 0 && ids[0] != want.first || next != want.next || read != want.read {
			t.Errorf("%q: %d stacks %.1v, next %q, read %d: want %+v", query, len(ids), ids, next, read, want)
		}
	}
	for query, says := range map[string]string{"limit=0": "1 or more", "limit=1001": "at most 1000", "limit=x": "1 or more"} {
		if w := ask(h, "GET", "/v1/stacks?"+query, ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	// With an index a page reads no other stacks.
	indexed := counting{memstore.New(), &read}
	rt, err = runtime.Open(t.Context(), runtime.Config{Store: indexed, Kinds: std.Registry(), Index: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	for query, want := range indexedPages(t, rt, n) {
		h := api.New(api.Local(rt), api.Options{Store: indexed, Kinds: std.Registry(), Door: api.Door{Trusted: true}})
		read = 0
		w := ask(h, "GET", "/v1/"+query, "")
		if w.Code != http.StatusOK || read != 0 || strings.Count(w.Body.String(), `"driven"`) != want {
			t.Errorf("%s with an index: %d, read %d, want %d stacks: %s", query, w.Code, read, want, w.Body)
		}
	}
	c, all := r.tcp(t), 0
	if err := c.StacksWhere(t.Context(), api.StackQuery{Status: journal.Running}, func(api.Stack) error { all++; return nil }); err != nil || all != n-5 {
		t.Errorf("%d stacks: %v", all, err)
	}
	var got []string
	for after, more := "", true; more; more = after != "" {
		var err error
		if after, err = c.StacksPage(t.Context(), api.StackQuery{}, after, 60, func(s api.Stack) error { got = append(got, s.Stack); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != n || got[n-1] != "s249" {
		t.Errorf("%d stacks in pages, the last is %s", len(got), got[len(got)-1])
	}
}

// indexedPages starts stacks under an index that is full, and says how many stacks lists have.
func indexedPages(t *testing.T, rt *runtime.Runtime, n int) map[string]int {
	t.Helper()
	if _, err := rt.Recover(t.Context(), runtime.RecoverOptions{}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := fmt.Sprintf("s%03d", i)
		if _, err := rt.Start(t.Context(), counter(t), runtime.StartOptions{ID: id, Rest: true}); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			if err := rt.Cancel(t.Context(), id, "not needed"); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]int{
		"stacks": 100, "stacks?status=cancelled": 5, "stacks?status=failed": 0, "stacks?graph=other": 0, "stacks?graph=counter&status=running&after=s199": 49,
		"stacks?status=cancelled&limit=2&after=s050": 2, "stacks?status=cancelled&children=true": 5, "approvals": 0,
		"overview": 100, "overview?limit=1000": 250, "overview?group=ended": 5, "overview?group=asking": 0, "overview?find=s00": 10, "overview?find=needed": 5,
		"overview?find=s0&skip=98": 2, "overview?skip=245": 5, "overview?graph=other": 0,
	}
}
