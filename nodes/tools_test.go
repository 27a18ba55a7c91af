package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// works is a kind that is a function.
type works func(ctx context.Context, t nodes.Task) (nodes.Result, error)

func (w works) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) { return w(ctx, t) }

// box is a toolbox whose kind `work` is a function, in which `set` is inline.
func box(t *testing.T, work works) *nodes.Toolbox {
	t.Helper()
	r := nodes.NewRegistry()
	for _, s := range []nodes.Spec{{Kind: graph.Kind{Name: "work"}, Node: work}, {Kind: graph.Kind{Name: "set", Inline: true}}} {
		if err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return nodes.NewToolbox(r, nodes.NewSession(context.Background()))
}

// bound is a tool of a kind, as a task has it.
func bound(t graph.Tool, kind string) graph.BoundTool {
	t.Kind = graph.Kind{Name: kind, Inline: kind == "set"}
	return t.Bind(&cond.Env{Slots: make([]any, graph.NumSlots)})
}

// equipped is a task that may call some tools.
func equipped(b *nodes.Toolbox, t nodes.Task, tools ...graph.BoundTool) nodes.Task {
	t.Graph, t.Key = "g", "s.n/1/1/a/"
	b.Equip(&t, graph.Bound{Tools: tools}, nil)
	return t
}

// TestCallOfATool: a call is work with a key of its own, and its result hides secrets.
func TestCallOfATool(t *testing.T) {
	t.Parallel()
	var got nodes.Task
	b := box(t, func(_ context.Context, t nodes.Task) (nodes.Result, error) {
		got = t
		return nodes.Result{Output: map[string]any{"it is hush": []string{"hush!"}}, Tokens: 3}, nil
	})
	task := equipped(b, nodes.Task{Dir: "/here", Mask: func(s string) string { return strings.ReplaceAll(s, "hush", "***") },
		Secret: func(string) (string, bool) { return "hush", true }}, bound(graph.Tool{Name: "find"}, "work"))
	res, err := task.Tools[0].Call(t.Context(), 7, map[string]any{}, true)
	if diff := cmp.Diff(any(map[string]any{"it is ***": []any{"***!"}}), res.Output); err != nil || diff != "" || res.Tokens != 3 {
		t.Errorf("%v, %d tokens (-want +got)\n%s", err, res.Tokens, diff)
	}
	if got.Key != "s.n/1/1/a/#7" || !got.Rerun || got.Dir != "/here" || got.Attempt != 1 || got.Secret != nil || len(got.Tools) != 0 {
		t.Errorf("the work was given %+v", got)
	}
}

// TestTriesOfATool: a failure is tried again as that of a node, within the call.
func TestTriesOfATool(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		retry graph.Retry
		fails error
		tries int
		took  time.Duration
	}{
		"once":              {graph.Retry{}, errors.New("busy"), 1, 0},
		"backoff":           {graph.Retry{Attempts: 3, Backoff: time.Second, Factor: 2}, errors.New("busy"), 3, 3 * time.Second},
		"bounded backoff":   {graph.Retry{Attempts: 4, Backoff: time.Second, Factor: 10, MaxBackoff: 2 * time.Second}, errors.New("busy"), 4, 5 * time.Second},
		"hopeless":          {graph.Retry{Attempts: 3, Backoff: time.Second}, nodes.Errorf("config", "wrong"), 1, 0},
		"permanent":         {graph.Retry{Attempts: 3, Backoff: time.Second}, nodes.Permanent(errors.New("gone")), 1, 0},
		"named":             {graph.Retry{Attempts: 2, Backoff: time.Second, Errors: []string{"schema"}}, nodes.Errorf("schema", "wrong"), 2, time.Second},
		"not named":         {graph.Retry{Attempts: 2, Backoff: time.Second, Errors: []string{"exit"}}, nodes.Errorf("http", "wrong"), 1, 0},
		"it asks to wait":   {graph.Retry{Attempts: 2, Backoff: time.Second}, &nodes.Error{Kind: "http", Wait: 5 * time.Second}, 2, 5 * time.Second},
		"for far too long":  {graph.Retry{Attempts: 2, Backoff: time.Second, MaxBackoff: 2 * time.Second}, &nodes.Error{Kind: "http", Wait: 5 * time.Second}, 1, 0},
		"each is paid":      {graph.Retry{Attempts: 2}, &nodes.Error{Kind: "http"}, 2, 0},
		"the last is told":  {graph.Retry{Attempts: 2}, errors.New("busy"), 2, 0},
		"a panic is tamed":  {graph.Retry{Attempts: 2}, nil, 2, 0},
		"cancelled: no try": {graph.Retry{Attempts: 2, Errors: []string{"cancelled"}}, nodes.Errorf("cancelled", ""), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				b := box(t, func(ctx context.Context, task nodes.Task) (nodes.Result, error) {
					tries++
					nodes.Spend(ctx, 5, 0)
					if task.Attempt != tries || task.Key != "s.n/1/1/a/#1" {
						t.Errorf("try %d is attempt %d of %s", tries, task.Attempt, task.Key)
					}
					if tt.fails == nil {
						panic("no")
					}
					return nodes.Result{}, tt.fails
				})
				task := equipped(b, nodes.Task{}, bound(graph.Tool{Name: "find", Retry: tt.retry}, "work"))
				began := time.Now()
				_, err := task.Tools[0].Call(t.Context(), 1, map[string]any{}, false)
				var e *nodes.Error
				if !errors.As(err, &e) || tries != tt.tries || time.Since(began) != tt.took || e.Tokens != 5*int64(tries) {
					t.Errorf("%v after %d tries in %s, want %d in %s", err, tries, time.Since(began), tt.tries, tt.took)
				}
			})
		})
	}
}

