package runtime_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/memstore"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// A stack that nobody drives accepts commands; nothing is decided, and no secret is
// needed.
func TestAStackThatNobodyDrivesRests(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Config.Secret = func(string) (string, bool) { return "hush", true }
		k.Reopen()
		k.Node("a", runtimetest.Returns(nil), runtimetest.Takes(time.Minute, runtimetest.Returns(nil)))
		s := start(k, def(k.T, `{"graphrun": 1, "name": "one", "secrets": ["TOKEN"],
			"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}],
			"events": [{"name": "n", "to": "n"}],
			"nodes": [
				{"id": "count", "uses": "set", "writes": [{"key": "n", "expr": "1"}]},
				{"id": "a", "uses": "work", "with": {"token": "${{ secrets.TOKEN }}"}}],
			"edges": [{"to": ["count"]}, {"from": ["count"], "to": ["a"]}],
			"pause": {"set": true, "active": 1000000000}}`))
		k.Cycles(s, 1)
		for _, inCycle := range []bool{false, true} {
			k.Config.Secret = nil
			k.Crash()
			before := k.Records("one")
			k.Forward(time.Hour) // whatever is due
			if _, err := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "one", Event: "n", Payload: 10}); err != nil {
				t.Fatal(err)
			}
			for name, command := range map[string]func(context.Context, string) error{
				"wake": k.Runtime.Wake, "pause": k.Runtime.Pause, "resume": k.Runtime.Unpause,
				"cancel of a task": func(ctx context.Context, id string) error { return k.Runtime.CancelTask(ctx, id, "a", "") },
			} {
				if err := command(k.T.Context(), "one"); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			var types []string
			for _, r := range k.Records("one")[len(before):] {
				types = append(types, r.Body.Type())
			}
			want := []string{"event.received"}
			if inCycle {
				want = append(want, "task.finished")
			}
			if diff := cmp.Diff(want, types); diff != "" {
				t.Errorf("in a cycle: %v: records (-want +got):\n%s", inCycle, diff)
			}
			k.Config.Secret = func(string) (string, bool) { return "hush", true }
			k.Reopen()
			if err := k.Runtime.Unpause(k.T.Context(), "one"); err != nil { // whatever came last
				t.Fatal(err)
			}
			recoverAll(k, 1)
			k.Forward(2 * time.Second) // into the next cycle
		}
	})
}

// A pause that was ended stays ended, also where nothing follows at once.
func TestAWakeIsDurable(t *testing.T) {
	t.Parallel()
	for name, paused := range map[string]bool{"nobody drives it": false, "it is paused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				k.Node("a", runtimetest.Returns(1))
				s := start(k, one(k.T, 100, "", `, "pause": {"set": true, "active": 3600000000000}`))
				k.Cycles(s, 1)
				if paused {
					if err := s.Pause(k.T.Context()); err != nil {
						t.Fatal(err)
					}
				} else {
					k.Crash()
				}
				if err := k.Runtime.Wake(k.T.Context(), "one"); err != nil {
					t.Fatal(err)
				}
				k.Crash()
				if err := k.Runtime.Unpause(k.T.Context(), "one"); err != nil {
					t.Fatal(err)
				}
				recoverAll(k, 1)
				k.Forward(time.Second)
				if got := state(k, "one")["n"]; got != int64(2) {
					t.Errorf("n = %v, want 2: the pause was over", got)
				}
			})
		})
	}
}

func TestCancellingAgain(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Takes(time.Minute, runtimetest.Returns(1)))
		start(k, one(k.T, 1, "", ""))
		k.Forward(time.Second)
		var unknown *machine.UnknownNodeError
		if err := k.Runtime.CancelTask(k.T.Context(), "one", "b", ""); !errors.As(err, &unknown) {
			t.Errorf("cancel of a task of node b: %v, want an UnknownNodeError", err)
		}
		for range 2 {
			if err := k.Runtime.Cancel(k.T.Context(), "one", "not needed"); err != nil {
				t.Fatal(err)
			}
		}
		for name, err := range map[string]error{
			"stop":             k.Runtime.End(k.T.Context(), "one"),
			"cancel of a task": k.Runtime.CancelTask(k.T.Context(), "one", "a", ""),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if st, err := k.Runtime.Status(k.T.Context(), "one"); err != nil || st.Cursor.Reason != "not needed" {
			t.Errorf("reason %q (%v), want the first one's", st.Cursor.Reason, err)
		}
	})
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", runtimetest.Returns(1))
		k.Wait(start(k, one(k.T, 1, "", "")))
		if err := k.Runtime.Cancel(k.T.Context(), "one", ""); !errors.Is(err, runtime.ErrEnded) {
			t.Errorf("cancel of a completed stack: %v, want ErrEnded", err)
		}
	})
}

// gate is a store whose commits wait.
type gate struct {
	runtime.Store
	open chan struct{}
}

func (g *gate) Commit(ctx context.Context, c runtime.Commit) error {
	<-g.open
	return g.Store.Commit(ctx, c)
}

