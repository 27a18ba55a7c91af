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
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

// box is a graph that only collects lines.
const box = `{"graphrun": 1, "name": "box",
	"state": [{"name": "lines", "type": "list(string)", "reduce": {"name": "append"}}, {"name": "seen", "type": "integer"}],
	"events": [{"name": "line", "to": "lines"}],
	"nodes": [{"id": "read", "uses": "set", "with": {"n": "${{ len(state.lines) }}"}, "writes": [{"key": "seen", "expr": "output.n"}]}],
	"edges": [{"to": ["read"], "when": "len(state.lines) > state.seen"}],
	"pause": {"none": true}}`

func send(k *runtimetest.Kit, stack, id string, lines ...any) bool {
	k.T.Helper()
	again, err := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: stack, Event: "line", Payload: lines, ID: id})
	if err != nil {
		k.T.Fatalf("send: %v", err)
	}
	return again
}

func TestAnEventIsTakenInOnce(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, box))
		if send(k, "box", "1", "a") {
			t.Error("the first is a duplicate")
		}
		k.Crash()
		if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
			t.Fatal(err)
		}
		if !send(k, "box", "1", "a") {
			t.Error("the second is no duplicate")
		}
		send(k, "box", "2", "b")
		send(k, "box", "", "c")
		send(k, "box", "", "c")
		k.Forward(time.Second)
		s, _ := k.Runtime.Stack("box")
		k.WantState(s, map[string]any{"lines": []any{"a", "b", "c", "c"}, "seen": int64(4)})
	})
}

func TestAnEventThatIsRefused(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		start(k, def(k.T, box))
		var event *machine.UnknownEventError
		var payload *machine.PayloadError
		var stack *runtime.UnknownStackError
		for name, c := range map[string]struct {
			in     runtime.Send
			target any
			says   string
		}{
			"event":   {runtime.Send{Stack: "box", Event: "lime"}, &event, "line"},
			"payload": {runtime.Send{Stack: "box", Event: "line", Payload: 1}, &payload, "list(string)"},
			"stack":   {runtime.Send{Stack: "bocks", Event: "line"}, &stack, "box"},
		} {
			_, err := k.Runtime.Send(k.T.Context(), c.in)
			if err == nil || !errors.As(err, c.target) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want one that says %s", name, err, c.says)
			}
		}
		if err := k.Runtime.Cancel(k.T.Context(), "box", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Runtime.Send(k.T.Context(), runtime.Send{Stack: "box", Event: "line", Payload: []any{}}); !errors.Is(err, runtime.ErrEnded) {
			t.Errorf("an ended stack: %v, want ErrEnded", err)
		}
		if err := k.Runtime.Remove(k.T.Context(), "box"); err != nil {
			t.Errorf("remove: %v", err)
		}
		if err := k.Runtime.Remove(k.T.Context(), "box"); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("remove again: %v, want ErrNotFound", err)
		}
	})
}

// post is a graph that sends a line to box in one cycle, and ends.
func post(t testing.TB, event, payload string) graph.Def {
	t.Helper()
	return def(t, fmt.Sprintf(`{"graphrun": 1, "name": "post",
		"nodes": [{"id": "tell", "uses": "send", "with": {"to": "box", "event": %q, "payload": %s}}, {"id": "b", "uses": "work"}],
		"limits": {"cycles": 1}}`, event, payload))
}

func TestSendNodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event, payload, kind string
		lines                []any
	}{
		"arrives":         {"line", `["x"]`, "", []any{"x"}},
		"unknown event":   {"lime", `["x"]`, "config", []any{}},
		"another payload": {"line", `[1]`, "schema", []any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				s := start(k, def(k.T, box))
				k.Node("b", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
				k.Start(k.Compile(post(k.T, c.event, c.payload)), runtime.StartOptions{})
				k.Forward(500 * time.Millisecond)
				k.WantState(s, map[string]any{"lines": []any{}}) // not before the wave's commit
				k.Forward(time.Second)
				k.WantState(s, map[string]any{"lines": c.lines})
				kind := ""
				for _, r := range k.Records("post") {
					if f, ok := r.Body.(*journal.TaskFinished); ok && f.Error != nil {
						kind = f.Error.Kind
					}
				}
				if kind != c.kind {
					t.Errorf("failed with %q, want %q", kind, c.kind)
				}
			})
		})
	}
}

