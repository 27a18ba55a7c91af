package runtime_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// twoWaves is a graph of two waves a cycle, each of which adds a line to log.
const twoWaves = `{"graphrun": 1, "name": "steps",
	"state": [{"name": "log", "type": "list(string)", "reduce": {"name": "append"}}, {"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
	"nodes": [
		{"id": "a", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}, {"key": "n", "expr": "1"}]},
		{"id": "b", "uses": "work", "writes": [{"key": "log", "expr": "[output]"}]}],
	"edges": [{"from": ["a"], "to": ["b"]}],
	"stop": [{"when": "state.n >= 6"}]}`

func named(k *runtimetest.Kit, names ...string) {
	for _, name := range names {
		k.Node(name, runtimetest.Takes(time.Second, func(_ context.Context, t nodes.Task) (any, error) { return t.Node, nil }))
	}
}

// checkForkHistory decides the history of a stack again.
func checkForkHistory(t *testing.T, k *runtimetest.Kit, stack string) {
	t.Helper()
	base, err := k.Store.Base(t.Context(), stack, journal.Beginning)
	if err != nil {
		t.Fatal(err)
	}
	again := machine.Replayer{Base: base, Graphs: func(hash string) (*graph.Graph, error) {
		return inspect.Definition(t.Context(), k.Store, k.Kinds, hash)
	}}
	again.Records = func(yield func(journal.Record, error) bool) {
		err := k.Store.Records(t.Context(), stack, journal.Want{From: base.Cursor.Seq + 1, Bulk: true}, func(r journal.Record) error {
			if !yield(r, nil) {
				return errors.New("enough")
			}
			return nil
		})
		if err != nil && err.Error() != "enough" {
			t.Error(err)
		}
	}
	m, differences, err := again.To(journal.Point{})
	if err != nil || len(differences) > 0 {
		t.Errorf("the history of %s: %v (%v)", stack, differences, err)
		return
	}
	snap, err := k.Store.State(t.Context(), stack)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(journal.Visible(snap.State), m.State()); d != "" {
		t.Errorf("%s (-stored +replayed)\n%s", stack, d)
	}
}

// A fork of any moment comes to the same end, with the state of that moment in between, and
// asks for nothing again that was recorded.
func TestForkOfEachMoment(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		named(k, "a", "b")
		want := k.Wait(start(k, def(t, twoWaves)))
		ran := len(k.Runs("a")) + len(k.Runs("b"))
		for _, at := range []string{"0", "1.0", "1.1", "1", "3.0", "3.1", "3.2", "3", "5.1"} {
			point, err := journal.ParsePoint(at)
			if err != nil {
				t.Fatal(err)
			}
			past, err := inspect.At(t.Context(), k.Store, k.Kinds, "steps", point)
			if err != nil {
				t.Fatal(err)
			}
			s, err := k.Runtime.Fork(t.Context(), "steps", runtime.ForkOptions{At: point, ID: "fork-" + at, Rest: true})
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			snap, err := k.Store.State(t.Context(), s.ID())
			if d := cmp.Diff(past.State, journal.Visible(snap.State)); d != "" || err != nil {
				t.Errorf("%s: (-past +fork)\n%s (%v)", at, d, err)
			}
			begun, err := inspect.At(t.Context(), k.Store, k.Kinds, s.ID(), journal.Point{Start: true})
			if d := cmp.Diff(past.State, begun.State); d != "" || err != nil {
				t.Errorf("%s: (-past +beginning of the fork)\n%s (%v)", at, d, err)
			}
			got := k.Wait(k.Resume(s.ID(), runtime.ResumeOptions{}))
			if d := cmp.Diff(want.State, got.State); d != "" || got.Cursor.Cycle != want.Cursor.Cycle || got.Cursor.Counts != want.Cursor.Counts {
				t.Errorf("%s: %+v (-stack +fork)\n%s", at, got.Cursor, d)
			}
			now := len(k.Runs("a")) + len(k.Runs("b"))
			had := len(past.State["log"].([]any))
			if now-ran != 12-had {
				t.Errorf("%s: %d nodes ran, want %d", at, now-ran, 12-had)
			}
			ran = now
			checkForkHistory(t, k, s.ID())
		}
	})
}

// A fork of an open cycle has its results, also while the other stack runs; and a fork of
// the fork, what both have.
func TestForkOfTheOpenCycle(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		named(k, "a", "b")
		s := start(k, def(t, twoWaves))
		for sum, err := k.Store.Stack(t.Context(), "steps"); sum.Cursor.Cycle < 3 || sum.Cursor.Wave < 2; sum, err = k.Store.Stack(t.Context(), "steps") {
			if k.Forward(500 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		f, err := k.Runtime.Fork(t.Context(), "steps", runtime.ForkOptions{ID: "f", At: journal.Point{Cycle: 3}, Set: map[string]any{"n": 5}})
		if err != nil {
			t.Fatal(err)
		}
		k.Forward(200 * time.Millisecond)
		if _, err := k.Runtime.Fork(t.Context(), "f", runtime.ForkOptions{ID: "ff"}); err != nil {
			t.Fatal(err)
		}
		k.Wait(s)
		k.Wait(f)
		k.Forward(time.Minute)
		checkForkHistory(t, k, "steps")
		for _, id := range []string{"f", "ff"} {
			snap, err := k.Store.Load(t.Context(), id)
			if err != nil || len(snap.State["log"].([]any)) != 8 || snap.Cursor.Cycle != 4 {
				t.Errorf("%s: %v in cycle %d (%v)", id, snap.State, snap.Cursor.Cycle, err)
			}
			writers := machine.WritersIn(snap.State)
			if by, _ := writers.Of("n"); by.Node != "a" {
				t.Errorf("%s: n was written by %+v", id, by)
			}
			checkForkHistory(t, k, id)
			first := k.Records(id)[0]
			if first.Body.Type() != "cycle.started" || first.Stack != id || first.Cycle != 3 {
				t.Errorf("the records of %s begin with %+v", id, first)
			}
		}
	})
}

