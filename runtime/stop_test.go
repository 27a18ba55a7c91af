package runtime_test

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/feed"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

func TestStopLetsRunningTasksFinish(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(5*time.Second, runtimetest.Returns(1)))
		s := start(k, one(k.T, 2, "", ""))
		k.Forward(time.Second)
		begin := time.Now()
		if err := s.Detach(k.T.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got != 4*time.Second {
			t.Errorf("stopped after %s, want 4s", got)
		}
		if r := k.Wait(s); r.State["n"] != int64(1) || r.Status != journal.Running {
			t.Errorf("n = %v, %s; want 1, running", r.State["n"], r.Status)
		}
		k.Reopen()
		if r := k.Wait(k.Resume("one", runtime.ResumeOptions{})); r.State["n"] != int64(2) {
			t.Errorf("n = %v, want 2", r.State["n"])
		}
		if got := len(k.Runs("a")); got != 2 {
			t.Errorf("%d runs, want 2", got)
		}
	})
}

func TestTasksCutOffByAShutdownAreNoFailures(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		begin := time.Now()
		k.Reopen()
		if got := time.Since(begin); got != runtime.DefaultGrace {
			t.Errorf("closed after %s, want %s", got, runtime.DefaultGrace)
		}
		r := k.Wait(k.Resume("one", runtime.ResumeOptions{}))
		if r.Status != journal.Completed || r.Cursor.Counts.Failures != 0 {
			t.Errorf("%s with %d failures, want completed with 0", r.Status, r.Cursor.Counts.Failures)
		}
		if last := k.Runs("a")[1]; last.Attempt != 2 || !last.Rerun {
			t.Errorf("second run: attempt %d, rerun %t; want 2, true", last.Attempt, last.Rerun)
		}
	})
}

func TestCloseWithoutGrace(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		s := start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		begin := time.Now()
		now, cancel := context.WithCancel(k.T.Context())
		cancel()
		if err := k.Runtime.Close(now); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got != 0 {
			t.Errorf("closed after %s, want 0s", got)
		}
		if _, err := k.Runtime.Start(k.T.Context(), k.Compile(one(k.T, 1, "", "")), runtime.StartOptions{ID: "x"}); !errors.Is(err, runtime.ErrClosed) {
			t.Errorf("start after close: %v, want ErrClosed", err)
		}
		if err := s.Cancel(k.T.Context(), ""); !errors.Is(err, runtime.ErrEnded) {
			t.Errorf("cancel after close: %v, want ErrEnded", err)
		}
	})
}

func TestCloseCutsOffAllStacksAtOnce(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Ignores(time.Hour, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 1, "", ""))
		for _, id := range []string{"x", "y", "z"} {
			k.Start(g, runtime.StartOptions{ID: id})
		}
		k.Forward(time.Second)
		begin := time.Now()
		ctx, cancel := context.WithTimeout(k.T.Context(), time.Second)
		defer cancel()
		if err := k.Runtime.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got != 1500*time.Millisecond {
			t.Errorf("closed after %s, want 1.5s: one until its context ends, a half for nodes that do not return", got)
		}
		k.Forward(time.Hour)
	})
}

func TestATaskThatIsCancelledInItsQueueNeverBegins(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 1, "", `, "pools": [{"name": "default", "parallel": 1}]`))
		first := k.Start(g, runtime.StartOptions{ID: "first"})
		k.Forward(time.Second)
		second := k.Start(g, runtime.StartOptions{ID: "second"})
		k.Forward(time.Second)
		if err := second.Cancel(k.T.Context(), ""); err != nil {
			t.Fatal(err)
		}
		k.Wait(second)
		k.Wait(first)
		if got := len(k.Runs("a")); got != 1 {
			t.Errorf("%d runs, want 1", got)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		s := start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		if err := s.Cancel(k.T.Context(), "not needed"); err != nil {
			t.Fatal(err)
		}
		snap, err := k.Store.Load(k.T.Context(), "one")
		if err != nil || snap.Cursor.Status != journal.Cancelled {
			t.Errorf("in the store: %s, %v; want cancelled", snap.Cursor.Status, err)
		}
		r := k.Wait(s)
		if r.Status != journal.Cancelled || r.Reason != "not needed" || r.State["n"] != int64(0) {
			t.Errorf("result %+v", r)
		}
		if r := k.Wait(k.Resume("one", runtime.ResumeOptions{})); r.Status != journal.Cancelled || r.NodeRuns != 0 {
			t.Errorf("resumed: %+v", r)
		}
	})
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		s := start(k, one(k.T, 2, "", `, "pause": {"set": true, "active": `+minute+`}`))
		k.Cycles(s, 1)
		if err := s.Pause(k.T.Context()); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Hour)
		k.WantState(s, map[string]any{"n": int64(1)})
		k.Crash()
		k.Wait(k.Resume("one", runtime.ResumeOptions{}))
	})
}

