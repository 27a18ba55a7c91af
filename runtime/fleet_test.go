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

func recoverAll(k *runtimetest.Kit, want int) {
	k.T.Helper()
	n, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{})
	if err != nil || n != want {
		k.T.Fatalf("recovered %d stacks (%v), want %d", n, err, want)
	}
}

// state is a stack's, as the store has it.
func state(k *runtimetest.Kit, stack string) map[string]any {
	k.T.Helper()
	snap, err := k.Store.Load(k.T.Context(), stack)
	if err != nil {
		k.T.Fatal(err)
	}
	return journal.Visible(snap.State)
}

func TestTwoThousandStacksAcrossARestart(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		const n = 2000
		k.Config.Loaded = 100
		k.Reopen()
		k.Node("a", runtimetest.Returns(1))
		g := k.Compile(one(k.T, 4, "", `, "pools": [{"name": "default", "parallel": 50}], "pause": {"set": true, "active": `+minute+`}`))
		for i := range n {
			k.Start(g, runtime.StartOptions{ID: fmt.Sprint("s", i)})
		}
		k.Forward(90 * time.Second)
		k.Crash()
		k.Forward(10 * time.Second)
		recoverAll(k, n)
		k.Forward(time.Second)
		loaded := 0
		list, err := statuses(k)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			if s.Loaded {
				loaded++
			}
			if s.Cursor.Counts.Cycles != 2 {
				t.Fatalf("stack %s: %d cycles before its pause is over, want 2", s.Stack, s.Cursor.Counts.Cycles)
			}
		}
		if loaded > 0 {
			t.Errorf("%d stacks that only wait were loaded", loaded)
		}
		k.Forward(20 * time.Second)
		list, err = statuses(k)
		if err != nil {
			t.Fatal(err)
		}
		loaded = 0
		for _, s := range list {
			if s.Loaded {
				loaded++
			}
			if s.Cursor.Counts.Cycles != 3 {
				t.Fatalf("stack %s: %d cycles, want 3", s.Stack, s.Cursor.Counts.Cycles)
			}
		}
		if loaded > 100 {
			t.Errorf("%d stacks are loaded, want at most 100", loaded)
		}
		k.Forward(time.Minute)
		for i := range n {
			if got := state(k, fmt.Sprint("s", i))["n"]; got != int64(4) {
				t.Fatalf("stack s%d: n = %v, want 4", i, got)
			}
		}
	})
}

func TestABackoffGoesOnAfterRecover(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Loaded = -1
		k.Reopen()
		k.Node("a", runtimetest.Fails("exit", "no"), runtimetest.Returns(1))
		begin := time.Now()
		start(k, one(k.T, 1, `, "retry": {"attempts": 2, "backoff": `+minute+`, "jitter": false}`, ""))
		k.Forward(20 * time.Second)
		st, err := k.Runtime.Status(k.T.Context(), "one")
		if err != nil || st.Loaded || len(st.Tasks) != 1 || st.Tasks[0].State != runtime.TaskBackoff || len(st.Tasks[0].Previous) != 1 {
			t.Errorf("status %+v (%v), want an unloaded stack with a task in its backoff", st, err)
		}
		k.Crash()
		recoverAll(k, 1)
		for i := 0; i < 600 && len(k.Runtime.Stacks()) > 0; i++ {
			k.Forward(time.Second)
		}
		if got := time.Since(begin).Round(2 * time.Second); got != time.Minute {
			t.Errorf("ended after %s, want 1m0s", got)
		}
	})
}

// TestADurationIsOverWhileUnloaded: nothing else would load the stack.
func TestADurationIsOverWhileUnloaded(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		begin := time.Now()
		start(k, def(k.T, `{"graphrun": 1, "name": "ship", "state": [{"name": "ok", "type": "boolean"}],
			"nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "Ship?"}}],
			"pause": {"none": true}, "limits": {"duration": 60000000000}}`))
		k.Forward(20 * time.Second)
		k.Crash()
		recoverAll(k, 1)
		for i := 0; i < 600 && len(k.Runtime.Stacks()) > 0; i++ {
			k.Forward(time.Second)
		}
		st, err := k.Runtime.Status(k.T.Context(), "ship")
		if err != nil || st.Cursor.Reason != "duration limit of 1m0s reached" || time.Since(begin).Round(2*time.Second) != time.Minute {
			t.Errorf("after %s: %s: %s (%v)", time.Since(begin), st.Cursor.Status, st.Cursor.Reason, err)
		}
	})
}

