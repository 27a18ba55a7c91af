package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/memstore"
)

// TestIndexOfARuntime: stacks are started, answered, cancelled, forked and removed by several
// at once, also while the index is filled. Then lists, questions and the overview are the same
// with an index as without one.
func TestIndexOfARuntime(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New()
			before := open(t, store, false)
			busy(t, before, seed, nil)
			if err := before.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			rt := open(t, store, true)
			busy(t, rt, seed+100, func() {
				if _, err := rt.Recover(t.Context(), runtime.RecoverOptions{}); err != nil {
					t.Error(err)
				}
			})
			plain := open(t, counting{store, new(int)}, false)
			queries := []string{"overview?limit=1000", "overview?graph=board&limit=1000", "approvals", "approvals?graph=board", "approvals?graph=low", "stacks", "stacks?children=true"}
			for _, status := range []journal.Status{journal.Running, journal.Completed, journal.Failed, journal.Cancelled, journal.Paused} {
				queries = append(queries, "stacks?status="+string(status), "stacks?graph=low&children=true&status="+string(status), "overview?limit=1000&find="+string(status))
			}
			for _, group := range runtime.Groups() {
				queries = append(queries, "overview?limit=1000&group="+string(group), "overview?graph=asking&find=2&group="+string(group))
			}
			seen := 0
			for _, q := range queries {
				want, got := told(t, plain, store, q, 0), told(t, rt, store, q, 3)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, %s (-without +with):\n%s", seed, q, diff)
				}
				seen += len(got)
			}
			if seen < 50 {
				t.Errorf("seed %d: only %d lines", seed, seen)
			}
			for _, rt := range []*runtime.Runtime{plain, rt} {
				if err := rt.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func open(t *testing.T, store runtime.Store, index bool) *runtime.Runtime {
	t.Helper()
	rt, err := runtime.Open(t.Context(), runtime.Config{Store: store, Kinds: std.Registry(), Index: index})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// busy has several goroutines do something with a few stacks, beside also.
func busy(t *testing.T, rt *runtime.Runtime, seed uint64, also func()) {
	t.Helper()
	var d graph.Def
	if err := json.Unmarshal([]byte(board), &d); err != nil {
		t.Fatal(err)
	}
	boards, problems := graph.Compile(d, std.Registry())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	graphs := []*graph.Graph{counter(t), asking(t), boards}
	var wg sync.WaitGroup
	if also != nil {
		wg.Go(also)
	}
	for hand := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, hand))
			for range 40 {
				ctx, id := t.Context(), fmt.Sprintf("s%02d", r.IntN(16))
				// What is refused, as the start of a stack that is there, changes nothing.
				switch r.IntN(8) {
				case 0, 1, 2, 3:
					_, _ = rt.Start(ctx, graphs[r.IntN(len(graphs))], runtime.StartOptions{ID: id})
				case 4:
					_ = rt.Cancel(ctx, id, "no more of "+id)
				case 5:
					_ = rt.Remove(ctx, id)
				case 6:
					_ = rt.Pause(ctx, id)
				default:
					_, _ = rt.Fork(ctx, id, runtime.ForkOptions{ID: fmt.Sprintf("f%02d", r.IntN(8))})
				}
				<-time.After(time.Duration(r.IntN(50)) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	synctest.Wait()
}

// told is a line for each stack or question that a query lists, and the counts. With a limit
// it reads pages of that size.
func told(t *testing.T, rt *runtime.Runtime, store runtime.Store, query string, limit int) (lines []string) {
	t.Helper()
	h := api.New(api.Local(rt), api.Options{Store: store, Kinds: std.Registry(), Door: api.Door{Trusted: true}})
	for after, more := "", true; more; {
		path := "/v1/" + query
		if paged := !strings.HasPrefix(query, "overview"); paged && limit > 0 {
			sep := map[bool]string{false: "?", true: "&"}[strings.Contains(path, "?")]
			path += fmt.Sprintf("%slimit=%d&after=%s", sep, limit, url.QueryEscape(after))
		}
		w := ask(h, "GET", path, "")
		var body struct {
			Stacks    []api.OverviewedStack
			Approvals []api.Approval
			Groups    []api.GroupCount
			Graphs    []api.GraphCount
			Found     int
			Next      string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %v %s", path, w.Code, err, w.Body)
		}
		for _, s := range body.Stacks {
			lines = append(lines, fmt.Sprint(s.Stack.Stack, " ", s.Graph, " ", s.Status, " ", s.Group, " ", s.Reason, " ", s.Parent, s.Path))
		}
		for _, a := range body.Approvals {
			lines = append(lines, fmt.Sprint(a.Since, a.Stack, " ", a.Graph, " ", a.Child, " ", a.Path, " ", a.ID))
		}
		if body.Groups != nil {
			lines = append(lines, fmt.Sprint(body.Groups, body.Graphs, body.Found))
		}
		after, more = body.Next, body.Next != ""
	}
	return lines
}