func TestAPanicIsItsNodesFailure(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Panics("kaboom"))
		r := k.Wait(start(k, one(k.T, 1, "", `, "limits": {"cycles": 1}`)))
		if r.Failures != 1 {
			t.Errorf("%d failures, want 1", r.Failures)
		}
		for _, rec := range k.Records("one") {
			if f, ok := rec.Body.(*journal.TaskFinished); ok {
				if f.Error == nil || f.Error.Kind != "panic" || !strings.Contains(f.Error.Message, "kaboom") {
					t.Errorf("error %+v, want a panic that says kaboom", f.Error)
				}
			}
		}
	})
}

func TestAStoreInTroubleStopsItsStacks(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		broken := &runtime.StoreError{Path: "x.db", Err: errors.New("no space left on device")}
		store := &failing{Store: k.Store, after: 4, err: broken}
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: store, Kinds: k.Kinds, FailOnStoreError: true})
		if err != nil {
			t.Fatal(err)
		}
		k.Node("a", runtimetest.Returns(1))
		var shown uint64
		s, err := rt.Start(k.T.Context(), k.Compile(one(k.T, 100, "", `, "pause": {"none": true}`)), runtime.StartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		rt.Feed().OnCommit("one", func(c feed.Commit) { shown = c.Cursor.Seq })
		var se *runtime.StoreError
		if _, err := s.Wait(k.T.Context()); !errors.As(err, &se) || se.Path != "x.db" {
			t.Errorf("wait: %v, want the store's error", err)
		}
		snap, err := k.Store.Load(k.T.Context(), "one")
		if err != nil || snap.Cursor.Seq < shown {
			t.Errorf("store has record %d (%v), %d was shown", snap.Cursor.Seq, err, shown)
		}
		_ = rt.Close(k.T.Context())
		k.Resume("one", runtime.ResumeOptions{})
	})
}

// failing is a store whose commits fail after some.
type failing struct {
	runtime.Store
	after int64
	done  atomic.Int64
	err   error
}

func (f *failing) Commit(ctx context.Context, c runtime.Commit) error {
	if f.done.Add(1) > f.after {
		return f.err
	}
	return f.Store.Commit(ctx, c)
}

// exits is a kind whose work ends its goroutine.
type exits struct{}

func (exits) Run(context.Context, nodes.Task) (nodes.Result, error) {
	goruntime.Goexit()
	return nodes.Result{}, nil
}

func (exits) CleanUp(context.Context, nodes.Task) error {
	goruntime.Goexit()
	return nil
}

// TestGoexitIsAFailure: work that ends its goroutine fails, and its stack continues.
func TestGoexitIsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reg := nodes.NewRegistry()
		if err := reg.Register(nodes.Spec{Kind: graph.Kind{Name: "work", Open: true}, Node: exits{}}); err != nil {
			t.Fatal(err)
		}
		rt, err := runtime.Open(t.Context(), runtime.Config{Store: memstore.New(), Kinds: reg})
		if err != nil {
			t.Fatal(err)
		}
		g, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "exits",
			"nodes": [{"id": "a", "uses": "work", "retry": {"attempts": 2}}, {"id": "b", "uses": "work"}],
			"limits": {"cycles": 2}}`), reg)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		s, err := rt.Start(t.Context(), g, runtime.StartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Wait(t.Context())
		if err != nil || r.Cycles != 2 || r.Failures != 4 {
			t.Errorf("%d cycles with %d failures (%v), want 2 with 4", r.Cycles, r.Failures, err)
		}
		st, err := rt.Status(t.Context(), "exits")
		if err != nil || st.LastError == nil || st.LastError.Error.Kind != "panic" || !strings.Contains(st.LastError.Error.Message, "Goexit") {
			t.Errorf("last error %+v (%v), want kind panic that names Goexit", st.LastError, err)
		}
		if err := rt.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// TestAStoreHasOneRuntime: two runtimes on one store would both run what it holds.
func TestAStoreHasOneRuntime(t *testing.T) {
	t.Parallel()
	cfg := runtime.Config{Store: memstore.New(), Kinds: kinds(t)}
	first, err := runtime.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Open(t.Context(), cfg); !errors.Is(err, runtime.ErrStoreInUse) {
		t.Errorf("a second runtime: %v, want ErrStoreInUse", err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, err := runtime.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	_ = first.Close(t.Context()) // which gives nothing up that it does not have
	if _, err := runtime.Open(t.Context(), cfg); !errors.Is(err, runtime.ErrStoreInUse) {
		t.Errorf("after a second Close of the first: %v, want ErrStoreInUse", err)
	}
	if err := second.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestAtReadsAStore: a program that embeds the engine looks into a history.
func TestAtReadsAStore(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Wait(start(k, one(k.T, 3, "", "")))
		for at, want := range map[journal.Point]int64{{}: 3, {Cycle: 2}: 2, {Cycle: 1, Wave: 1}: 1} {
			if past, err := runtime.At(k.T.Context(), k.Store, k.Kinds, "one", at); err != nil || past.State["n"] != want {
				t.Errorf("at %s: n = %v (%v), want %d", at, past.State["n"], err, want)
			}
		}
	})
}
