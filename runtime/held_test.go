package runtime_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// asker is work that asks for a word on some calls, and continues with all of them.
func asker(d *diary, ids ...string) runtimetest.Reply {
	return func(ctx context.Context, task nodes.Task) (any, error) {
		if len(task.Words) < len(ids) {
			var calls []journal.Call
			for _, id := range ids {
				calls = append(calls, journal.Call{ID: id, Tool: "refund", Args: map[string]any{"amount": 50, "for": "hush-hush"}})
			}
			if err := task.Ask(ctx, calls); err != nil {
				return nil, err
			}
			d.note("a asks")
			return nil, nodes.ErrHeld
		}
		d.note("a goes on")
		n := 0
		for _, w := range task.Words {
			if w.Approved {
				n++
			}
		}
		return n, nil
	}
}

// yes answers a call of node a.
func yes(k *runtimetest.Kit, stack, call string) error {
	return k.Runtime.AnswerWith(k.T.Context(), stack, "a", runtime.AnswerOptions{Call: call, Output: map[string]any{"approved": true}})
}

// TestHeldTaskHoldsNoSlot: while a task waits for a person, others have its slot, its
// wave is committed, and it continues when it has all its words.
func TestHeldTaskHoldsNoSlot(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Secret = func(string) (string, bool) { return "hush-hush", true }
		k.Reopen()
		d := &diary{begun: time.Now()}
		k.Node("a", asker(d, "x", "y"))
		k.Node("b", func(context.Context, nodes.Task) (any, error) { d.note("b begins"); return 1, nil })
		s := start(k, def(t, `{"graphrun": 1, "name": "g", "pause": {"set": true, "active": 3600000000000}, "stop": [{"when": "state.n == 2"}], "pools": [{"name": "p", "parallel": 1}], "secrets": ["KEY"],
			"state": [{"name": "n", "type": "integer", "initial": 0}],
			"nodes": [{"id": "a", "uses": "work", "pool": "p", "writes": [{"key": "n", "expr": "output"}]}, {"id": "b", "uses": "work", "pool": "p"}], "edges": [{"to": ["a", "b"]}]}`))
		k.Forward(time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "g")
		if err != nil || len(st.Cursor.Asking) != 1 || !st.Cursor.Asking[0].Held || st.Cursor.Counts.Waves != 1 {
			k.T.Fatalf("%v, %+v", err, st.Cursor)
		}
		args := map[string]any{"amount": int64(50), "for": "***"}
		if diff := cmp.Diff([]journal.Call{{ID: "x", Tool: "refund", Args: args}, {ID: "y", Tool: "refund", Args: args}}, st.Cursor.Asking[0].Calls); diff != "" {
			k.T.Errorf("calls (-want +got)\n%s", diff)
		}
		states := map[string]runtime.TaskState{}
		for _, task := range st.Tasks {
			states[task.Node] = task.State
		}
		if states["a"] != runtime.TaskWaiting {
			k.T.Errorf("tasks are %v", states)
		}
		if p := k.Runtime.PoolStatus(); p[len(p)-1].Running != 0 {
			k.T.Errorf("left in the pool: %+v", p)
		}
		var which *machine.CallsError
		if err := yes(k, "g", ""); !errors.As(err, &which) || len(which.Waiting) != 2 {
			k.T.Errorf("an answer that is for no call: %v", err)
		}
		k.Forward(5 * time.Second)
		for _, call := range []string{"x", "y"} {
			if err := yes(k, "g", call); err != nil {
				k.T.Fatal(err)
			}
		}
		r := k.Wait(s)
		if diff := cmp.Diff([]string{"0 a asks", "0 b begins", "6 a goes on"}, d.lines[:3]); diff != "" || r.State["n"] != int64(2) || r.Failures != 0 {
			k.T.Errorf("n is %v, %d failures (-want +got)\n%s", r.State["n"], r.Failures, diff)
		}
	})
}

