package runtime_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// programs is work that goes on when the engine dies, until it is cleaned up.
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

func (p *programs) CleanUp(_ context.Context, t nodes.Task) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleaned = append(p.cleaned, t.Key)
	return errors.New("something is left")
}

// TestCleansUpAfterTasksThatDoNotRunAgain: what a killed engine left behind is
// ended, also when no attempt follows that would do so itself.
func TestCleansUpAfterTasksThatDoNotRunAgain(t *testing.T) {
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
		}, 2, nil},
		"it is held to kill the engine": {func(k *runtimetest.Kit) {
			for range 19 {
				k.Crash()
				k.Resume("one", runtime.ResumeOptions{})
				k.Forward(time.Second)
			}
			k.Crash()
			s := k.Resume("one", runtime.ResumeOptions{StopAfter: runtime.StopAfter{Cycles: 1}})
			if r := k.Wait(s); r.Cursor.Counts.Failures != 1 {
				k.T.Errorf("%d failures, want 1", r.Cursor.Counts.Failures)
			}
		}, 20, []string{key}},
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
				if len(p.begun) != c.begun || !slices.Equal(p.cleaned, c.cleaned) {
					t.Errorf("began %q and cleaned up after %q, want %d times and after %q", p.begun, p.cleaned, c.begun, c.cleaned)
				}
			})
		})
	}
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
				if len(p.begun) != 1 || !slices.Equal(p.cleaned, p.begun) {
					t.Errorf("began %q and cleaned up after %q", p.begun, p.cleaned)
				}
				if left := stacksLeft(k); !slices.Equal(left, []string{"two"}) {
					t.Errorf("stacks %q", left)
				}
			})
		})
	}
}
