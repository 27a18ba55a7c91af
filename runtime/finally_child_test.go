package runtime_test

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// finalWithin is a graph whose node runs one that runs one with a last cycle of 15 s:
// longer than what a cancelled attempt has to return.
const finalWithin = `{"graphrun": 1, "name": "top", "once": true, "nodes": [
	{"id": "mid", "uses": "graph", "with": {"file": "mid.yaml"}, "timeout": 60000000000, "graph": {"graphrun": 1, "name": "mid", "nodes": [
		{"id": "low", "uses": "graph", "with": {"file": "low.yaml"}, "graph": {"graphrun": 1, "name": "low",
			"nodes": [{"id": "a", "uses": "work"}, {"id": "ask", "uses": "wait", "with": {"for": "1h"}}, {"id": "b", "uses": "work"}],
			"edges": [{"from": ["a"], "to": ["ask"]}], "finally": ["b"], "finally_timeout": 20000000000}}]}}]}`

// works has node a take d and the last cycle 15 s.
func works(k *runtimetest.Kit, d time.Duration) {
	k.Node("a", runtimetest.Takes(d, runtimetest.Returns(1)))
	k.Node("b", runtimetest.Takes(15*time.Second, runtimetest.Returns(1)))
}

// whileIt says how long node a takes: the innermost graph works for long, or waits soon.
var whileIt = map[string]time.Duration{"works": time.Hour, "waits": 0}

// TestFinallyOfAChild: it runs before the node of its parent ends, whatever ends that.
func TestFinallyOfAChild(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		does   func(*runtimetest.Kit)
		status journal.Status
		after  time.Duration
	}{
		"cancel":      {func(k *runtimetest.Kit) { _ = k.Runtime.Cancel(k.T.Context(), "top", "enough") }, journal.Cancelled, 15 * time.Second},
		"cancel node": {func(k *runtimetest.Kit) { _ = k.Runtime.CancelTask(k.T.Context(), "top", "mid", "") }, journal.Failed, 15 * time.Second},
		"timeout":     {func(*runtimetest.Kit) {}, journal.Failed, 74 * time.Second},
	}
	for name, tt := range ends {
		for how, d := range whileIt {
			t.Run(name+" while it "+how, func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					works(k, d)
					s := start(k, def(t, finalWithin))
					k.Forward(time.Second)
					begin := time.Now()
					go tt.does(k)
					r := k.Wait(s)
					if got := time.Since(begin); got != tt.after || r.Status != tt.status || len(k.Runs("b")) != 1 {
						t.Errorf("%s after %s with %d final runs: %s", r.Status, got, len(k.Runs("b")), r.Reason)
					}
					if c := cursorOf(k, lowest); c.Status != journal.Cancelled || c.Cycle != 2 {
						t.Errorf("the child stands at %+v", c)
					}
				})
			})
		}
	}
}

// TestFinallyOfAChildIsCutOff by its own time, and by a second cancel.
func TestFinallyOfAChildIsCutOff(t *testing.T) {
	t.Parallel()
	cancel := func(k *runtimetest.Kit) { _ = k.Runtime.Cancel(k.T.Context(), "top", "enough") }
	node := func(k *runtimetest.Kit) { _ = k.Runtime.CancelTask(k.T.Context(), "top", "mid", "") }
	for name, tt := range map[string]struct {
		first, second func(*runtimetest.Kit)
		after         time.Duration
	}{
		"its time":        {cancel, nil, 20 * time.Second},
		"a second cancel": {cancel, cancel, 9 * time.Second},
		"its node again":  {node, node, 9 * time.Second},
		"first its node":  {node, cancel, 20 * time.Second}, // the first cancel of the stack
		"then a timeout":  {node, nil, 20 * time.Second},
	} {
		for how, d := range whileIt {
			t.Run(name+" while it "+how, func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					works(k, d)
					k.Node("b", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
					s := start(k, def(t, finalWithin))
					k.Forward(time.Second)
					begin := time.Now()
					go tt.first(k)
					k.Forward(9 * time.Second)
					if tt.second != nil {
						go tt.second(k)
					}
					k.Wait(s)
					if got := time.Since(begin); got != tt.after {
						t.Errorf("over after %s, want %s", got, tt.after)
					}
				})
			})
		}
	}
}

