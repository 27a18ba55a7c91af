package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// outer is a graph whose node runs another one, which doubles what it is given
// in two waves, in every cycle.
func outer(t testing.TB, with, node, rest string) graph.Def {
	t.Helper()
	return def(t, fmt.Sprintf(`{"graphrun": 1, "name": "outer",
		"state": [{"name": "got", "type": "list(integer)", "reduce": {"name": "append"}}],
		"pools": [{"name": "default", "parallel": 1}],
		"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "inner.yaml" %s}, "writes": [{"key": "got", "expr": %s}] %s,
			"graph": {"graphrun": 1, "name": "inner", "params": [{"name": "n", "type": "integer", "default": 1}],
				"state": [{"name": "v", "type": "integer", "reduce": {"name": "sum"}}, {"name": "last", "type": "integer"}],
				"pools": [{"name": "default", "parallel": 1}],
				"nodes": [
					{"id": "first", "uses": "work", "with": {"n": "${{ params.n }}"}, "writes": [{"key": "v", "expr": "output"}]},
					{"id": "second", "uses": "work", "with": {"n": "${{ state.v }}"}, "writes": [{"key": "v", "expr": "output"}]}],
				"edges": [{"from": ["first"], "to": ["second"]}]}}],
		"limits": {"cycles": 1} %s}`, with, strings.SplitN(node, "|", 2)[0], strings.SplitN(node, "|", 2)[1], rest))
}

// echoes lets the inner nodes take a second and give what they got.
func echoes(k *runtimetest.Kit) {
	echo := runtimetest.Takes(time.Second, func(_ context.Context, t nodes.Task) (any, error) {
		return t.With.(map[string]any)["n"], nil
	})
	k.Node("first", echo)
	k.Node("second", echo)
}

// stacksLeft lists the stacks but for children that have ended and that a stack keeps with
// its history.
func stacksLeft(k *runtimetest.Kit) []string {
	k.T.Helper()
	all, kept := allStacks(k), map[string]bool{}
	for _, sum := range all {
		if snap, err := k.Store.State(k.T.Context(), sum.Identity.Stack); err == nil {
			for _, c := range machine.KeptChildren(snap.State) {
				kept[c.ID] = true
			}
		}
	}
	var ids []string
	for _, sum := range all {
		if id := sum.Identity.Stack; !kept[id] || !sum.Cursor.Status.Ended() {
			ids = append(ids, id)
		}
	}
	return ids
}

func allStacks(k *runtimetest.Kit) (all []runtime.Summary) {
	k.T.Helper()
	err := k.Store.Stacks(k.T.Context(), func(s runtime.Summary) error {
		all = append(all, s)
		return nil
	})
	if err != nil {
		k.T.Fatal(err)
	}
	return all
}