func TestAnApprovalWaitsUnloaded(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Loaded = -1
		k.Reopen()
		start(k, def(k.T, `{"graphrun": 1, "name": "ship", "state": [{"name": "ok", "type": "boolean"}],
			"nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "Ship?"}, "writes": [{"key": "ok", "expr": "output.approved"}]}],
			"pause": {"none": true}, "stop": [{"when": "state.ok"}]}`))
		k.Forward(time.Hour)
		k.Crash()
		recoverAll(k, 1)
		k.Forward(time.Hour)
		st, err := k.Runtime.Status(k.T.Context(), "ship")
		if err != nil || st.Loaded || len(st.Cursor.Waiting) != 1 {
			t.Fatalf("status %+v (%v), want an unloaded stack that waits", st, err)
		}
		err = k.Runtime.Answer(k.T.Context(), "ship", "nobody", nil)
		var node *machine.UnknownNodeError
		if !errors.As(err, &node) {
			t.Errorf("answer to an unknown node: %v", err)
		}
		if err := k.Runtime.Answer(k.T.Context(), "ship", "ask", map[string]any{"approved": true, "comment": nil, "by": nil}); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second)
		if snap, err := k.Store.Load(k.T.Context(), "ship"); err != nil || snap.Cursor.Status != journal.Completed {
			t.Errorf("status %s (%v), want completed", snap.Cursor.Status, err)
		}
	})
}

func TestCommandsOnAStackThatNobodyDrives(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, box))
		k.Forward(time.Second)
		k.Crash()
		send(k, "box", "", "a")
		k.Forward(time.Hour)
		if got := state(k, "box")["seen"]; got != int64(0) && got != int64(1) {
			t.Errorf("seen = %v", got)
		}
		if left := k.Runtime.Stacks(); len(left) > 0 {
			t.Errorf("%d stacks are driven", len(left))
		}
		for _, command := range []func(context.Context, string) error{k.Runtime.Pause, k.Runtime.Unpause, k.Runtime.Wake, k.Runtime.End} {
			if err := command(k.T.Context(), "box"); err != nil {
				t.Fatal(err)
			}
		}
		st, err := k.Runtime.Status(k.T.Context(), "box")
		if err != nil || st.Cursor.Status != journal.Cancelled || st.Cursor.Reason != runtime.Stopped {
			t.Errorf("status %+v (%v), want cancelled, stopped", st, err)
		}
		if err := k.Runtime.Wake(k.T.Context(), "box"); !errors.Is(err, runtime.ErrEnded) {
			t.Errorf("wake: %v, want ErrEnded", err)
		}
	})
}

func TestStopStackLetsTheWaveFinish(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		start(k, one(k.T, 100, "", ""))
		k.Forward(time.Second)
		begin := time.Now()
		if err := k.Runtime.End(k.T.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin).Round(time.Second); got != 59*time.Second {
			t.Errorf("stopped after %s, want 59s", got)
		}
		snap, err := k.Store.Load(k.T.Context(), "one")
		if err != nil || snap.Cursor.Status != journal.Cancelled || snap.State["n"] != int64(1) {
			t.Errorf("%s with n = %v (%v), want cancelled with 1", snap.Cursor.Status, snap.State["n"], err)
		}
	})
}

// A stop that waits for its wave when the engine is killed ends the stack all the
// same, when the wave has finished.
func TestAStopSurvivesACrash(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		start(k, one(k.T, 100, "", ""))
		k.Forward(time.Second)
		ctx, cancel := context.WithTimeout(k.T.Context(), time.Second)
		defer cancel()
		if err := k.Runtime.End(ctx, "one"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the wave is open for a minute, and End gives %v", err)
		}
		k.Crash()
		if snap, err := k.Store.Load(k.T.Context(), "one"); err != nil || snap.Cursor.Status != journal.Running || snap.Cursor.Stopping == "" {
			t.Errorf("after the crash: %s, stopping %q (%v)", snap.Cursor.Status, snap.Cursor.Stopping, err)
		}
		k.Resume("one", runtime.ResumeOptions{})
		k.Forward(2 * time.Minute)
		snap, err := k.Store.Load(k.T.Context(), "one")
		if err != nil || snap.Cursor.Status != journal.Cancelled || snap.Cursor.Reason != runtime.Stopped || snap.State["n"] != int64(1) {
			t.Errorf("%s: %s, n = %v (%v), want cancelled: stopped, 1", snap.Cursor.Status, snap.Cursor.Reason, snap.State["n"], err)
		}
	})
}