// A fork has the steps of the tasks that ran: nothing that was paid is asked for again.
func TestForkHasTheSteps(t *testing.T) {
	t.Parallel()
	for name, background := range map[string]string{"in a wave": "", "in the background": `, "background": true`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				var mu sync.Mutex
				calls := map[string]int{}
				k.Node("a", func(ctx context.Context, _ nodes.Task) (any, error) {
					for _, name := range []string{"paid", "slow"} {
						_, err := nodes.Step(ctx, name, func(ctx context.Context) (int, error) {
							mu.Lock()
							calls[name]++
							mu.Unlock()
							nodes.Spend(ctx, 5, 0.25)
							if name == "slow" {
								select {
								case <-time.After(time.Minute):
								case <-ctx.Done():
									return 0, ctx.Err()
								}
							}
							return 1, nil
						})
						if err != nil {
							return nil, err
						}
					}
					return 11, nil
				})
				s := start(k, one(k.T, 11, background, `, "pause": {"set": true, "active": 1000000000}`))
				k.Forward(time.Second)
				f, err := k.Runtime.Fork(t.Context(), "one", runtime.ForkOptions{ID: "f"})
				if err != nil {
					t.Fatal(err)
				}
				k.Forward(2 * time.Minute)
				for _, stack := range []*runtime.Stack{s, f} {
					if r := k.Wait(stack); r.State["n"] != int64(11) || r.Cursor.Counts.Tokens != 10 {
						t.Errorf("%s: n is %v, %d tokens", stack.ID(), r.State["n"], r.Cursor.Counts.Tokens)
					}
					checkForkHistory(t, k, stack.ID())
				}
				if calls["paid"] != 1 || calls["slow"] != 2 {
					t.Errorf("calls: %v", calls)
				}
			})
		})
	}
}

// A fork begins a graph of a node again, and waits again.
func TestForkBeginsAgain(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		named(k, "x", "y")
		s := start(k, def(t, `{"graphrun": 1, "name": "top",
			"nodes": [{"id": "inner", "uses": "graph", "with": {"file": "inner.yaml"}, "graph": {"graphrun": 1, "name": "inner", "limits": {"cycles": 1},
				"nodes": [{"id": "x", "uses": "work"}, {"id": "y", "uses": "work"}], "edges": [{"from": ["x"], "to": ["y"]}]}},
				{"id": "ask", "uses": "approval", "with": {"prompt": "go?"}}]}`))
		k.Forward(1500 * time.Millisecond)
		f, err := k.Runtime.Fork(t.Context(), "top", runtime.ForkOptions{ID: "f"})
		if err != nil {
			t.Fatal(err)
		}
		k.Forward(3 * time.Second)
		var child *runtime.ChildError
		if _, err := k.Runtime.Fork(t.Context(), "f.inner.1.1", runtime.ForkOptions{ID: "g"}); !errors.As(err, &child) {
			t.Errorf("a fork of a child: %v", err)
		}
		for _, stack := range []*runtime.Stack{s, f} {
			sum, err := k.Store.Stack(t.Context(), stack.ID())
			if err != nil || len(sum.Cursor.Waiting) != 1 || sum.Cursor.Waiting[0].Answered {
				t.Fatalf("%s waits for %+v (%v)", stack.ID(), sum.Cursor.Waiting, err)
			}
		}
		if x := len(k.Runs("x")); x < 2 {
			t.Errorf("x ran %d times", x)
		}
	})
}

// What cannot be forked is refused, and no stack is left.
func TestForkRefused(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		named(k, "a", "b")
		k.Wait(start(k, def(t, twoWaves)))
		var point *runtime.PointError
		var init *runtime.InitError
		for name, try := range map[string]struct {
			stack string
			o     runtime.ForkOptions
			is    func(error) bool
		}{
			"unknown stack": {"nobody", runtime.ForkOptions{ID: "f"}, func(err error) bool { return errors.Is(err, runtime.ErrNotFound) }},
			"no such cycle": {"steps", runtime.ForkOptions{ID: "f", At: journal.Point{Cycle: 99}}, func(err error) bool { return errors.As(err, &point) }},
			"no such wave":  {"steps", runtime.ForkOptions{ID: "f", At: journal.Point{Cycle: 2, Wave: 9}}, func(err error) bool { return errors.As(err, &point) }},
			"taken":         {"steps", runtime.ForkOptions{ID: "steps"}, func(err error) bool { return errors.Is(err, runtime.ErrExists) }},
			"bad id":        {"steps", runtime.ForkOptions{ID: "a/b"}, func(err error) bool { return errors.As(err, &init) }},
			"unknown key":   {"steps", runtime.ForkOptions{ID: "f", Set: map[string]any{"m": 1}}, func(err error) bool { return errors.As(err, &init) }},
			"wrong type":    {"steps", runtime.ForkOptions{ID: "f", Set: map[string]any{"n": "x"}}, func(err error) bool { return errors.As(err, &init) }},
		} {
			if _, err := k.Runtime.Fork(t.Context(), try.stack, try.o); !try.is(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := k.Store.Stack(t.Context(), "f"); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("a stack is left: %v", err)
		}
	})
}