func TestAGraphWithinAGraph(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		with, node string
		want       []any
		took       time.Duration
	}{
		"one cycle":     {`, "params": {"n": 3}`, `"[output.v]"|`, []any{int64(6)}, 2 * time.Second},
		"initial state": {`, "state": {"v": 10}`, `"[output.v]"|`, []any{int64(22)}, 2 * time.Second},
		"until":         {`, "until": "state.v > 5"`, `"[output.v]"|`, []any{int64(6)}, 4 * time.Second},
		"for each": {`, "params": {"n": "${{ it }}"}`, `"map(output, .v)"|, "for_each": {"in": "[1, 2, 3]", "as": "it"}`,
			[]any{int64(2), int64(4), int64(6)}, 6 * time.Second}, // the inner pool has one slot
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				echoes(k)
				begin := time.Now()
				r := k.Wait(start(k, outer(t, c.with, c.node, "")))
				if diff := cmp.Diff(c.want, r.State["got"]); diff != "" || r.Failures > 0 {
					t.Errorf("%d failures; got (-want +got):\n%s", r.Failures, diff)
				}
				if got := time.Since(begin).Round(time.Second); got != c.took {
					t.Errorf("took %s, want %s", got, c.took)
				}
				k.Forward(time.Second)
				if diff := cmp.Diff([]string{"outer"}, stacksLeft(k)); diff != "" {
					t.Errorf("stacks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAnInnerGraphFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		with, node string
		work       runtimetest.Reply
		kind, says string
	}{
		"its cycle fails": {"", `"[output.v]"|`, runtimetest.Fails("exit", "no"), "exit", "no"},
		"until":           {`, "until": "state.v < 0", "max_cycles": 3`, `"[output.v]"|`, runtimetest.Returns(1), "limit", "3 cycles"},
		"timeout":         {"", `"[output.v]"|, "timeout": 30000000000`, runtimetest.Takes(time.Hour, runtimetest.Returns(1)), "timeout", ""},
		"params":          {`, "params": {"n": "${{ len(state.got) > 0 ? 1 : nil }}"}`, `"[output.v]"|`, runtimetest.Returns(1), "config", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("first", c.work)
				k.Node("second", runtimetest.Returns(1))
				r := k.Wait(start(k, outer(t, c.with, c.node, "")))
				kind, message, path := "", "", ""
				for _, rec := range k.Records("outer") {
					if f, ok := rec.Body.(*journal.TaskFinished); ok && f.Error != nil {
						kind, message, path = f.Error.Kind, f.Error.Message, f.Error.Path
					}
				}
				if r.Failures != 1 || kind != c.kind || !strings.Contains(message, c.says) {
					t.Errorf("%d failures, kind %q: %s; want %q with %q", r.Failures, kind, message, c.kind, c.says)
				}
				if want := map[string]string{"its cycle fails": "sub/first"}[name]; path != want {
					t.Errorf("the failure is at %q, want %q", path, want)
				}
				k.Forward(time.Minute)
				if diff := cmp.Diff([]string{"outer"}, stacksLeft(k)); diff != "" {
					t.Errorf("stacks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAnInnerGraphGoesOnAfterACrash crashes after each commit of either stack.
func TestAnInnerGraphGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 16; at++ {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			echoes(k)
			g := k.Compile(outer(t, `, "params": {"n": 3}`, `"[output.v]"|`, ""))
			k.CrashAfter(at)
			_, err := k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{})
			k.Forward(time.Minute)
			k.Crash()
			if _, found := k.Store.Load(k.T.Context(), "outer"); err != nil && found != nil {
				return
			}
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
			k.Forward(time.Minute)
			if diff := cmp.Diff([]any{int64(6)}, state(k, "outer")["got"]); diff != "" {
				t.Errorf("crash after commit %d: got (-want +got):\n%s", at, diff)
			}
			if diff := cmp.Diff([]string{"outer"}, stacksLeft(k)); diff != "" {
				t.Errorf("crash after commit %d: stacks (-want +got):\n%s", at, diff)
			}
			if runs := len(k.Runs("first")) + len(k.Runs("second")); runs > 3 {
				t.Errorf("crash after commit %d: the inner nodes ran %d times, want 2 and one again", at, runs)
			}
		})
	}
}

func TestAnInnerGraphGoesOnAfterAStop(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		echoes(k)
		start(k, outer(t, `, "params": {"n": 3}`, `"[output.v]"|`, ""))
		k.Forward(1500 * time.Millisecond)
		k.Config.Grace = -1
		k.Reopen()
		k.Forward(time.Hour)
		r := k.Wait(k.Resume("outer", runtime.ResumeOptions{}))
		if diff := cmp.Diff([]any{int64(6)}, r.State["got"]); diff != "" || r.Failures > 0 {
			t.Errorf("%d failures; got (-want +got):\n%s", r.Failures, diff)
		}
		if got := len(k.Runs("first")); got != 1 {
			t.Errorf("the first inner node ran %d times, want once", got)
		}
	})
}

func TestCancelEndsTheInnerGraphToo(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("first", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
		s := start(k, outer(t, "", `"[output.v]"|`, ""))
		k.Forward(time.Minute)
		if err := k.Runtime.Cancel(k.T.Context(), "outer", "enough"); err != nil {
			t.Fatal(err)
		}
		k.Wait(s)
		k.Forward(time.Minute)
		if diff := cmp.Diff([]string{"outer"}, stacksLeft(k)); diff != "" {
			t.Errorf("stacks (-want +got):\n%s", diff)
		}
	})
}

// TestChildrenAreRemovedWithTheirParent, at any depth.
func TestChildrenAreRemovedWithTheirParent(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		secondsOfWork(k)
		d := nested(t)
		d.Secrets = nil
		k.Wait(start(k, d))
		k.Forward(time.Minute)
		if n := len(allStacks(k)); n != 3 {
			t.Errorf("%d stacks are kept, want 3", n)
		}
		if err := k.Runtime.Remove(k.T.Context(), "top"); err != nil {
			t.Fatal(err)
		}
		if left := allStacks(k); len(left) > 0 {
			t.Errorf("stacks are left: %v", left)
		}
	})
}

