package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// lingerTime is how long the work of stubborn continues after its cancel.
const lingerTime = 3 * time.Second

// stubborn is work that runs on for a while when it is cancelled, and outlives its
// engine until it is cleaned up. It fails the test when two attempts of a task run
// at once, when more run than its pool allows, and when something is recorded as
// over while it runs.
type stubborn struct {
	t    testing.TB
	pool int // how many may run at once; 0 means any number

	mu    sync.Mutex
	runs  map[string]int // attempts that run, by task key
	begun int
	lives int             // of engines
	dead  map[string]bool // that outlived their engine
}

func newStubborn(t testing.TB, pool int) *stubborn {
	return &stubborn{t: t, pool: pool, runs: map[string]int{}, dead: map[string]bool{}}
}

func (w *stubborn) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	w.mu.Lock()
	w.begun++
	w.runs[t.Key]++
	life := w.lives
	all := len(w.dead)
	for _, n := range w.runs {
		all += n
	}
	if w.runs[t.Key] > 1 || w.dead[t.Key] {
		w.t.Errorf("attempt %d of %s runs beside the one before", t.Attempt, t.Key)
	}
	if w.pool > 0 && all > w.pool {
		w.t.Errorf("%d run at once, at most %d may", all, w.pool)
	}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.lives != life {
			return // it is one of dead
		}
		if w.runs[t.Key]--; w.runs[t.Key] == 0 {
			delete(w.runs, t.Key)
		}
	}()
	if t.Item == "1" {
		<-time.After(time.Second)
		return nodes.Result{}, errors.New("this element fails")
	}
	select {
	case <-ctx.Done():
		<-time.After(lingerTime)
		return nodes.Result{}, context.Cause(ctx)
	case <-time.After(time.Hour):
		return nodes.Result{Output: 1}, nil
	}
}

func (w *stubborn) CleanUp(ctx context.Context, t nodes.Task) error {
	select {
	case <-time.After(lingerTime):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.dead, t.Key)
	return nil
}

// outlive makes what runs outlive the engine that is killed next.
func (w *stubborn) outlive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.runs {
		w.dead[key] = true
	}
	w.runs = map[string]int{}
	w.lives++
}

// check is called with every commit.
func (w *stubborn) check(c feed.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rec := range c.Records {
		switch b := rec.Body.(type) {
		case *journal.TaskFinished:
			cycle := b.Began
			if cycle == 0 {
				cycle = rec.Cycle
			}
			key := fmt.Sprintf("%s.nonce/%d/%d/%s/%s", c.Stack, cycle, b.Wave, b.Node, b.Item)
			if w.runs[key] > 0 || w.dead[key] {
				w.t.Errorf("%s is recorded as over (%+v) while it runs", key, b.Error)
			}
		case *journal.StackFinished:
			if len(w.runs)+len(w.dead) > 0 {
				w.t.Errorf("stack %s is recorded as ended while %v %v run", c.Stack, w.runs, w.dead)
			}
		}
	}
}

func (w *stubborn) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.runs) + len(w.dead)
}