func TestAHotStackDoesNotStarveOthers(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		var order []string
		k.Node("a", func(ctx context.Context, t nodes.Task) (any, error) {
			order = append(order, t.Stack)
			return runtimetest.Takes(time.Second, runtimetest.Returns(1))(ctx, t)
		})
		g := k.Compile(def(k.T, `{"graphrun": 1, "name": "g", "params": [{"name": "n", "type": "integer"}],
			"pools": [{"name": "default", "parallel": 1}],
			"nodes": [{"id": "a", "uses": "work", "for_each": {"in": "1..params.n", "as": "it"}}], "limits": {"cycles": 1}}`))
		k.Start(g, runtime.StartOptions{ID: "hot", Params: map[string]any{"n": 100}})
		k.Forward(5500 * time.Millisecond)
		k.Start(g, runtime.StartOptions{ID: "small", Params: map[string]any{"n": 2}})
		k.Forward(5 * time.Second)
		want := []string{"hot", "hot", "hot", "hot", "hot", "hot", "hot", "small", "hot", "small", "hot"}
		if diff := cmp.Diff(want[:len(order)], order); diff != "" && strings.Join(order[6:], " ") != "small hot small hot hot" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestALowPriorityIsServedInTheEnd(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		var served atomic.Bool
		k.Node("a", runtimetest.Takes(10*time.Second, runtimetest.Returns(map[string]any{})))
		k.Node("b", func(context.Context, nodes.Task) (any, error) { served.Store(true); return map[string]any{}, nil })
		text := `{"graphrun": 1, "name": "g", "pools": [{"name": "default", "parallel": 1}], "pause": {"none": true},
			"nodes": [{"id": %q, "uses": "work", "priority": %d}]}`
		urgent := k.Compile(def(k.T, fmt.Sprintf(text, "a", 5)))
		for i := range 3 {
			k.Start(urgent, runtime.StartOptions{ID: fmt.Sprint("urgent", i)})
		}
		k.Forward(time.Second)
		k.Start(k.Compile(def(k.T, fmt.Sprintf(text, "b", 0))), runtime.StartOptions{ID: "low"})
		k.Forward(time.Minute)
		if served.Load() {
			t.Error("the lower priority went first")
		}
		k.Forward(3 * time.Minute)
		if !served.Load() {
			t.Error("the lower priority is never served")
		}
	})
}

func TestSetPool(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		lines := make(chan string, 100)
		g := k.Compile(wide(k, 4, `{"name": "default", "parallel": 1}`, func(int) string { return "" }, func(l string) { lines <- l }))
		k.Start(g, runtime.StartOptions{})
		k.Forward(500 * time.Millisecond)
		if err := k.Runtime.SetPool("wide", "default", 0); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Minute)
		want := []runtime.PoolStatus{{Graph: "wide", Pool: "default", Queued: 3, OldestWait: time.Minute + 500*time.Millisecond}}
		if diff := cmp.Diff(want, k.Runtime.PoolStatus()); diff != "" {
			t.Errorf("pools (-want +got):\n%s", diff)
		}
		if err := k.Runtime.SetPool("wide", "default", 3); err != nil {
			t.Fatal(err)
		}
		k.Forward(time.Second)
		if got := len(lines); got != 4 {
			t.Errorf("%d tasks began, want 4", got)
		}
		var unknown *runtime.UnknownPoolError
		if err := k.Runtime.SetPool("wide", "llm", 3); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "wide/default") {
			t.Errorf("unknown pool: %v", err)
		}
		for _, changed := range []struct{ file, want int }{{1, 3}, {2, 2}} { // the same limit, another one
			pool := fmt.Sprintf(`{"name": "default", "parallel": %d}`, changed.file)
			g := k.Compile(wide(k, 4, pool, func(int) string { return "" }, func(string) {}))
			if err := k.Runtime.AddGraph(g, nil); err != nil {
				t.Fatal(err)
			}
			if got := k.Runtime.PoolStatus()[0].Parallel; got != changed.want {
				t.Errorf("the file says %d: limit %d, want %d", changed.file, got, changed.want)
			}
		}
	})
}