// TestChildrenOfEarlierCyclesGo: one crash left a child, another one came before
// it was removed.
func TestChildrenOfEarlierCyclesGo(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Nonce = func() string { return "nonce" }
		k.Reopen()
		start(k, def(t, `{"graphrun": 1, "name": "two", "pause": {"set": true, "active": 60000000000}, "limits": {"cycles": 3},
			"nodes": [{"id": "sub", "uses": "graph", "with": {"file": "one.yaml"}, "graph": {"graphrun": 1, "name": "one",
				"nodes": [{"id": "a", "uses": "set"}], "limits": {"cycles": 9}}}]}`))
		k.Forward(90 * time.Second)
		for id, parent := range map[string]string{"two.old.1.1": "two.nonce/1/1/old/", "other.sub.1.1": "other.nonce/1/1/sub/"} {
			if err := k.Store.Commit(k.T.Context(), runtime.Commit{Stack: id,
				Create: &journal.Identity{Stack: id, Graph: "one", Parent: parent},
				Cursor: journal.Cursor{Status: journal.Running}}); err != nil {
				t.Fatal(err)
			}
		}
		k.Crash()
		k.Resume("two", runtime.ResumeOptions{})
		k.Forward(time.Second)
		if diff := cmp.Diff([]string{"other.sub.1.1", "two"}, stacksLeft(k)); diff != "" {
			t.Errorf("stacks (-want +got):\n%s", diff)
		}
	})
}

// TestAChildIsNotStoppedAlone: who stops it by its handle stops no node of its
// parent.
func TestAChildIsNotStoppedAlone(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		echoes(k)
		s := start(k, outer(t, `, "params": {"n": 3}`, `"[output.v]"|`, ""))
		k.Forward(1500 * time.Millisecond)
		child, ok := k.Runtime.Stack("outer.sub.1.1")
		if !ok {
			t.Fatal("no child")
		}
		if err := child.Detach(k.T.Context()); err != nil {
			t.Fatal(err)
		}
		r := k.Wait(s)
		if diff := cmp.Diff([]any{int64(6)}, r.State["got"]); diff != "" || r.Failures > 0 {
			t.Errorf("%d failures; got (-want +got):\n%s", r.Failures, diff)
		}
	})
}

// TestAnInnerGraphOnAFullDisk: the child waits for room as every stack does; a
// one-shot run ends with the store's error, whosever commit it was.
func TestAnInnerGraphOnAFullDisk(t *testing.T) {
	t.Parallel()
	for n := range int64(7) { // commits until it is full; one of them creates the child
		for _, oneShot := range []bool{false, true} {
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				store := &filling{Store: k.Store}
				store.room.Store(2 + n)
				rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: store, Kinds: k.Kinds, FailOnStoreError: oneShot})
				if err != nil {
					t.Fatal(err)
				}
				echoes(k)
				s, err := rt.Start(k.T.Context(), k.Compile(outer(t, "", `"[output.v]"|`, "")), runtime.StartOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if !oneShot {
					k.Forward(time.Hour)
					store.room.Store(1000)
				}
				ctx, cancel := context.WithTimeout(k.T.Context(), time.Hour)
				defer cancel()
				r, err := s.Wait(ctx)
				var se *runtime.StoreError
				switch {
				case oneShot && !errors.As(err, &se):
					t.Errorf("room for %d commits: %v, want the store's error", n, err)
				case !oneShot && (err != nil || r.Failures > 0 || fmt.Sprint(r.State["got"]) != "[2]"):
					t.Errorf("room for %d commits: got %v, %d failures (%v)", n, r.State["got"], r.Failures, err)
				}
				_ = rt.Close(k.T.Context())
			})
		}
	}
}

// filling is a store with room for some commits.
type filling struct {
	runtime.Store
	room atomic.Int64
}

func (f *filling) Commit(ctx context.Context, c runtime.Commit) error {
	if f.room.Add(-1) < 0 {
		return &runtime.StoreError{Err: errors.New("no space left on device")}
	}
	return f.Store.Commit(ctx, c)
}

// TestCrashesCountForTheInnerTask: the engine dies with each task of the inner
// graph twice; none of them, and not the node that runs it, is the cause.
func TestCrashesCountForTheInnerTask(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		echoes(k)
		start(k, outer(t, "", `"[output.v]"|`, ""))
		for range 2 {
			for range 2 {
				k.Forward(500 * time.Millisecond)
				k.Crash()
				k.Resume("outer", runtime.ResumeOptions{})
			}
			k.Forward(time.Second)
		}
		s, _ := k.Runtime.Stack("outer")
		if s == nil {
			s = k.Resume("outer", runtime.ResumeOptions{})
		}
		if r := k.Wait(s); r.Cursor.Counts.Failures > 0 || fmt.Sprint(r.State["got"]) != "[2]" {
			t.Errorf("%d failures, got %v", r.Cursor.Counts.Failures, r.State["got"])
		}
	})
}
