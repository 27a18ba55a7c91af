package runtime_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const (
	second = `1000000000`
	minute = `60000000000`
)

func TestPausesLastAsLongAsTheGraphSays(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		begin := time.Now()
		r := k.Wait(start(k, one(k.T, 3, "", `, "pause": {"set": true, "active": `+minute+`}`)))
		if got, want := time.Since(begin), 2*time.Minute; got != want {
			t.Errorf("3 cycles took %s, want %s", got, want)
		}
		if r.Status != journal.Completed || r.Cycles != 3 || r.Waves != 3 || r.NodeRuns != 3 {
			t.Errorf("result %+v", r)
		}
	})
}

func TestAPauseGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		begin := time.Now()
		s := start(k, one(k.T, 2, "", `, "pause": {"set": true, "active": `+minute+`}`))
		k.Cycles(s, 1)
		k.Forward(20 * time.Second)
		k.Crash()
		k.Forward(10 * time.Second)
		k.Wait(k.Resume("one", runtime.ResumeOptions{}))
		if got := time.Since(begin); got != time.Minute {
			t.Errorf("2 cycles took %s, want 1m0s", got)
		}
	})
}

func TestWakeEndsAPause(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		begin := time.Now()
		s := start(k, one(k.T, 2, "", `, "pause": {"set": true, "active": `+minute+`}`))
		k.Cycles(s, 1)
		if err := s.Wake(k.T.Context()); err != nil {
			t.Fatal(err)
		}
		k.Wait(s)
		if got := time.Since(begin); got != 0 {
			t.Errorf("2 cycles took %s, want 0s", got)
		}
	})
}

func TestRetriesWaitForTheirBackoffAlsoOverACrash(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Fails("exit", "no"), runtimetest.Fails("exit", "no"), runtimetest.Returns(1))
		begin := time.Now()
		start(k, one(k.T, 1, `, "retry": {"attempts": 3, "backoff": `+minute+`, "max_backoff": 6000000000000, "jitter": false}`, ""))
		k.Forward(90 * time.Second) // into the second backoff, of two minutes
		k.Crash()
		r := k.Wait(k.Resume("one", runtime.ResumeOptions{}))
		if got := time.Since(begin); got != 3*time.Minute {
			t.Errorf("three attempts took %s, want 3m0s", got)
		}
		var attempts []int
		for _, run := range k.Runs("a") {
			attempts = append(attempts, run.Attempt)
		}
		if diff := cmp.Diff([]int{1, 2, 3}, attempts); diff != "" || r.Status != journal.Completed {
			t.Errorf("status %s, attempts (-want +got):\n%s", r.Status, diff)
		}
	})
}

func TestALateResultIsDropped(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Ignores(5*time.Second, runtimetest.Returns(100)), runtimetest.Takes(20*time.Second, runtimetest.Returns(1)))
		s := start(k, one(k.T, 1, `, "timeout": `+second+`, "retry": {"attempts": 2, "backoff": `+second+`, "jitter": false}`, ""))
		r := k.Wait(s)
		if r.Status == journal.Completed {
			t.Errorf("completed with %v; the first attempt's result came after its timeout", r.State)
		}
		if got := r.State["n"]; got != int64(0) {
			t.Errorf("n = %v, want 0", got)
		}
	})
}

func TestANodeThatNeverReturnsDoesNotHoldItsStack(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Ignores(time.Hour, runtimetest.Returns(100)), runtimetest.Returns(1))
		begin := time.Now()
		s := start(k, one(k.T, 1, `, "timeout": `+second+`, "retry": {"attempts": 2, "backoff": `+second+`, "jitter": false}`, ""))
		if r := k.Wait(s); r.State["n"] != int64(1) {
			t.Errorf("n = %v, want 1", r.State["n"])
		}
		if got := time.Since(begin); got > time.Minute {
			t.Errorf("took %s", got)
		}
		k.Forward(time.Hour)
	})
}

func TestStopAfter(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		g := k.Compile(one(k.T, 100, "", `, "pause": {"set": true, "active": `+minute+`}`))
		begin := time.Now()
		r := k.Wait(k.Start(g, runtime.StartOptions{StopAfter: runtime.StopAfter{Cycles: 2}}))
		if got := time.Since(begin); got != time.Minute || r.Cycles != 2 || r.Status != journal.Running {
			t.Errorf("first run: %s, %d cycles, %s; want 1m0s, 2, running", got, r.Cycles, r.Status)
		}
		r = k.Wait(k.Resume("one", runtime.ResumeOptions{StopAfter: runtime.StopAfter{Cycles: 3}}))
		if got := time.Since(begin); got != 4*time.Minute || r.Cycles != 3 || r.Cursor.Cycle != 5 {
			t.Errorf("second run: %s, %d cycles, cycle %d; want 4m0s, 3, 5", got, r.Cycles, r.Cursor.Cycle)
		}
	})
}

func TestStopAfterAnIdleCycle(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		g := k.Compile(one(k.T, 100, "", `, "pause": {"none": true}, "edges": [{"to": ["a"], "when": "state.n < 3"}]`))
		r := k.Wait(k.Start(g, runtime.StartOptions{StopAfter: runtime.StopAfter{UntilIdle: true}}))
		if r.Cycles != 4 || r.NodeRuns != 3 {
			t.Errorf("%d cycles, %d node runs; want 4, 3", r.Cycles, r.NodeRuns)
		}
	})
}
