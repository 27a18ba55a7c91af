package runtime_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// programs is work that continues when the engine dies, until it is cleaned up.
type programs struct {
	mu      sync.Mutex
	begun   []string
	cleaned []string
}

func (p *programs) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	p.mu.Lock()
	p.begun = append(p.begun, t.Key)
	p.mu.Unlock()
	select {
	case <-time.After(time.Minute):
		return nodes.Result{Output: 1}, nil
	case <-ctx.Done():
		return nodes.Result{}, context.Cause(ctx)
	}
}

// seen is which tasks began, and which were cleaned up after.
func (p *programs) seen() (begun, cleaned []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.begun), slices.Clone(p.cleaned)
}

func (p *programs) CleanUp(_ context.Context, t nodes.Task) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleaned = append(p.cleaned, t.Key)
	return errors.New("something is left")
}

// TestCleansUpAfterACrash: what a killed engine left behind is ended before the task
// runs again, and when none follows.
func TestCleansUpAfterACrash(t *testing.T) {
	t.Parallel()
	const key = "one.nonce/1/1/a/"
	for name, c := range map[string]struct {
		lives   func(k *runtimetest.Kit)
		begun   int
		cleaned []string
	}{
		"it ran again": {func(k *runtimetest.Kit) {
			k.Crash()
			k.Wait(k.Resume("one", runtime.ResumeOptions{}))
		}, 2, []string{key}},
		"it is cancelled while it is parked": {func(k *runtimetest.Kit) {
			for range 3 {
				k.Crash()
				if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
					k.T.Fatal(err)
				}
				k.Forward(time.Second)
			}
			if err := k.Runtime.CancelTask(k.T.Context(), "one", "a", ""); err != nil {
				k.T.Fatal(err)
			}
			k.Forward(time.Second)
		}, 3, []string{key, key, key}}, // after each crash
		"its stack is cancelled before it could": {func(k *runtimetest.Kit) {
			k.Crash()
			if err := k.Runtime.Cancel(k.T.Context(), "one", "not wanted"); err != nil {
				k.T.Fatal(err)
			}
		}, 1, []string{key}},
		"it waits for its slot when it is cancelled": {func(k *runtimetest.Kit) {
			k.Crash()
			g := k.Compile(program(k.T))
			if err := k.Runtime.AddGraph(g, nil); err != nil {
				k.T.Fatal(err)
			}
			if err := k.Runtime.SetPool("one", "default", 0); err != nil {
				k.T.Fatal(err)
			}
			k.Resume("one", runtime.ResumeOptions{Graph: g})
			k.Forward(time.Second)
			if err := k.Runtime.CancelTask(k.T.Context(), "one", "a", ""); err != nil {
				k.T.Fatal(err)
			}
			k.Forward(time.Second)
		}, 1, []string{key}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, kinds := &programs{}, kinds(t)
			if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "program", Open: true}, Node: p}); err != nil {
				t.Fatal(err)
			}
			runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
				k.Config.Nonce = func() string { return "nonce" }
				k.Reopen()
				start(k, program(k.T))
				k.Forward(time.Second)
				c.lives(k)
				if begun, cleaned := p.seen(); len(begun) != c.begun || !slices.Equal(cleaned, c.cleaned) {
					t.Errorf("began %q and cleaned up after %q, want %d times and after %q", begun, cleaned, c.begun, c.cleaned)
				}
			})
		})
	}
}

// TestParks: a task that ran when the engine died three times is not run again
// for a while, over restarts too, and later and later; who resumes the stack does
// not wait. It never fails for that.
func TestParks(t *testing.T) {
	t.Parallel()
	p, kinds := &programs{}, kinds(t)
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "program", Open: true}, Node: p}); err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
		recovered := func(want runtime.TaskState) {
			t.Helper()
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
			k.Forward(time.Second)
			st, err := k.Runtime.Status(k.T.Context(), "one")
			if err != nil || st.Cursor.Status != journal.Running || len(st.Tasks) != 1 || st.Tasks[0].State != want {
				t.Fatalf("%+v (%v), want one task %s", st, err, want)
			}
		}
		start(k, program(t))
		k.Forward(time.Second)
		for range 2 {
			k.Crash()
			recovered(runtime.TaskRunning)
		}
		for _, again := range []func(){k.Crash, k.Crash, k.Reopen} {
			again()
			recovered(runtime.TaskParked)
		}
		if begun, _ := p.seen(); len(begun) != 3 {
			t.Errorf("%d attempts began before it was parked, want 3", len(begun))
		}
		k.Forward(10 * time.Second)
		if begun, _ := p.seen(); len(begun) != 4 {
			t.Errorf("%d attempts after 10 s, want 4", len(begun))
		}
		k.Crash()
		recovered(runtime.TaskParked)
		k.Forward(15 * time.Second)
		recovered(runtime.TaskParked) // twice as long
		if err := k.Runtime.Unpause(k.T.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		for range 4 { // as `run` does
			k.Forward(time.Second)
			k.Crash()
			k.Resume("one", runtime.ResumeOptions{})
		}
		s, _ := k.Runtime.Stack("one")
		r := k.Wait(s)
		begun, cleaned := p.seen()
		if r.Status != journal.Completed || r.Cursor.Counts.Failures != 0 || len(begun) != 9 {
			t.Errorf("%s with %d failures after %d attempts, want completed, none, 9", r.Status, r.Cursor.Counts.Failures, len(begun))
		}
		if len(cleaned) != 10 { // once for each crash
			t.Errorf("cleaned up %d times, want 10", len(cleaned))
		}
	})
}