// TestAVisitIsWaitedFor: a command for a stack that nobody drives is over in a
// moment. Meanwhile the stack is not driven by anybody else.
func TestAVisitIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		visit, do func(*runtime.Runtime, context.Context) error
	}{
		"Resume": {
			func(rt *runtime.Runtime, ctx context.Context) error { return rt.Pause(ctx, "one") },
			func(rt *runtime.Runtime, ctx context.Context) error {
				_, err := rt.Resume(ctx, "one", runtime.ResumeOptions{})
				return err
			},
		},
		"Remove": {
			func(rt *runtime.Runtime, ctx context.Context) error { return rt.Cancel(ctx, "one", "") },
			func(rt *runtime.Runtime, ctx context.Context) error { return rt.Remove(ctx, "one") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, g := t.Context(), &gate{memstore.New(), make(chan struct{})}
				reg := kinds(t)
				rt, err := runtime.Open(ctx, runtime.Config{Store: g.Store, Kinds: reg})
				if err != nil {
					t.Fatal(err)
				}
				waits, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "one", "nodes": [{"id": "n", "uses": "set"}], "pause": {"none": true}}`), reg)
				if err := problems.Err(); err != nil {
					t.Fatal(err)
				}
				if _, err := rt.Start(ctx, waits, runtime.StartOptions{Rest: true}); err != nil {
					t.Fatal(err)
				}
				if err := rt.Close(ctx); err != nil {
					t.Fatal(err)
				}
				if rt, err = runtime.Open(ctx, runtime.Config{Store: g, Kinds: reg}); err != nil {
					t.Fatal(err)
				}
				visited, done := make(chan error, 1), make(chan error, 1)
				go func() { visited <- c.visit(rt, ctx) }()
				synctest.Wait()
				go func() { done <- c.do(rt, ctx) }()
				synctest.Wait()
				close(g.open)
				if err := <-visited; err != nil {
					t.Error(err)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
				if err := rt.Close(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// cramped is a store with room for a number of commits.
type cramped struct {
	runtime.Store
	room int
}

func (f *cramped) Commit(ctx context.Context, c runtime.Commit) error {
	if f.room == 0 {
		return &runtime.StoreError{Err: errors.New("no room")}
	}
	f.room--
	return f.Store.Commit(ctx, c)
}

// TestACommandIsOneCommit: a command for a stack that nobody drives has taken
// effect or has failed, and never both.
func TestACommandIsOneCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, reg := t.Context(), kinds(t)
		g, problems := graph.Compile(def(t, `{"graphrun": 1, "name": "one", "nodes": [{"id": "n", "uses": "set"}], "pause": {"none": true},
			"state": [{"name": "n", "type": "integer", "reduce": {"name": "sum"}}], "events": [{"name": "n", "to": "n"}]}`), reg)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		f := &cramped{Store: memstore.New()}
		rt, err := runtime.Open(ctx, runtime.Config{Store: f, Kinds: reg, FailOnStoreError: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			do   func() error
		}{
			{"start", func() error {
				_, err := rt.Start(ctx, g, runtime.StartOptions{Rest: true})
				return err
			}},
			{"send", func() error {
				_, err := rt.Send(ctx, runtime.Send{Stack: "one", Event: "n", Payload: 1})
				return err
			}},
			{"pause", func() error { return rt.Pause(ctx, "one") }},
			{"cancel", func() error { return rt.Cancel(ctx, "one", "") }},
		} {
			before, _ := f.Load(ctx, "one")
			f.room = 0
			if err := c.do(); err == nil {
				t.Errorf("%s without room succeeds", c.name)
			}
			if after, _ := f.Load(ctx, "one"); after.Cursor.Seq != before.Cursor.Seq || after.Cursor.Status != before.Cursor.Status {
				t.Errorf("%s failed, and did something: %+v", c.name, after.Cursor)
			}
			f.room = 1
			if err := c.do(); err != nil {
				t.Errorf("%s with room for one commit: %v", c.name, err)
			}
		}
		f.room = 1
		if err := rt.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestTextsThatAreNotUTF8AreRefused: nothing that a program gives is stored otherwise
// than it was given.
func TestTextsThatAreNotUTF8AreRefused(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		const bad = "caf\xe9"
		g := k.Compile(def(t, `{"graphrun": 1, "name": "one", "params": [{"name": "p", "type": "any", "default": 1}],
			"state": [{"name": "n", "type": "any"}], "events": [{"name": "e", "to": "n"}], "limits": {"cycles": 9},
			"nodes": [{"id": "a", "uses": "work"}], "pause": {"set": true, "active": 1000000000}}`))
		s := k.Start(g, runtime.StartOptions{})
		_, payload := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "one", Event: "e", Payload: bad})
		_, id := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "one", Event: "e", Payload: 1, ID: bad})
		_, param := k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{ID: "two", Params: map[string]any{"p": []string{bad}}})
		_, state := k.Runtime.Start(k.T.Context(), g, runtime.StartOptions{ID: "two", State: map[string]any{"n": map[string]any{bad: 1}}})
		for what, err := range map[string]error{"reason": s.Cancel(k.T.Context(), bad), "payload": payload, "id": id, "param": param, "state": state} {
			var wrong *value.TextError
			if !errors.As(err, &wrong) || wrong.Offset != 3 {
				t.Errorf("%s: %v, want the offset of the byte", what, err)
			}
		}
	})
}
