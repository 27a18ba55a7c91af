package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// tasksOf tells where the tasks of a stack stand, sorted.
func tasksOf(k *runtimetest.Kit, stack string) []string {
	k.T.Helper()
	st, err := k.Runtime.Status(k.T.Context(), stack)
	if err != nil {
		k.T.Fatal(err)
	}
	out := []string{}
	for _, t := range st.Tasks {
		line := fmt.Sprintf("%d.%d %s/%s %s", t.Cycle, t.Wave, t.Node, t.Item, t.State)
		if t.State == runtime.TaskOver {
			line += " " + t.Status
		}
		for _, p := range t.Previous {
			line += fmt.Sprintf(" after %d %s", p.Attempt, p.Error.Kind)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// The status shows each task, whatever becomes of it and of the process that runs it.
func TestWhereTasksStand(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("flaky", runtimetest.Fails("exit", "no"), runtimetest.Takes(10*time.Minute, runtimetest.Returns(1)))
		k.Node("each", runtimetest.Takes(time.Second, runtimetest.Returns(1)), runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
		k.Node("far", runtimetest.Takes(time.Second, runtimetest.Returns(1)), runtimetest.Takes(3*time.Hour, runtimetest.Returns(1)))
		start(k, def(k.T, `{"graphrun": 1, "name": "one",
			"state": [{"name": "n", "type": "integer"}],
			"pools": [{"name": "default", "parallel": 9}, {"name": "small", "parallel": 1}],
			"nodes": [
				{"id": "flaky", "uses": "work", "retry": {"attempts": 2, "backoff": `+minute+`, "jitter": false}},
				{"id": "each", "uses": "work", "pool": "small", "for_each": {"in": "[1, 2, 3]", "as": "x", "key": "x", "max": "3"}},
				{"id": "far", "uses": "work", "background": true, "for_each": {"in": "[1, 2]", "as": "x", "key": "x", "max": "1"}},
				{"id": "ask", "uses": "approval", "with": {"prompt": "?"}},
				{"id": "last", "uses": "work"}],
			"edges": [{"to": ["flaky", "each", "far", "ask"]}, {"from": ["flaky"], "to": ["last"]}],
			"pause": {"set": true, "active": 1000000000}}`))
		check := func(when string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, tasksOf(k, "one")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		k.Forward(2 * time.Second)
		check("in a wave",
			"1.1 ask/ waiting", "1.1 each/1 finished succeeded", "1.1 each/2 running", "1.1 each/3 queued",
			"1.1 far/1 finished succeeded", "1.1 far/2 running", "1.1 flaky/ backoff after 1 exit")
		k.Forward(time.Minute)
		check("the next attempt",
			"1.1 ask/ waiting", "1.1 each/1 finished succeeded", "1.1 each/2 running", "1.1 each/3 queued",
			"1.1 far/1 finished succeeded", "1.1 far/2 running", "1.1 flaky/ running after 1 exit")
		k.Crash()
		check("nobody runs it",
			"1.1 ask/ waiting", "1.1 each/1 finished succeeded", "1.1 each/2 queued",
			"1.1 far/1 finished succeeded", "1.1 far/2 queued", "1.1 flaky/ queued after 1 exit")
		recoverAll(k, 1)
		k.Forward(2*time.Hour + 2*time.Minute)
		check("in the next cycle",
			"1.1 ask/ waiting", "1.1 far/1 finished succeeded", "1.1 far/2 running", "2.1 each/1 running", "2.1 each/2 queued", "2.1 each/3 queued",
			"2.1 flaky/ running")
		if err := k.Runtime.Cancel(k.T.Context(), "one", ""); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second) // the runtime has let go of it: what the store has of the last cycle is left
		check("it has ended",
			"1.1 ask/ finished failed", "1.1 far/2 finished failed", "2.1 each/1 finished failed", "2.1 flaky/ finished failed")
	})
}

// A cycle of very many tasks does not fill the memory.
func TestTasksThatAreOverAreForgotten(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		s := start(k, def(k.T, `{"graphrun": 1, "name": "one",
			"nodes": [{"id": "each", "uses": "work", "for_each": {"in": "1..3500", "as": "x"}}],
			"pause": {"set": true, "active": `+minute+`}}`))
		k.Cycles(s, 1)
		tasks := tasksOf(k, "one")
		if n := len(tasks); n < 1000 || n >= 2000 {
			t.Errorf("%d tasks, want the last 1000 and a few more", n)
		}
		if !slices.Contains(tasks, "1.1 each/3499 finished succeeded") {
			t.Error("the last one is not there")
		}
	})
}

// The status says what made a cycle a failed one, also when it was no task.
func TestTheLastErrorOfACondition(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rest, node, message string }{
		"of an edge":      {`"edges": [{"to": ["a"], "when": "state.l[5] == 1"}]`, "a", "state.l[5] == 1: "},
		"that is to stop": {`"stop": [{"when": "state.l[5] == 1"}]`, "", "stop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				s := start(k, def(k.T, `{"graphrun": 1, "name": "one", "state": [{"name": "l", "type": "list(integer)"}],
					"nodes": [{"id": "a", "uses": "set"}], "pause": {"set": true, "active": `+minute+`}, `+c.rest+`}`))
				k.Cycles(s, 1)
				for _, again := range []func(){func() {}, k.Crash} {
					again()
					st, err := k.Runtime.Status(k.T.Context(), "one")
					if e := st.LastError; err != nil || e == nil || e.Node != c.node || !strings.Contains(e.Error.Message, c.message) {
						t.Errorf("last error %+v (%v), want one of node %q with %q", e, err, c.node, c.message)
					}
				}
			})
		})
	}
}