func TestAddGraph(t *testing.T) {
	t.Parallel()
	changed := func(typ string, by int) string {
		return fmt.Sprintf(`{"graphrun": 1, "name": "one", "state": [{"name": "n", "type": %q, "reduce": {"name": %q}}],
			"nodes": [{"id": "b", "uses": "set", "with": {"by": %d}, "writes": [{"key": "n", "expr": %q}]}],
			"pause": {"set": true, "active": 60000000000}}`, typ, map[string]string{"integer": "sum", "string": "replace"}[typ], by,
			map[string]string{"integer": "output.by", "string": `"x"`}[typ])
	}
	for _, loaded := range []int{0, -1} {
		t.Run(fmt.Sprint("loaded ", loaded), func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Config.Loaded = loaded
				k.Reopen()
				k.Node("a", runtimetest.Returns(1))
				start(k, one(k.T, 1000, "", `, "pause": {"set": true, "active": `+minute+`}`))
				k.Forward(time.Second)
				add := func(text string) *graph.Graph {
					g := k.Compile(def(k.T, text))
					if err := k.Runtime.AddGraph(g, nil); err != nil {
						t.Fatal(err)
					}
					return g
				}
				bad := add(changed("string", 0))
				k.Forward(time.Minute)
				st, err := k.Runtime.Status(k.T.Context(), "one")
				if err != nil || st.Refused == nil || st.Refused.Hash != bad.Hash || !strings.Contains(st.Refused.Error(), "string") {
					t.Errorf("refused: %v (%v), want what does not fit", st.Refused, err)
				}
				if got := state(k, "one")["n"]; got != int64(2) {
					t.Errorf("n = %v, want 2: it continues under the old definition", got)
				}
				good := add(changed("integer", 100))
				k.Forward(time.Minute)
				st, err = k.Runtime.Status(k.T.Context(), "one")
				if err != nil || st.Refused != nil || st.Cursor.Hash != good.Hash {
					t.Errorf("status %+v (%v), want the new definition", st, err)
				}
				if got := state(k, "one")["n"]; got != int64(102) {
					t.Errorf("n = %v, want 102", got)
				}
			})
		})
	}
}

// full is a store that is full from time to time.
type full struct {
	runtime.Store
	no atomic.Bool
}

func (f *full) Commit(ctx context.Context, c runtime.Commit) error {
	if f.no.Load() {
		return &runtime.StoreError{Err: errors.New("no space left on device")}
	}
	return f.Store.Commit(ctx, c)
}

func TestAFullDiskIsWaitedOut(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		store := &full{Store: k.Store}
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: store, Kinds: k.Kinds})
		if err != nil {
			t.Fatal(err)
		}
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 3, "", `, "pause": {"none": true}`))
		for i := range 20 {
			if _, err := rt.Start(k.T.Context(), g, runtime.StartOptions{ID: fmt.Sprint("s", i)}); err != nil {
				t.Fatal(err)
			}
		}
		k.Forward(500 * time.Millisecond)
		store.no.Store(true)
		k.Forward(10 * time.Minute)
		if runs := len(k.Runs("a")); runs != 4 {
			t.Errorf("%d tasks began, want 4: nothing starts while the disk is full", runs)
		}
		if since, err := rt.StoreHealth(); err == nil || time.Since(since) < 9*time.Minute {
			t.Errorf("trouble %v since %s", err, since)
		}
		st, err := rt.Status(k.T.Context(), "s0")
		if err != nil || st.Cursor.Status != journal.Running {
			t.Errorf("status %+v (%v): reads continue", st, err)
		}
		store.no.Store(false)
		k.Forward(time.Minute)
		for i := range 20 {
			if got := state(k, fmt.Sprint("s", i))["n"]; got != int64(3) {
				t.Errorf("stack s%d: n = %v, want 3", i, got)
			}
		}
		if runs := len(k.Runs("a")); runs != 60 {
			t.Errorf("%d tasks ran, want 60: results are kept", runs)
		}
		if _, err := rt.StoreHealth(); err != nil {
			t.Errorf("trouble %v, want none", err)
		}
		if err := rt.Close(k.T.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func TestAFatalErrorStopsEverything(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		fatal := &runtime.StoreError{Err: errors.New("input/output error"), Fatal: true}
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: &failing{Store: k.Store, after: 10, err: fatal}, Kinds: k.Kinds})
		if err != nil {
			t.Fatal(err)
		}
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 100, "", `, "pause": {"set": true, "active": `+minute+`}`))
		var all []*runtime.Stack
		for i := range 3 {
			s, err := rt.Start(k.T.Context(), g, runtime.StartOptions{ID: fmt.Sprint("s", i)})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		for _, s := range all {
			if _, err := s.Wait(k.T.Context()); !errors.Is(err, fatal) {
				t.Errorf("stack %s: %v, want the store's error", s.ID(), err)
			}
		}
		if _, err := rt.Start(k.T.Context(), g, runtime.StartOptions{ID: "x"}); !errors.Is(err, fatal) {
			t.Errorf("start: %v, want the store's error", err)
		}
		if err := rt.Close(k.T.Context()); !errors.Is(err, fatal) {
			t.Errorf("close: %v, want the store's error", err)
		}
	})
}