// TestStopsParked: a stack can be ended when only a parked task is left of its wave.
func TestStopsParked(t *testing.T) {
	t.Parallel()
	kinds := kinds(t)
	if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "program", Open: true}, Node: &programs{}}); err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
		start(k, program(t))
		for range 3 {
			k.Forward(time.Second)
			k.Crash()
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		k.Forward(time.Second)
		if err := k.Runtime.End(k.T.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		if st, err := k.Runtime.Status(k.T.Context(), "one"); err != nil || st.Cursor.Status != journal.Cancelled {
			t.Errorf("%s, %v", st.Cursor.Status, err)
		}
	})
}

func program(t testing.TB) graph.Def {
	t.Helper()
	return def(t, `{"graphrun": 1, "name": "one",
		"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
		"nodes": [{"id": "a", "uses": "program", "writes": [{"key": "n", "expr": "output"}]}],
		"stop": [{"when": "state.n >= 1"}]}`)
}

// TestCleansUpAfterAGraphThatDoesNotRunAgain: a stack whose parent ends after a
// crash goes with it, and what its own tasks left behind is ended.
func TestCleansUpAfterAGraphThatDoesNotRunAgain(t *testing.T) {
	t.Parallel()
	for name, node := range map[string]string{"in a wave": "", "in the background": `, "background": true`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, kinds := &programs{}, kinds(t)
			if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "program", Open: true}, Node: p}); err != nil {
				t.Fatal(err)
			}
			runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
				start(k, def(t, `{"graphrun": 1, "name": "two", "pause": {"set": true, "active": 1000000000}, "limits": {"cycles": 100},
					"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "one.yaml"} `+node+`, "graph": {"graphrun": 1, "name": "one",
						"nodes": [{"id": "a", "uses": "program"}], "limits": {"cycles": 9}}}]}`))
				k.Forward(10 * time.Second)
				k.Crash()
				if err := k.Runtime.Cancel(k.T.Context(), "two", "not wanted"); err != nil {
					t.Fatal(err)
				}
				k.Forward(time.Second)
				if begun, cleaned := p.seen(); len(begun) != 1 || !slices.Equal(cleaned, begun) {
					t.Errorf("began %q and cleaned up after %q", begun, cleaned)
				}
				if left := stacksLeft(k); !slices.Equal(left, []string{"two"}) {
					t.Errorf("stacks %q", left)
				}
			})
		})
	}
}

// leaver is work whose program survives the engine, until its clean-up has ended it.
type leaver struct {
	mu      sync.Mutex
	program string   // the stack whose program runs
	beside  []string // stacks that began beside a program
	begun   int
}

func (l *leaver) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	l.mu.Lock()
	if l.program != "" {
		l.beside = append(l.beside, t.Stack)
	}
	l.program = t.Stack
	l.begun++
	l.mu.Unlock()
	<-ctx.Done()
	return nodes.Result{}, context.Cause(ctx)
}

func (l *leaver) CleanUp(_ context.Context, t nodes.Task) error {
	<-time.After(5 * time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.program = ""
	return nil
}

// After a crash no other stack takes the slot of a program that still runs, whichever is
// loaded first.
func TestRecoverHoldsTheSlotsOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"a", "e", "z"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			l, kinds := &leaver{}, kinds(t)
			if err := kinds.Register(nodes.Spec{Kind: graph.Kind{Name: "program", Open: true}, Node: l}); err != nil {
				t.Fatal(err)
			}
			runtimetest.Run(t, kinds, func(k *runtimetest.Kit) {
				g := k.Compile(def(t, `{"graphrun": 1, "name": "one", "pools": [{"name": "default", "parallel": 1}],
					"nodes": [{"id": "a", "uses": "program"}], "limits": {"cycles": 1}}`))
				for _, id := range []string{first, "b", "c", "d", "f", "g", "h"} {
					if _, err := k.Runtime.Start(t.Context(), g, runtime.StartOptions{ID: id}); err != nil {
						t.Fatal(err)
					}
					k.Forward(time.Second)
				}
				k.Crash()
				if _, err := k.Runtime.Recover(t.Context(), runtime.RecoverOptions{}); err != nil {
					t.Fatal(err)
				}
				k.Forward(10 * time.Second)
				l.mu.Lock()
				defer l.mu.Unlock()
				if len(l.beside) > 0 || l.begun != 2 {
					t.Errorf("%d began, those of %q beside a program: want one, once the program was gone", l.begun-1, l.beside)
				}
			})
		})
	}
}
