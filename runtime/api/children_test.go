package api_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes/std"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/api"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// board asks for each department, in a graph of its own, and counts the answers.
const board = `{"graphrun": 1, "name": "board", "pause": {"none": true},
	"state": [{"name": "got", "type": "integer"}],
	"stop": [{"when": "state.got == 2"}],
	"nodes": [{"id": "each", "uses": "graph", "with": {"file": "dept.yaml"},
		"for_each": {"in": "[\"legal\", \"a/b\"]", "as": "it", "key": "it"},
		"writes": [{"key": "got", "expr": "len(output)"}],
		"graph": {"graphrun": 1, "name": "dept", "state": [{"name": "said", "type": "boolean?"}],
			"nodes": [{"id": "low", "uses": "graph", "with": {"file": "low.yaml"}, "writes": [{"key": "said", "expr": "output.said"}],
				"graph": {"graphrun": 1, "name": "low", "state": [{"name": "said", "type": "boolean?"}],
					"nodes": [{"id": "first", "uses": "set"},
						{"id": "ask", "uses": "approval", "with": {"prompt": "ok?"}, "writes": [{"key": "said", "expr": "output.approved"}]}],
					"edges": [{"to": ["first"]}, {"from": ["first"], "to": ["ask"]}]}}]}}],
	"edges": [{"to": ["each"]}]}`

func startBoard(k *runtimetest.Kit) *api.Client {
	k.T.Helper()
	var d graph.Def
	if err := json.Unmarshal([]byte(board), &d); err != nil {
		k.T.Fatal(err)
	}
	k.Start(k.Compile(d), runtime.StartOptions{})
	k.Forward(time.Hour)
	return clientOf(k)
}

func clientOf(k *runtimetest.Kit) *api.Client {
	h := api.New(api.Local(k.Runtime), api.Options{Store: k.Store, Kinds: std.Registry(), Door: api.Door{Trusted: true}})
	return api.Direct(h, func() error { return nil })
}

// TestStatusOfChildren: a stack's status says what the stacks within it do and wait for.
func TestStatusOfChildren(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
		t := k.T
		c := startBoard(k)
		s, err := c.Status(k.T.Context(), "board")
		if err != nil {
			t.Fatal(err)
		}
		var waiting, tasks, children []string
		for _, w := range s.Waiting {
			waiting = append(waiting, w.Path+" "+w.Prompt)
			if w.Stack == "" || w.Node != "ask" || w.ID == "" {
				t.Errorf("it waits for %+v", w)
			}
		}
		for _, task := range s.Tasks {
			tasks = append(tasks, task.Path+" "+string(task.State))
		}
		for _, child := range s.Children {
			children = append(children, child.Path+" "+child.Graph)
		}
		if diff := cmp.Diff([]string{"each[legal]/low/ask ok?", `each["a/b"]/low/ask ok?`}, waiting); diff != "" {
			t.Errorf("waiting (-want +got):\n%s", diff)
		}
		for _, want := range []string{"each[legal] waiting", "each[legal]/low waiting", "each[legal]/low/ask waiting", `each["a/b"]/low/ask waiting`} {
			if !slices.Contains(tasks, want) {
				t.Errorf("%q is not among the tasks: %q", want, tasks)
			}
		}
		if diff := cmp.Diff([]string{"each[legal] dept", "each[legal]/low low", `each["a/b"] dept`, `each["a/b"]/low low`}, children); diff != "" {
			t.Errorf("children (-want +got):\n%s", diff)
		}
	})
}