// TestHeldTaskSurvivesAKill: neither the question nor the words are lost, whenever the
// engine dies.
func TestHeldTaskSurvivesAKill(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(k *runtimetest.Kit){"kill": (*runtimetest.Kit).Crash, "shutdown": (*runtimetest.Kit).Reopen} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				d := &diary{begun: time.Now()}
				k.Node("a", asker(d, "x", "y"))
				start(k, one(k.T, 2, "", ""))
				k.Forward(time.Second)
				kill(k)
				if err := yes(k, "one", "x"); err != nil { // also while nobody drives it
					k.T.Fatal(err)
				}
				k.Resume("one", runtime.ResumeOptions{})
				k.Forward(time.Second)
				kill(k)
				s := k.Resume("one", runtime.ResumeOptions{})
				k.Forward(time.Second)
				if err := yes(k, "one", "y"); err != nil {
					k.T.Fatal(err)
				}
				if r := k.Wait(s); r.State["n"] != int64(2) || r.Cursor.Counts.Failures != 0 {
					k.T.Errorf("n is %v after %d failures", r.State["n"], r.Cursor.Counts.Failures)
				}
			})
		})
	}
}

// TestKillBetweenAskAndHeld: the attempt that had asked runs again, and asks for the same
// again.
func TestKillBetweenAskAndHeld(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		d := &diary{begun: time.Now()}
		asks := asker(d, "x")
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			out, err := asks(ctx, task)
			if task.Attempt == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return out, err
		})
		start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		k.Crash()
		s := k.Resume("one", runtime.ResumeOptions{})
		k.Forward(time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "one")
		if err != nil || len(st.Cursor.Asking) != 1 {
			k.T.Fatalf("%v, %+v", err, st.Cursor.Asking)
		}
		if err := yes(k, "one", ""); err != nil {
			k.T.Fatal(err)
		}
		if r := k.Wait(s); r.State["n"] != int64(1) {
			k.T.Errorf("n is %v", r.State["n"])
		}
	})
}

// TestCancelOfAHeldTask ends it without an attempt.
func TestCancelOfAHeldTask(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		d := &diary{begun: time.Now()}
		k.Node("a", asker(d, "x"))
		s := start(k, one(k.T, 1, "", `, "pause": {"set": true, "active": 3600000000000}`))
		k.Forward(time.Second)
		if err := k.Runtime.CancelTask(k.T.Context(), "one", "a", ""); err != nil {
			k.T.Fatal(err)
		}
		synctest.Wait()
		st, err := k.Runtime.Status(k.T.Context(), "one")
		if err != nil || len(st.Cursor.Asking) != 0 || st.Cursor.Counts.Failures != 1 {
			k.T.Errorf("%v, %+v", err, st.Cursor)
		}
		if err := s.Cancel(k.T.Context(), ""); err != nil {
			k.T.Fatal(err)
		}
	})
}

// TestHeldTasksAreNotLoaded: after a restart, a stack whose task waits for a person is
// loaded for its answer, or for its deadline, and not before.
func TestHeldTasksAreNotLoaded(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(k *runtimetest.Kit){"kill": (*runtimetest.Kit).Crash, "shutdown": (*runtimetest.Kit).Reopen} {
		for over, act := range map[string]func(k *runtimetest.Kit){
			"answer":   func(k *runtimetest.Kit) { _ = yes(k, "one", "x") },
			"deadline": func(k *runtimetest.Kit) { k.Forward(2 * time.Hour) },
		} {
			t.Run(name+" "+over, func(t *testing.T) {
				t.Parallel()
				runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
					d := &diary{begun: time.Now()}
					k.Node("a", asker(d, "x"))
					start(k, one(k.T, 1, `, "deadline": 3600000000000`, `, "pause": {"set": true, "active": 86400000000000}`))
					k.Forward(time.Second)
					loads := &loading{Store: k.Store}
					k.Store = loads
					kill(k)
					if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
						k.T.Fatal(err)
					}
					k.Forward(30 * time.Minute)
					if n := loads.n.Load(); n != 0 {
						k.T.Errorf("loaded %d times", n)
					}
					act(k)
					k.Forward(time.Second)
					if n := loads.n.Load(); n != 1 {
						k.T.Errorf("loaded %d times after its %s", n, over)
					}
					st, err := k.Runtime.Status(k.T.Context(), "one")
					if err != nil || len(st.Cursor.Asking) != 0 {
						k.T.Errorf("%v, %+v", err, st.Cursor)
					}
				})
			})
		}
	}
}

// loading is a store that counts how often it loads a stack.
type loading struct {
	runtime.Store
	n atomic.Int64
}

func (l *loading) Load(ctx context.Context, stack string) (journal.Snapshot, error) {
	l.n.Add(1)
	return l.Store.Load(ctx, stack)
}
