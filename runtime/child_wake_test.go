package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// pausesWithin is a graph whose node runs one that runs one that pauses for an hour
// between its cycles, and ends with its second.
func pausesWithin(t testing.TB) graph.Def {
	t.Helper()
	return def(t, `{"graphrun": 1, "name": "top", "once": true,
		"nodes": [{"id": "mid", "uses": "graph", "with": {"file": "mid.yaml"}, "graph": {"graphrun": 1, "name": "mid",
			"nodes": [{"id": "low", "uses": "graph", "with": {"file": "low.yaml", "until": "state.n >= 2"},
				"graph": {"graphrun": 1, "name": "low", "pause": {"set": true, "active": 3600000000000, "idle": 3600000000000},
					"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
					"nodes": [{"id": "first", "uses": "work", "writes": [{"key": "n", "expr": "1"}]}]}}]}}]}`)
}

// TestWakeReachesChildren at any depth: it ends a pause between two of their cycles. At
// rest it is carried out when somebody drives the stack.
func TestWakeReachesChildren(t *testing.T) {
	t.Parallel()
	for name, wake := range map[string]func(*runtimetest.Kit) error{
		"driven": func(k *runtimetest.Kit) error { return k.Runtime.Wake(k.T.Context(), "top") },
		"at rest": func(k *runtimetest.Kit) error {
			k.Crash()
			err := k.Runtime.Wake(k.T.Context(), "top")
			takeUp(k)
			return err
		},
		"not at all": func(*runtimetest.Kit) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				secondsOfWork(k)
				start(k, pausesWithin(t))
				k.Forward(time.Minute)
				if c := cursorOf(k, lowest); c.Cycle != 1 || c.Open {
					t.Fatalf("it stands at %+v before", c)
				}
				if err := wake(k); err != nil {
					t.Fatal(err)
				}
				k.Forward(2 * time.Second)
				want := journal.Completed
				if name == "not at all" {
					want = journal.Running
				}
				if c := cursorOf(k, "top"); c.Status != want {
					t.Errorf("it is %s, want %s", c.Status, want)
				}
			})
		})
	}
}

// TestAShutdownLetsHeldChildrenFinish: tasks of a graph whose node is held have the grace
// of a shutdown, and what takes longer runs again.
func TestAShutdownLetsHeldChildrenFinish(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		takes time.Duration
		runs  int
	}{"within the grace": {5 * time.Second, 1}, "beyond it": {15 * time.Second, 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				secondsOfWork(k)
				k.Node("second", runtimetest.Takes(tt.takes, func(context.Context, nodes.Task) (any, error) { return 1, nil }))
				start(k, asksWithin(t, "", ""))
				k.Forward(time.Minute)
				answerLowest(k)
				k.Forward(time.Second)
				begin := time.Now()
				k.Reopen()
				if got, want := time.Since(begin), min(tt.takes-time.Second, 10*time.Second); got != want {
					t.Errorf("the shutdown took %s, want %s", got, want)
				}
				takeUp(k)
				k.Forward(time.Minute)
				if c := cursorOf(k, "top"); c.Status != journal.Completed || c.Counts.NodeRuns != 5 || len(k.Runs("second")) != tt.runs {
					t.Errorf("%s with %d node runs after %d runs", c.Status, c.Counts.NodeRuns, len(k.Runs("second")))
				}
			})
		})
	}
}

// TestOverBeforeItIsAttached: a graph that ends after a restart before its parent has found it
// ends its node.
func TestOverBeforeItIsAttached(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		secondsOfWork(k)
		k.Node("second", runtimetest.Takes(5*time.Second, runtimetest.Returns(1)))
		start(k, asksWithin(t, "", ""))
		k.Forward(time.Minute)
		answerLowest(k)
		k.Forward(time.Second)
		if err := k.Runtime.Close(k.T.Context()); err != nil {
			k.T.Fatal(err)
		}
		if c := cursorOf(k, "top.mid.1.1"); c.Status != journal.Running {
			k.T.Fatalf("it is %s before", c.Status)
		}
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: &behind{k.Store, "top", "cycle.started"}, Kinds: k.Kinds})
		if err != nil {
			k.T.Fatal(err)
		}
		s, err := rt.Resume(k.T.Context(), "top", runtime.ResumeOptions{})
		if err != nil {
			k.T.Fatal(err)
		}
		woken := make(chan error, 1)
		go func() { woken <- rt.Wake(k.T.Context(), "top") }()
		ctx, cancel := context.WithTimeout(k.T.Context(), time.Hour)
		defer cancel()
		if r, err := s.Wait(ctx); err != nil || r.Status != journal.Completed {
			k.T.Errorf("%s (%v)", r.Status, err)
		}
		if err := errors.Join(<-woken, rt.Close(k.T.Context())); err != nil {
			k.T.Error(err)
		}
	})
}

// TestTheScheduleOfAChild counts with `until` only.
func TestTheScheduleOfAChild(t *testing.T) {
	t.Parallel()
	for until, want := range map[string]time.Duration{`, "until": "state.n >= 3"`: 2 * time.Hour, "": 0} {
		t.Run(until, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("first", runtimetest.Returns(1))
				s := start(k, def(t, `{"graphrun": 1, "name": "top", "once": true,
					"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "sub.yaml" `+until+`}, "graph": {"graphrun": 1, "name": "sub",
						"schedule": {"cron": "0 * * * *"}, "state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
						"nodes": [{"id": "first", "uses": "work", "writes": [{"key": "n", "expr": "1"}]}]}}]}`))
				begin := time.Now()
				if r := k.Wait(s); r.Status != journal.Completed || time.Since(begin) != want {
					t.Errorf("%s after %s, want %s: %s", r.Status, time.Since(begin), want, r.Reason)
				}
			})
		})
	}
}