// TestOverWhenItsWorkIs: whoever ends a task, nothing says that it is over, and
// nothing follows it, before its work has ended.
func TestOverWhenItsWorkIs(t *testing.T) {
	t.Parallel()
	const (
		slow = `"pause": {"set": true, "active": 1000000000}, "limits": {"cycles": 100, "failures": 100, "failed_pause": 0}`
		one  = `"pools": [{"name": "default", "parallel": 1}]`
	)
	kill := func(k *runtimetest.Kit, w *stubborn) {
		w.outlive()
		k.Crash()
		if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
			k.T.Fatal(err)
		}
	}
	cancel := func(k *runtimetest.Kit, w *stubborn) {
		if err := k.Runtime.Cancel(k.T.Context(), "g", "enough"); err != nil {
			k.T.Fatal(err)
		}
		if n := w.left(); n > 0 {
			k.T.Errorf("cancelled, and %d run", n)
		}
		if err := k.Runtime.Remove(k.T.Context(), "g"); err != nil {
			k.T.Errorf("what was cancelled cannot be removed: %v", err)
		}
	}
	for name, tt := range map[string]struct {
		node  string // of the node `a`
		rest  string // of the graph
		pool  int
		does  func(k *runtimetest.Kit, w *stubborn)
		begun int // attempts in half a minute after that
		want  journal.Status
	}{
		"retry":    {`, "timeout": 1000000000, "retry": {"attempts": 3}`, slow, 1, nil, 6, journal.Running},
		"deadline": {`, "deadline": 1000000000`, slow, 1, nil, 7, journal.Running},
		"restart":  {"", slow, 1, kill, 2, journal.Running},
		"pool": {"", slow + ", " + one, 1, func(k *runtimetest.Kit, w *stubborn) {
			s, _ := k.Runtime.Stack("g")
			k.Start(k.Compile(def(k.T, graphText("", slow+", "+one))), runtime.StartOptions{ID: "other"})
			k.Forward(time.Second)
			go func() { _ = s.Cancel(k.T.Context(), "") }()
		}, 2, journal.Cancelled},
		"pool, restart":   {"", slow + ", " + one, 1, func(k *runtimetest.Kit, w *stubborn) { kill(k, w); kill(k, w) }, 2, journal.Running},
		"cancel":          {"", slow, 1, cancel, 1, ""},
		"cancel, restart": {"", slow, 1, func(k *runtimetest.Kit, w *stubborn) { kill(k, w); cancel(k, w) }, 1, ""},
		"cancel one": {"", slow, 1, func(k *runtimetest.Kit, w *stubborn) {
			if err := k.Runtime.CancelTask(k.T.Context(), "g", "a", ""); err != nil || w.left() > 0 {
				k.T.Errorf("cancelled (%v), and %d run", err, w.left())
			}
		}, 2, journal.Running},
		"killed after a timeout": {`, "timeout": 1500000000, "retry": {"attempts": 2}`, slow, 1, func(k *runtimetest.Kit, w *stubborn) {
			k.Forward(time.Second)
			kill(k, w)
		}, 6, journal.Running},
		"fast": {`, "for_each": {"in": "[1, 2, 3]", "on_failure": "fast"}`, `"limits": {"failures": 1}`, 3, nil, 3, journal.Failed},
		"a limit, in the background": {`, "background": true`, `"pause": {"set": true, "active": 1000000000}, "limits": {"cycles": 4}`,
			1, nil, 1, journal.Failed},
		"a changed graph, in the background": {`, "background": true`, slow, 1, func(k *runtimetest.Kit, w *stubborn) {
			k.Forward(2 * time.Second)
			changed := k.Compile(def(k.T, `{"graphrun": 1, "name": "g", "nodes": [{"id": "b", "uses": "stubborn", "timeout": 5000000000}], `+slow+`}`))
			if err := k.Runtime.AddGraph(changed, nil); err != nil {
				k.T.Fatal(err)
			}
		}, 5, journal.Running},
		"stop": {"", slow, 1, func(k *runtimetest.Kit, w *stubborn) {
			ctx, cut := context.WithTimeout(k.T.Context(), time.Second)
			defer cut()
			_ = k.Runtime.End(ctx, "g") // the wave takes an hour
			cancel(k, w)
		}, 1, ""},
		"close": {"", slow, 1, func(k *runtimetest.Kit, w *stubborn) {
			k.Reopen()
			if w.left() > 0 {
				k.T.Errorf("closed, and %d run", w.left())
			}
		}, 1, journal.Running},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, kinds := newStubborn(t, tt.pool), kinds(t)
			if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "stubborn", Open: true}, Node: w}); err != nil {
				t.Fatal(err)
			}
			runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
				k.Config.Nonce = func() string { return "nonce" }
				k.Config.Feed = feed.Of(w.check)
				k.Reopen()
				start(k, def(t, graphText(tt.node, tt.rest)))
				k.Forward(time.Second)
				if tt.does != nil {
					tt.does(k, w)
				}
				k.Forward(30 * time.Second)
				w.mu.Lock()
				begun := w.begun
				w.mu.Unlock()
				if begun != tt.begun {
					t.Errorf("%d attempts began, want %d", begun, tt.begun)
				}
				snap, err := k.Store.Load(k.T.Context(), "g")
				if snap.Cursor.Status != tt.want || tt.want != "" && err != nil {
					t.Errorf("the stack is %q (%v), want %q", snap.Cursor.Status, err, tt.want)
				}
				k.Reopen() // what runs returns
				if n := w.left(); n > 0 {
					t.Errorf("closed, and %d run", n)
				}
			})
		})
	}
}