// TestFinallyOfAChildOverRestarts: a restart in its midst begins it once more, and the
// node ends after it.
func TestFinallyOfAChildOverRestarts(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]func(*runtimetest.Kit){"restart": (*runtimetest.Kit).Reopen, "crash": (*runtimetest.Kit).Crash} {
		for how, d := range whileIt {
			t.Run(name+" while it "+how, func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					works(k, d)
					start(k, def(t, finalWithin))
					k.Forward(time.Second)
					go func() { _ = k.Runtime.Cancel(k.T.Context(), "top", "enough") }()
					k.Forward(time.Second)
					restart(k)
					takeUp(k)
					k.Forward(14 * time.Second)
					if c := cursorOf(k, "top"); c.Closing == nil || c.Status.Ended() {
						t.Errorf("it stands at %+v before its last cycle is over", c)
					}
					k.Forward(2 * time.Second)
					if c := cursorOf(k, "top"); c.Status != journal.Cancelled || c.Reason != "enough" || len(k.Runs("b")) != 2 {
						t.Errorf("%s with %d final runs: %s", c.Status, len(k.Runs("b")), c.Reason)
					}
				})
			})
		}
	}
}

// TestFinallyOfAChildWithUntil: it runs before the node ends, and may write to what the
// node gives.
func TestFinallyOfAChildWithUntil(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{
		"until": `"until": "state.v >= 1"`,
		"stop":  `"until": "false"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				works(k, time.Second)
				s := start(k, def(t, `{"graphrun": 1, "name": "top", "once": true, "state": [{"name": "got", "type": "any"}], "nodes": [
					{"id": "sub", "uses": "graph", "with": {"file": "sub.yaml", `+rest+`}, "writes": [{"key": "got", "expr": "output.v"}],
						"graph": {"graphrun": 1, "name": "sub", "state": [{"name": "v", "type": "integer", "default": 0}],
							"stop": [{"when": "state.v >= 1"}],
							"nodes": [{"id": "a", "uses": "work", "writes": [{"key": "v", "expr": "output"}]},
								{"id": "b", "uses": "work", "writes": [{"key": "v", "expr": "output + 1"}]}],
							"finally": ["b"]}}]}`))
				begin := time.Now()
				if r := k.Wait(s); r.Status != journal.Completed || r.State["got"] != int64(2) || time.Since(begin) != 16*time.Second {
					t.Errorf("%s after %s with %v: %s", r.Status, time.Since(begin), r.State["got"], r.Reason)
				}
			})
		})
	}
}

// TestFinallyOfAStoppedChild: a stop of its parent lets the open wave end, and then both
// end, the child with its last cycle.
func TestFinallyOfAStoppedChild(t *testing.T) {
	t.Parallel()
	for how, d := range map[string]time.Duration{"works": 5 * time.Second, "waits": 0} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				works(k, d)
				s := start(k, def(t, finalWithin))
				k.Forward(time.Second)
				begin := time.Now()
				go func() { _ = k.Runtime.End(k.T.Context(), "top") }()
				r := k.Wait(s)
				want := 15*time.Second + max(0, d-time.Second)
				if got := time.Since(begin); got != want || r.Status != journal.Cancelled || len(k.Runs("b")) != 1 {
					t.Errorf("%s after %s with %d final runs: %s", r.Status, got, len(k.Runs("b")), r.Reason)
				}
			})
		})
	}
}

// TestFinallyOfAChildAtRest: a cancel while nobody drives the stack is carried out when
// somebody does, and not before the child's last cycle.
func TestFinallyOfAChildAtRest(t *testing.T) {
	t.Parallel()
	for how, d := range whileIt {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				works(k, d)
				start(k, def(t, finalWithin))
				k.Forward(time.Second)
				k.Crash()
				_ = k.Runtime.Cancel(k.T.Context(), "top", "enough")
				if c := cursorOf(k, "top"); c.Closing == nil || c.Status.Ended() || len(k.Runs("b")) != 0 {
					t.Errorf("at rest it stands at %+v", c)
				}
				takeUp(k)
				k.Forward(16 * time.Second)
				if c := cursorOf(k, "top"); c.Status != journal.Cancelled || c.Reason != "enough" || len(k.Runs("b")) != 1 {
					t.Errorf("%s with %d final runs: %s", c.Status, len(k.Runs("b")), c.Reason)
				}
			})
		})
	}
}
