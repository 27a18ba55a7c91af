package runtime_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

const boundedGraph = `{"graphrun": 1, "name": "g", "pause": {"active": 1000000000, "set": true}, "limits": {"cycles": 2},
	"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
	"nodes": [{"id": "a", "uses": "work", "writes": [{"key": "n", "expr": "1"}]}]}`

// retry continues a stack that has ended.
func retry(k *runtimetest.Kit, id string, o runtime.RetryOptions) *runtime.Stack {
	k.T.Helper()
	s, err := k.Runtime.Retry(k.T.Context(), id, o)
	if err != nil {
		k.T.Fatalf("retry %q: %v", id, err)
	}
	return s
}

// A stack that has ended continues, in the same process or in a later one, and its end is
// that of the new run. A crash on the way changes nothing.
func TestRetry(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		s := start(k, def(t, boundedGraph))
		if r := k.Wait(s); r.Status != journal.Failed || r.Cycles != 2 {
			t.Fatalf("%s after %d cycles", r.Status, r.Cycles)
		}
		r := k.Wait(retry(k, "g", runtime.RetryOptions{By: "me"}))
		if r.Status != journal.Failed || r.Reason != "cycles limit of 2 reached" || r.Cycles != 2 || r.Cursor.Counts.Cycles != 4 {
			t.Errorf("in the same process: %s: %s after %d cycles, %d in all", r.Status, r.Reason, r.Cycles, r.Cursor.Counts.Cycles)
		}
		k.Reopen()
		again := retry(k, "g", runtime.RetryOptions{Limits: journal.Limits{Cycles: new(3)}})
		if _, err := k.Runtime.Retry(k.T.Context(), "g", runtime.RetryOptions{}); !errors.Is(err, runtime.ErrNotEnded) {
			t.Errorf("while it runs: %v", err)
		}
		k.Cycles(again, 1)
		k.Forward(1500 * time.Millisecond)
		k.Crash()
		if _, err := k.Runtime.Retry(k.T.Context(), "g", runtime.RetryOptions{}); !errors.Is(err, runtime.ErrNotEnded) {
			t.Errorf("while nobody runs it: %v", err)
		}
		s = k.Resume("g", runtime.ResumeOptions{})
		if r := k.Wait(s); r.Reason != "cycles limit of 3 reached" || r.Cursor.Counts.Cycles != 7 || r.State["n"] != int64(7) {
			t.Errorf("after a crash: %s, %+v", r.Reason, r.Cursor.Counts)
		}
		unknown := (*runtime.UnknownStackError)(nil)
		if _, err := k.Runtime.Retry(k.T.Context(), "x", runtime.RetryOptions{}); !errors.As(err, &unknown) {
			t.Errorf("an unknown stack: %v", err)
		}
		var reopened []journal.StackReopened
		for _, rec := range k.Records("g") {
			if b, ok := rec.Body.(*journal.StackReopened); ok {
				reopened = append(reopened, *b)
			}
		}
		if len(reopened) != 2 || reopened[0].By != "me" || reopened[1].Limits.String() != "cycles=3" {
			t.Errorf("records: %+v", reopened)
		}
	})
}

// Whoever asks while the stack still ends waits for that, and one of two who ask at once
// gets it.
func TestRetryAsItEnds(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Hour, runtimetest.Returns(1)))
		s := start(k, def(t, boundedGraph))
		k.Forward(time.Second)
		go func() { _ = s.Cancel(k.T.Context(), "enough") }()
		<-s.Done()
		errs := make(chan error)
		for range 2 {
			go func() {
				_, err := k.Runtime.Retry(k.T.Context(), "g", runtime.RetryOptions{})
				errs <- err
			}()
		}
		a, b := <-errs, <-errs
		if a == nil {
			a = b
		} else if b != nil {
			t.Errorf("both: %v, %v", a, b)
		}
		if !errors.Is(a, runtime.ErrNotEnded) {
			t.Errorf("the other one: %v", a)
		}
		again, ok := k.Runtime.Stack("g")
		if !ok || again == s {
			t.Fatal("nobody drives it")
		}
		if r := k.Wait(again); r.Status != journal.Failed || r.Cycles != 2 {
			t.Errorf("%s after %d cycles", r.Status, r.Cycles)
		}
	})
}

// Where nothing runs it is recorded, and whoever takes the store over runs the stack.
func TestRetryAtRest(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Wait(start(k, def(t, boundedGraph)))
		<-retry(k, "g", runtime.RetryOptions{Rest: true}).Done()
		if st, err := k.Runtime.Status(k.T.Context(), "g"); err != nil || st.Driven || st.Cursor.Status != journal.Running || len(k.Runs("a")) != 2 {
			t.Fatalf("%+v, %v", st, err)
		}
		k.Reopen()
		if n, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); n != 1 || err != nil {
			t.Fatalf("%d stacks, %v", n, err)
		}
		s, _ := k.Runtime.Stack("g")
		if r := k.Wait(s); r.Status != journal.Failed || len(k.Runs("a")) != 4 {
			t.Errorf("%s after %d runs", r.Status, len(k.Runs("a")))
		}
	})
}

// A pipeline runs what failed once more, a graph within it from its beginning. The
// stack of that graph is no stack to be retried itself.
func TestRetryOfAPipeline(t *testing.T) {
	t.Parallel()
	const pipeline = `{"graphrun": 1, "name": "g", "once": true,
		"nodes": [{"id": "a", "uses": "work"}, {"id": "sub", "uses": "graph", "with": {"file": "inner.yaml"},
			"graph": {"graphrun": 1, "name": "inner", "nodes": [{"id": "x", "uses": "work"}, {"id": "y", "uses": "work"}],
				"edges": [{"to": ["x"]}, {"from": ["x"], "to": ["y"]}]}}, {"id": "c", "uses": "work"}],
		"edges": [{"to": ["a"]}, {"from": ["a"], "to": ["sub"]}, {"from": ["sub"], "to": ["c"]}]}`
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		for _, node := range []string{"a", "c", "x"} {
			k.Node(node, runtimetest.Returns(1))
		}
		k.Node("y", runtimetest.Fails("exit", "bad"), runtimetest.Returns(1))
		if r := k.Wait(start(k, def(t, pipeline))); r.Status != journal.Failed {
			t.Fatalf("%s: %s", r.Status, r.Reason)
		}
		var child string
		if err := k.Store.Stacks(k.T.Context(), func(sum runtime.Summary) error {
			if sum.Identity.Parent != "" {
				child = sum.Identity.Stack
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		part := (*runtime.ChildError)(nil)
		if _, err := k.Runtime.Retry(k.T.Context(), child, runtime.RetryOptions{}); !errors.As(err, &part) {
			t.Errorf("the child %q: %v", child, err)
		}
		k.Reopen()
		r := k.Wait(retry(k, "g", runtime.RetryOptions{}))
		runs := []int{len(k.Runs("a")), len(k.Runs("x")), len(k.Runs("y")), len(k.Runs("c"))}
		if r.Status != journal.Completed || !slices.Equal(runs, []int{1, 2, 2, 1}) {
			t.Errorf("%s: %s, runs of a, x, y and c: %v", r.Status, r.Reason, runs)
		}
		if err := k.Runtime.Remove(context.Background(), "g"); err != nil {
			t.Error(err)
		}
		if err := k.Store.Stacks(k.T.Context(), func(sum runtime.Summary) error {
			t.Errorf("stack %s is left", sum.Identity.Stack)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}