// TestALateResultOfAnUnloadedStack: an attempt that ignores its cancellation is
// given up; when it returns after all, its stack may have been unloaded.
func TestALateResultOfAnUnloadedStack(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Loaded = -1
		k.Reopen()
		k.Node("a", func(context.Context, nodes.Task) (any, error) {
			<-time.After(time.Hour)
			return 1, nil
		}, runtimetest.Returns(10))
		s := start(k, one(k.T, 10, `, "timeout": 1000000000`, `, "pause": {"set": true, "active": 7200000000000}`))
		k.Forward(30 * time.Minute)
		st, err := k.Runtime.Status(k.T.Context(), "one")
		if err != nil || st.Loaded || st.Cursor.Counts.Failures != 1 {
			t.Fatalf("status %+v (%v), want an unloaded stack with a failure", st, err)
		}
		if r := k.Wait(s); r.State["n"] != int64(10) || r.Cursor.Counts.NodeRuns != 2 {
			t.Errorf("n = %v after %d runs, want 10 after 2", r.State["n"], r.Cursor.Counts.NodeRuns)
		}
	})
}

// TestWhatIsAskedDuringTroubleIsAnswered: a command to a stack that waits for the
// store causes one more attempt, and fails if that one does.
func TestWhatIsAskedDuringTroubleIsAnswered(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		store := &full{Store: k.Store}
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: store, Kinds: k.Kinds})
		if err != nil {
			t.Fatal(err)
		}
		k.Node("a", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
		g := k.Compile(one(k.T, 100, "", `, "pause": {"set": true, "active": `+minute+`}`))
		for _, id := range []string{"working", "resting", "apart"} {
			if _, err := rt.Start(k.T.Context(), g, runtime.StartOptions{ID: id, Rest: id == "apart"}); err != nil {
				t.Fatal(err)
			}
		}
		k.Forward(10 * time.Second)
		if err := rt.Wake(k.T.Context(), "working"); err != nil {
			t.Fatal(err)
		}
		store.no.Store(true)
		k.Forward(2 * time.Second)
		var se *runtime.StoreError
		for range 2 {
			begin := time.Now()
			for _, id := range []string{"working", "resting", "apart"} {
				if err := rt.Pause(k.T.Context(), id); !errors.As(err, &se) {
					t.Errorf("pause of %s: %v, want the store's error", id, err)
				}
			}
			if _, err := rt.Start(k.T.Context(), g, runtime.StartOptions{ID: "new"}); !errors.As(err, &se) {
				t.Errorf("start: %v, want the store's error", err)
			}
			if took := time.Since(begin); took > 0 {
				t.Errorf("the answers took %s, want none to wait for room", took)
			}
		}
		for id, want := range map[string]bool{"working": true, "resting": true, "apart": false} {
			st, err := rt.Status(k.T.Context(), id)
			if err != nil || errors.As(st.Problem, &se) != want {
				t.Errorf("status of %s: problem %v (%v)", id, st.Problem, err)
			}
		}
		store.no.Store(false)
		if err := rt.Unpause(k.T.Context(), "working"); err != nil {
			t.Errorf("resume: %v: a command has the stack try at once", err)
		}
		k.Forward(time.Minute)
		for id, want := range map[string]journal.Status{"working": journal.Running, "resting": journal.Paused, "apart": journal.Running} {
			st, err := rt.Status(k.T.Context(), id)
			if err != nil || st.Problem != nil || st.Cursor.Status != want {
				t.Errorf("status of %s: %q, problem %v (%v), want %q", id, st.Cursor.Status, st.Problem, err, want)
			}
		}
		if _, err := rt.StoreHealth(); err != nil {
			t.Errorf("trouble %v, want none", err)
		}
		if err := rt.Close(k.T.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func statuses(k *runtimetest.Kit) (list []runtime.Status, err error) {
	err = k.Runtime.List(k.T.Context(), func(s runtime.Status) error {
		list = append(list, s)
		return nil
	})
	return list, err
}