func graphText(node, rest string) string {
	return `{"graphrun": 1, "name": "g", "nodes": [{"id": "a", "uses": "stubborn"` + node + `}], ` + rest + `}`
}

// TestAGraphIsOverWhenItsWorkIs: a node that runs a graph is over when nothing of the
// graph runs any more, whoever ended it, also when the engine is killed meanwhile.
func TestAGraphIsOverWhenItsWorkIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		node string
		does func(k *runtimetest.Kit, w *stubborn)
	}{
		"timeout":                {`, "timeout": 1500000000`, nil},
		"timeout, background":    {`, "timeout": 1500000000, "background": true`, nil},
		"killed after a timeout": {`, "timeout": 1500000000`, func(k *runtimetest.Kit, w *stubborn) { k.Forward(time.Second) }},
		"killed before":          {`, "timeout": 5000000000`, func(k *runtimetest.Kit, w *stubborn) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, kinds := newStubborn(t, 1), kinds(t)
			if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "stubborn", Open: true}, Node: w}); err != nil {
				t.Fatal(err)
			}
			runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
				k.Config.Nonce = func() string { return "nonce" }
				k.Config.Feed = feed.Of(func(c feed.Commit) {
					w.check(c)
					for _, rec := range c.Records {
						if b, ok := rec.Body.(*journal.TaskFinished); ok && b.Node == "sub" && w.left() > 0 {
							t.Errorf("the node is recorded as over (%+v) while %d run", b.Error, w.left())
						}
					}
				})
				k.Reopen()
				start(k, def(t, `{"graphrun": 1, "name": "g", "pause": {"set": true, "active": 1000000000}, "limits": {"cycles": 15, "failures": 2},
					"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "x.yaml"}`+tt.node+`, "graph": {"graphrun": 1, "name": "x",
						"nodes": [{"id": "a", "uses": "stubborn"}], "limits": {"cycles": 9}}}]}`))
				k.Forward(time.Second)
				if tt.does != nil {
					tt.does(k, w)
					w.outlive()
					k.Crash()
					if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				k.Forward(time.Minute)
				snap, err := k.Store.Load(k.T.Context(), "g")
				if err != nil || snap.Cursor.Status != journal.Failed || snap.Cursor.Counts.Failures == 0 || w.left() > 0 {
					t.Errorf("the stack is %q (%v) after %d failures, %d run", snap.Cursor.Status, err, snap.Cursor.Counts.Failures, w.left())
				}
			})
		})
	}
}