// TestTimeoutOfATool bounds each try, and the end of the task ends the call.
func TestTimeoutOfATool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := box(t, func(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
			<-ctx.Done()
			return nodes.Result{}, ctx.Err()
		})
		task := equipped(b, nodes.Task{}, bound(graph.Tool{Name: "find", Timeout: time.Minute, Retry: graph.Retry{Attempts: 2}}, "work"))
		began := time.Now()
		_, err := task.Tools[0].Call(t.Context(), 1, nil, false)
		var e *nodes.Error
		if !errors.As(err, &e) || e.Kind != "timeout" || time.Since(began) != 2*time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, nodes.Errorf("cancelled", "over"))
		defer cancel()
		_, err = task.Tools[0].Call(ctx, 1, nil, false)
		if !errors.As(err, &e) || e.Kind != "cancelled" || e.Message != "over" {
			t.Errorf("%v", err)
		}
	})
}

// TestParallelCallsOfATool: the limit of a tool holds for all tasks of the process.
func TestParallelCallsOfATool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		b := box(t, func(ctx context.Context, _ nodes.Task) (nodes.Result, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return nodes.Result{}, nil
		})
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			task := equipped(b, nodes.Task{}, bound(graph.Tool{Name: "find", Parallel: 2}, "work"))
			for n := range 2 {
				all.Go(func() {
					if _, err := task.Tools[0].Call(t.Context(), n+1, nil, false); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		if most != 2 || time.Since(began) != 3*time.Second {
			t.Errorf("%d calls at once, %s for six", most, time.Since(began))
		}
	})
}

// TestStepsBelowACall: work that is called records its steps in those of the task, under
// the number of its call, and finds them again there, and nothing else.
func TestStepsBelowACall(t *testing.T) {
	t.Parallel()
	work := func(ctx context.Context, task nodes.Task) (nodes.Result, error) {
		v, err := nodes.Step(ctx, "think", func(context.Context) (string, error) { return "by " + task.Key, nil })
		return nodes.Result{Output: v}, err
	}
	b := box(t, work)
	var recorded []nodes.StepRecord
	task := nodes.Task{Record: func(_ context.Context, s nodes.StepRecord) (any, error) {
		recorded = append(recorded, s)
		return s.Content, nil
	}}
	first := equipped(b, task, bound(graph.Tool{Name: "ask"}, "work"))
	for _, n := range []int{1, 2} {
		if res, err := first.Tools[0].Call(t.Context(), n, nil, false); err != nil || res.Output != fmt.Sprintf("by s.n/1/1/a/#%d", n) {
			t.Errorf("call %d: %v, %v", n, res.Output, err)
		}
	}
	var names []string
	for _, s := range recorded {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"tool:ask#1/think", "tool:ask#2/think"}, names); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
	task.Steps = append(slices.Clone(recorded), nodes.StepRecord{Name: "model:x/y"}, nodes.StepRecord{Name: "tool:files/read"})
	task.Steps[1].Content = "as recorded"
	again := equipped(b, task, bound(graph.Tool{Name: "ask"}, "work"))
	if len(again.Steps) != 2 || again.Steps[0].Name != "model:x/y" {
		t.Errorf("the task itself has the steps %+v", again.Steps)
	}
	res, err := again.Tools[0].Call(t.Context(), 2, nil, true)
	if err != nil || res.Output != "as recorded" || len(recorded) != 2 {
		t.Errorf("the call that is recorded: %v, %v, %d records", res.Output, err, len(recorded))
	}
}

