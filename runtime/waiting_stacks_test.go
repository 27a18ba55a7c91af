package runtime_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// TestHeldStacksAreUnloaded: a stack whose task waits for words is in the store alone, and
// continues where it was when it has them.
func TestHeldStacksAreUnloaded(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		const n = 300
		k.Config.Loaded = 10
		k.Reopen()
		k.Node("a", asker(&diary{}, "x", "y"))
		g := k.Compile(one(k.T, 2, "", `, "pools": [{"name": "default", "parallel": 20}], "pause": {"set": true, "none": true}`))
		for i := range n {
			k.Start(g, runtime.StartOptions{ID: fmt.Sprint("s", i)})
		}
		k.Forward(time.Hour)
		list, err := statuses(k)
		if err != nil {
			k.T.Fatal(err)
		}
		loaded := 0
		for _, s := range list {
			if s.Loaded {
				loaded++
			}
			if len(s.Cursor.Asking) != 1 || !s.Cursor.Asking[0].Held {
				k.T.Fatalf("stack %s asks %+v", s.Stack, s.Cursor.Asking)
			}
		}
		if loaded > 10 {
			k.T.Errorf("%d stacks are loaded, want at most 10", loaded)
		}
		for i := range n {
			for _, call := range []string{"x", "y"} {
				if err := yes(k, fmt.Sprint("s", i), call); err != nil {
					k.T.Fatal(err)
				}
			}
		}
		k.Forward(time.Minute)
		for i := range n {
			if got := state(k, fmt.Sprint("s", i))["n"]; got != int64(2) {
				k.T.Fatalf("stack s%d: n = %v, want 2", i, got)
			}
		}
	})
}

// TestHeldTaskDoesNotHoldItsFleet: the other stacks of a fleet continue, and so does its own.
func TestHeldTaskDoesNotHoldItsFleet(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", asker(&diary{}, "x"))
		k.Node("b", runtimetest.Returns(1))
		g := k.Compile(def(k.T, `{"graphrun": 1, "name": "g", "fleet": "lockstep", "pause": {"set": true, "active": 1000000000, "idle": 1000000000},
			"state": [{"name": "ask", "type": "boolean"}, {"name": "n", "type": "integer", "initial": 0, "reduce": {"name": "sum"}}],
			"nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work", "writes": [{"key": "n", "expr": "output"}]}],
			"edges": [{"to": ["a"], "when": "state.ask"}, {"to": ["b"]}]}`))
		k.Start(g, runtime.StartOptions{ID: "asks", State: map[string]any{"ask": true}})
		k.Start(g, runtime.StartOptions{ID: "works"})
		k.Forward(10 * time.Second)
		for _, stack := range []string{"asks", "works"} {
			st, err := k.Runtime.Status(k.T.Context(), stack)
			if err != nil || st.Cursor.Counts.Cycles < 8 {
				k.T.Errorf("%s: %d cycles (%v)", stack, st.Cursor.Counts.Cycles, err)
			}
		}
		if err := yes(k, "asks", "x"); err != nil {
			k.T.Fatal(err)
		}
	})
}

// TestCommandsWhileATaskIsHeld: a pause holds neither its words nor its attempts back, and
// stop, cancel and the limit of time end the stack with its questions.
func TestCommandsWhileATaskIsHeld(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do   func(k *runtimetest.Kit) error
		want journal.Status
	}{
		"cancel":   {func(k *runtimetest.Kit) error { return k.Runtime.Cancel(k.T.Context(), "one", "enough") }, journal.Cancelled},
		"end":      {func(k *runtimetest.Kit) error { return k.Runtime.End(k.T.Context(), "one") }, journal.Cancelled},
		"duration": {func(k *runtimetest.Kit) error { k.Forward(2 * time.Hour); return nil }, journal.Failed},
		"pause": {func(k *runtimetest.Kit) error {
			if err := k.Runtime.Pause(k.T.Context(), "one"); err != nil {
				return err
			}
			if err := yes(k, "one", "x"); err != nil {
				return err
			}
			k.Forward(time.Minute)
			if n := len(k.Runs("a")); n != 2 {
				k.T.Errorf("%d attempts while it is paused, want 2", n)
			}
			return k.Runtime.Unpause(k.T.Context(), "one")
		}, journal.Completed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", asker(&diary{}, "x"))
				s := start(k, one(k.T, 1, "", `, "pause": {"set": true, "none": true}, "limits": {"duration": 3600000000000}`))
				k.Forward(time.Second)
				if err := tt.do(k); err != nil {
					k.T.Fatal(err)
				}
				r := k.Wait(s)
				if r.Status != tt.want || len(r.Cursor.Asking) != 0 || len(r.Cursor.Background) != 0 {
					k.T.Errorf("%s (%s), asking %+v", r.Status, r.Reason, r.Cursor.Asking)
				}
			})
		})
	}
}