// TestAnAdoptionThatIsGivenUp: a stack whose changed graph waits for tasks to go, and
// is refused then, continues.
func TestAnAdoptionThatIsGivenUp(t *testing.T) {
	t.Parallel()
	w, kinds := newStubborn(t, 0), kinds(t)
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "stubborn", Open: true}, Node: w}); err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
		const rest = `"pause": {"set": true, "active": 1000000000, "idle": 1000000000}, "limits": {"cycles": 1000}`
		start(k, def(t, graphText(`, "background": true`, rest+`, "state": [{"name": "n", "type": "integer"}]`)))
		k.Forward(1500 * time.Millisecond)
		for _, changed := range []string{"integer", "string"} { // what does not fit is refused
			g := k.Compile(def(t, `{"graphrun": 1, "name": "g", "nodes": [{"id": "b", "uses": "work"}], "state": [{"name": "n", "type": "`+changed+`"}], `+rest+`}`))
			if err := k.Runtime.AddGraph(g, nil); err != nil {
				t.Fatal(err)
			}
			k.Forward(time.Second)
		}
		before, _ := k.Store.Load(k.T.Context(), "g")
		k.Forward(10 * time.Second)
		after, err := k.Store.Load(k.T.Context(), "g")
		if err != nil || after.Cursor.Counts.Cycles < before.Cursor.Counts.Cycles+8 {
			t.Errorf("%d cycles in 10 s (%v)", after.Cursor.Counts.Cycles-before.Cursor.Counts.Cycles, err)
		}
		k.Reopen()
	})
}

// TestWorkThatIgnoresItsContext: it counts as over after a while, and its slot stays
// taken until it returns.
func TestWorkThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		var log bytes.Buffer
		k.Config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		k.Reopen()
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			if task.Attempt == 1 {
				nodes.Spend(ctx, 7, 0)
				<-time.After(time.Minute)
			}
			return 1, nil
		})
		s := start(k, one(k.T, 1, `, "timeout": 1000000000, "retry": {"attempts": 2}`, `, "pools": [{"name": "default", "parallel": 1}]`))
		k.Forward(30 * time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "one")
		if err != nil || len(st.Tasks) != 1 || st.Tasks[0].State != runtime.TaskQueued || st.Tasks[0].Attempt != 2 {
			t.Errorf("after 30 s: %+v (%v), want the second attempt in its queue", st.Tasks, err)
		}
		if r := k.Wait(s); r.Status != journal.Completed || len(k.Runs("a")) != 2 || r.Cursor.Counts.Tokens != 7 {
			t.Errorf("%s after %d runs, %d tokens", r.Status, len(k.Runs("a")), r.Cursor.Counts.Tokens)
		}
		k.Reopen()
		if !strings.Contains(log.String(), "its slot stays taken") {
			t.Errorf("the log says nothing of it: %s", log.String())
		}
	})
}

// TestATaskThatIsCancelledAsItIsQueued: an element that succeeds makes room for another
// one, and one that fails at the same moment cancels that. Nothing of it is left, so the
// stack can be unloaded.
func TestATaskThatIsCancelledAsItIsQueued(t *testing.T) {
	t.Parallel()
	for range 20 {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			k.Config.Loaded = -1
			k.Reopen()
			k.Node("a", runtimetest.Takes(time.Second, func(_ context.Context, t nodes.Task) (any, error) {
				if t.Item == "1" {
					return nil, nodes.Errorf("exit", "no")
				}
				return 1, nil
			}))
			start(k, def(t, `{"graphrun": 1, "name": "g", "pause": {"set": true, "active": 3600000000000, "idle": 3600000000000},
				"nodes": [{"id": "a", "uses": "work", "for_each": {"in": "[1, 2, 3, 4]", "max": "2", "as": "it", "on_failure": "fast"}}]}`))
			k.Forward(time.Minute)
			st, err := k.Runtime.Status(k.T.Context(), "g")
			if err != nil || st.Cursor.Open || st.Loaded {
				t.Fatalf("loaded: %t, cycle open: %t (%v)", st.Loaded, st.Cursor.Open, err)
			}
		})
	}
}

// Without a graph there is nothing to start.
func TestStartWithoutAGraph(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		var want *runtime.InitError
		if _, err := k.Runtime.Start(k.T.Context(), nil, runtime.StartOptions{ID: "x"}); !errors.As(err, &want) {
			t.Errorf("got %v, want an *InitError", err)
		}
	})
}