// TestWordsBelowACall: work that is called asks through the task, and is held with it.
func TestWordsBelowACall(t *testing.T) {
	t.Parallel()
	b := box(t, func(ctx context.Context, task nodes.Task) (nodes.Result, error) {
		if len(task.Words) == 0 {
			return nodes.Result{Tokens: 2}, errors.Join(task.Ask(ctx, []journal.Call{{ID: "c", Tool: "refund"}}), nodes.ErrHeld)
		}
		return nodes.Result{Output: task.Words}, nil
	})
	var asked []journal.Call
	task := nodes.Task{Ask: func(_ context.Context, c []journal.Call) error { asked = append(asked, c...); return nil }}
	first := equipped(b, task, bound(graph.Tool{Name: "ask"}, "work"))
	res, err := first.Tools[0].Call(t.Context(), 3, nil, false)
	if !errors.Is(err, nodes.ErrHeld) || res.Tokens != 2 || !cmp.Equal([]journal.Call{{ID: "ask#3/c", Tool: "refund"}}, asked) {
		t.Errorf("%v, %d tokens, asked %+v", err, res.Tokens, asked)
	}
	if err := first.Ask(t.Context(), []journal.Call{{ID: "ask#3/c", Tool: "refund"}}); err == nil || len(asked) != 1 {
		t.Error("an id that stands for the call of another one was taken")
	}
	task.Words = []nodes.Word{{Call: "ask#1/c"}, {Call: "mine"}, {Call: "ask#3/c", Approved: true}}
	again := equipped(b, task, bound(graph.Tool{Name: "ask"}, "work"))
	if len(again.Words) != 1 || again.Words[0].Call != "mine" {
		t.Errorf("the task itself has the words %+v", again.Words)
	}
	res, err = again.Tools[0].Call(t.Context(), 3, nil, true)
	want := []any{map[string]any{"Call": "c", "Approved": true, "Args": nil, "Comment": "", "By": ""}}
	if diff := cmp.Diff(any(want), res.Output); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestCallKeys: no two calls have one key, whatever the elements of a for_each are called.
func TestCallKeys(t *testing.T) {
	t.Parallel()
	a, b := nodes.CallKey("s.n/1/1/a/x", 1), nodes.CallKey("s.n/1/1/a/x#1", 1)
	if a != "s.n/1/1/a/x#1" || b != "s.n/1/1/a/x##1#1" {
		t.Errorf("%s and %s", a, b)
	}
	for key, of := range map[string]bool{a: true, a + "#2": true, b: false, "s.n/1/1/a/x": false, "s.n/1/1/a/x#": false, "s.n/1/1/a/xy#1": false} {
		if nodes.IsCallOf(key, "s.n/1/1/a/x") != of {
			t.Errorf("%s is a call of x: %v", key, !of)
		}
	}
	if n, name := nodes.Below("tool:a#2/tool:b#1/model:x"); n != "2.1" || name != "model:x" {
		t.Errorf("%s %s", n, name)
	}
	if n, name := nodes.Below("tool:files/a#1/b"); n != "" || name != "tool:files/a#1/b" {
		t.Errorf("%s %s", n, name)
	}
}

// TestInlineTool gives its `with`.
func TestInlineTool(t *testing.T) {
	t.Parallel()
	task := equipped(box(t, nil), nodes.Task{}, bound(graph.Tool{Name: "now"}, "set"))
	if res, err := task.Tools[0].Call(t.Context(), 1, nil, false); err != nil || !cmp.Equal(map[string]any{}, res.Output) {
		t.Errorf("%v, %v", res.Output, err)
	}
}