// TestListOfChildren: a list of stacks has children below their parents, or as lines of
// their own.
func TestListOfChildren(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
		t := k.T
		c := startBoard(k)
		for _, q := range []api.StackQuery{{}, {Children: true}, {Children: true, Graph: "low"}, {Graph: "low"}, {Status: journal.Paused}} {
			var lines []string
			err := c.StacksWhere(k.T.Context(), q, func(s api.Stack) error {
				lines = append(lines, strings.TrimSpace(s.Parent+" "+s.Path+" "+s.Graph))
				if s.Stack == "board" && (len(s.Children) != 4 || len(s.Waiting) != 2 || s.Waiting[0].Path != `each["a/b"]/low/ask`) {
					t.Errorf("%+v: the line of the parent is %+v", q, s)
				}
				return nil
			})
			slices.Sort(lines)
			low := []string{`board each["a/b"]/low low`, "board each[legal]/low low"}
			want := map[api.StackQuery][]string{
				{}:                             {"board"},
				{Children: true}:               {"board", `board each["a/b"] dept`, low[0], "board each[legal] dept", low[1]},
				{Children: true, Graph: "low"}: low,
			}[q]
			if diff := cmp.Diff(want, lines); diff != "" || err != nil {
				t.Errorf("%+v (-want +got):\n%s%v", q, diff, err)
			}
		}
	})
}

// TestAnswersAtPlaces: a place says which stack an answer or a cancel is for, whether the
// engine drives the stacks or has only their store.
func TestAnswersAtPlaces(t *testing.T) {
	t.Parallel()
	yes := true
	for name, driven := range map[string]bool{"driven": true, "at rest": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
				t := k.T
				c := startBoard(k)
				if !driven {
					k.Reopen()
					c = clientOf(k)
				}
				ctx := k.T.Context()
				for place, want := range map[string]string{
					"each[x]/low/ask":      `no graph runs at "each[x]/low" in stack "board" (there are: each["a/b"], each[legal]); in stack "board" what waits: each[legal]/low/ask, each["a/b"]/low/ask`,
					"ask":                  `unknown node "ask" (there are: each); in stack "board" what waits: each[legal]/low/ask, each["a/b"]/low/ask`,
					"each[legal]/low/asks": `what waits: each[legal]/low/ask, each["a/b"]/low/ask`,
					"each[legal":           "] is missing",
				} {
					err := c.Answer(ctx, "board", api.AnswerRequest{Node: place, Approved: &yes})
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v, want %q in it", place, err, want)
					}
				}
				if err := c.Answer(ctx, "board", api.AnswerRequest{Node: "each[legal]/low/ask", Approved: &yes}); err != nil {
					t.Fatal(err)
				}
				if err := c.Cancel(ctx, "board", api.CancelRequest{Node: `each["a/b"]/low/ask`}); err != nil {
					t.Fatal(err)
				}
				if !driven {
					if _, err := k.Runtime.Recover(ctx, runtime.RecoverOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				k.Forward(time.Minute)
				s, err := c.Status(ctx, "board")
				if err != nil || s.LastError == nil || s.LastError.Item != "a/b" || s.LastError.Kind != "cancelled" {
					t.Errorf("the cancelled one: %+v, %v", s.LastError, err)
				}
			})
		})
	}
}

// passes counts how often all stacks of a store are read.
type passes struct {
	runtime.Store
	n int
}

func (p *passes) Stacks(ctx context.Context, fn func(journal.Summary) error) error {
	p.n++
	return p.Store.Stacks(ctx, fn)
}

// TestAListReadsNoOtherStacks: a list reads its own stacks of a store and those within them.
func TestAListReadsNoOtherStacks(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, std.Registry(), func(k *runtimetest.Kit) {
		store := &passes{Store: k.Store}
		c := api.Direct(api.New(api.Local(k.Runtime), api.Options{Store: store, Kinds: std.Registry(), Door: api.Door{Trusted: true}}), func() error { return nil })
		list := func() int {
			store.n = 0
			if err := c.Stacks(k.T.Context(), func(api.Stack) error { return nil }); err != nil {
				k.T.Fatal(err)
			}
			return store.n
		}
		var plain graph.Def
		if err := json.Unmarshal([]byte(`{"graphrun": 1, "name": "plain", "nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "ok?"}}], "limits": {"cycles": 9}}`), &plain); err != nil {
			k.T.Fatal(err)
		}
		k.Start(k.Compile(plain), runtime.StartOptions{})
		if n := list(); n != 0 {
			k.T.Errorf("%d further passes without graphs within graphs", n)
		}
		startBoard(k)
		if n := list(); n != 0 {
			k.T.Errorf("%d further passes with them", n)
		}
	})
}
