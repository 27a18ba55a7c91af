package runtime_test

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const finalGraph = `{"graphrun": 1, "name": "g", "pause": {"none": true}, "limits": {"cycles": 1},
	"nodes": [{"id": "a", "uses": "work"}, {"id": "b", "uses": "work"}], "finally": ["b"], "finally_timeout": 20000000000}`

// standing is where a stack stands.
func standing(k *runtimetest.Kit, s *runtime.Stack) journal.Cursor {
	r, err := s.Snapshot(k.T.Context())
	if err != nil {
		k.T.Fatal(err)
	}
	return r.Cursor
}

// A shutdown in the last cycle is no end of it: its task is cut off and runs again.
func TestFinallyGoesOnAfterAShutdown(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Node("b", runtimetest.Takes(15*time.Second, runtimetest.Returns(1)))
		s := start(k, def(t, finalGraph))
		k.Forward(2 * time.Second)
		if c := standing(k, s); c.Finally == nil || c.Status != journal.Running || c.Counts.Cycles != 1 {
			t.Fatalf("not in its last cycle: %+v", c)
		}
		k.Reopen()
		begin := time.Now()
		r := k.Wait(k.Resume(s.ID(), runtime.ResumeOptions{}))
		if r.Status != journal.Failed || r.Reason != "cycles limit of 1 reached" || r.Cursor.Counts.Cycles != 1 {
			t.Errorf("%s: %s after %d cycles", r.Status, r.Reason, r.Cursor.Counts.Cycles)
		}
		if got := time.Since(begin); got != 15*time.Second || len(k.Runs("b")) != 2 {
			t.Errorf("%d runs, the last one %s", len(k.Runs("b")), got)
		}
	})
}

// The cycles after which somebody wants to stop driving the stack are no end.
func TestFinallyIsForEnds(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Node("b", runtimetest.Returns(1))
		d := def(t, finalGraph)
		d.Limits.Cycles = 2
		s := k.Start(k.Compile(d), runtime.StartOptions{StopAfter: runtime.StopAfter{Cycles: 1}})
		if r := k.Wait(s); r.Status != journal.Running || len(k.Runs("b")) != 0 {
			t.Fatalf("%s, %d final runs", r.Status, len(k.Runs("b")))
		}
		if r := k.Wait(k.Resume(s.ID(), runtime.ResumeOptions{})); r.Status != journal.Failed || len(k.Runs("b")) != 1 {
			t.Errorf("%s, %d final runs", r.Status, len(k.Runs("b")))
		}
	})
}

// Its time is for all of it, and a second cancel cuts it off.
func TestFinallyIsCutOff(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]bool{"timeout": false, "cancel": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
				k.Node("b", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
				s := start(k, def(t, finalGraph))
				k.Forward(time.Second)
				begin := time.Now()
				go func() { _ = s.Cancel(k.T.Context(), "enough") }()
				want := 20 * time.Second
				if cancel {
					k.Forward(3 * time.Second)
					go func() { _ = s.Cancel(k.T.Context(), "really") }()
					want = 3 * time.Second
				}
				r := k.Wait(s)
				if got := time.Since(begin); got != want || r.Status != journal.Cancelled || r.Reason != "enough" {
					t.Errorf("%s: %s after %s", r.Status, r.Reason, got)
				}
			})
		})
	}
}