// TestAMessageArrivesOnce crashes after each commit of either stack.
func TestAMessageArrivesOnce(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 12; at++ {
		runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
			k.Node("b", runtimetest.Returns(1))
			start(k, def(k.T, box))
			k.CrashAfter(at)
			_, err := k.Runtime.Start(k.T.Context(), k.Compile(post(k.T, "line", `["x"]`)), runtime.StartOptions{})
			k.Forward(time.Minute)
			k.Crash()
			if _, found := k.Store.Load(k.T.Context(), "post"); err != nil && found != nil {
				return // it was never accepted
			}
			if _, err := k.Runtime.Recover(k.T.Context(), runtime.RecoverOptions{}); err != nil {
				t.Fatal(err)
			}
			k.Forward(time.Minute)
			snap, err := k.Store.Load(k.T.Context(), "box")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{"x"}, snap.State["lines"]); diff != "" {
				t.Errorf("crash after commit %d: lines (-want +got):\n%s", at, diff)
			}
			if snap, err := k.Store.Load(k.T.Context(), "post"); err != nil || snap.Cursor.Outbox != 0 {
				t.Errorf("crash after commit %d: %d messages are left (%v)", at, snap.Cursor.Outbox, err)
			}
		})
	}
}

// fullFor is a store that has no room for some stacks.
type fullFor struct {
	runtime.Store
	stacks string
	no     atomic.Bool
}

func (f *fullFor) Commit(ctx context.Context, c runtime.Commit) error {
	if f.no.Load() && strings.Contains(f.stacks, c.Stack) {
		return &runtime.StoreError{Err: errors.New("no space left on device")}
	}
	return f.Store.Commit(ctx, c)
}

// TestAMessageOfAnEndedStackIsDelivered: its target has no room when the sender ends.
func TestAMessageOfAnEndedStackIsDelivered(t *testing.T) {
	t.Parallel()
	for _, stacks := range []string{"box", "box post"} {
		t.Run(stacks, func(t *testing.T) {
			t.Parallel()
			runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
				store := &fullFor{Store: k.Store, stacks: stacks}
				rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: store, Kinds: k.Kinds})
				if err != nil {
					t.Fatal(err)
				}
				k.Node("b", runtimetest.Takes(time.Second, runtimetest.Returns(1)))
				for _, d := range []graph.Def{def(k.T, box), post(k.T, "line", `["x"]`)} {
					if _, err := rt.Start(k.T.Context(), k.Compile(d), runtime.StartOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				k.Forward(500 * time.Millisecond)
				store.no.Store(true)
				k.Forward(time.Minute)
				store.no.Store(false)
				k.Forward(time.Minute)
				if diff := cmp.Diff([]any{"x"}, state(k, "box")["lines"]); diff != "" {
					t.Errorf("lines (-want +got):\n%s", diff)
				}
				snap, err := k.Store.Load(k.T.Context(), "post")
				if err != nil || !snap.Cursor.Status.Ended() || snap.Cursor.Outbox != 0 {
					t.Errorf("sender: %+v (%v), want an end and no message left", snap.Cursor, err)
				}
				if err := rt.Close(k.T.Context()); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}

// TestElementsSendInTheirOrder: the journal says which that is.
func TestElementsSendInTheirOrder(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		s := start(k, def(k.T, box))
		k.Wait(start(k, def(k.T, `{"graphrun": 1, "name": "post",
			"nodes": [{"id": "each", "uses": "send", "for_each": {"in": "[\"z\", \"a\", \"c\"]", "as": "x", "key": "x"},
				"with": {"to": "box", "event": "line", "payload": ["${{ x }}"]}}],
			"limits": {"cycles": 1}}`)))
		k.Forward(time.Second)
		k.WantState(s, map[string]any{"lines": []any{"z", "a", "c"}})
		for _, r := range k.Records("post") {
			if c, ok := r.Body.(*journal.WaveCommitted); ok {
				if diff := cmp.Diff([]string{"z", "a", "c"}, c.Settled[0].Elements().Order); diff != "" {
					t.Errorf("elements (-want +got):\n%s", diff)
				}
			}
		}
	})
}

// TestAMessageToItself is there when the next cycle begins, however soon that
// is, and whatever comes between.
func TestAMessageToItself(t *testing.T) {
	t.Parallel()
	echo := func(k *runtimetest.Kit) (graph.Def, runtime.StartOptions) {
		return def(k.T, `{"graphrun": 1, "name": "echo",
			"state": [{"name": "lines", "type": "list(string)", "reduce": {"name": "append"}},
				{"name": "seen", "type": "list(integer)", "reduce": {"name": "append"}}],
			"events": [{"name": "line", "to": "lines"}],
			"nodes": [
				{"id": "tell", "uses": "send", "with": {"to": "${{ stack.id }}", "event": "line", "payload": ["${{ string(cycle.number) }}"]}},
				{"id": "look", "uses": "set", "with": {"n": "${{ len(state.lines) }}"}, "writes": [{"key": "seen", "expr": "[output.n]"}]}],
			"pause": {"set": true, "active": 0},
			"limits": {"cycles": 3}}`), runtime.StartOptions{}
	}
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		d, o := echo(k)
		r := k.Wait(k.Start(k.Compile(d), o))
		want := map[string]any{"lines": []any{"1", "2"}, "seen": []any{int64(0), int64(1), int64(2)}}
		if diff := cmp.Diff(want, r.State); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	})
	runtimetest.CrashAtEveryCommit(t, kinds(t), echo)
}
