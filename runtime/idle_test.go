package runtime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
	"github.com/graphrun/graphrun/runtime/runtimetest"
)

var untilIdle = runtime.StopAfter{UntilIdle: true}

// asks asks for a word on one call.
func asks(ctx context.Context, task nodes.Task) error {
	return task.Ask(ctx, []journal.Call{{ID: "x", Tool: "refund"}})
}

// TestHeldWhenTheCyclesAreOver: a stack is idle when its last attempt is held, also if no
// cycle comes any more.
func TestHeldWhenTheCyclesAreOver(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			if err := asks(ctx, task); err != nil {
				return nil, err
			}
			<-after(time.Minute)
			return nil, nodes.ErrHeld
		})
		begun := time.Now()
		r := k.Wait(k.Start(firstCycle(k, ""), runtime.StartOptions{StopAfter: untilIdle}))
		if took := time.Since(begun); took < time.Minute || took > 2*time.Minute {
			k.T.Errorf("idle after %s, want a minute", took)
		}
		if len(r.Cursor.Asking) != 1 || r.Cursor.Status != journal.Running {
			k.T.Errorf("ended as %+v", r.Cursor)
		}
	})
}

// TestElementsThatWork: a stack is not idle while another element of a node that waits is
// to be tried again.
func TestElementsThatWork(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		tries := 0
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			if task.Item == "0" {
				if err := asks(ctx, task); err != nil {
					return nil, err
				}
				return nil, nodes.ErrHeld
			}
			if tries++; tries == 1 {
				return nil, nodes.Errorf("error", "not yet")
			}
			return 1, nil
		})
		r := k.Wait(k.Start(firstCycle(k, `, "for_each": {"in": "[1, 2]"}, "retry": {"attempts": 2, "backoff": 60000000000}`), runtime.StartOptions{StopAfter: untilIdle}))
		if tries != 2 || len(r.Cursor.Asking) != 1 {
			k.T.Errorf("%d tries, %d questions", tries, len(r.Cursor.Asking))
		}
	})
}

// TestElementsThatWaitBehind: a stack is idle when no element can begin before another has
// its word.
func TestElementsThatWaitBehind(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		k.Node("a", asker(&diary{}, "x"))
		g := firstCycle(k, `, "for_each": {"in": "[1, 2]", "max": "1"}`)
		k.Wait(k.Start(g, runtime.StartOptions{StopAfter: untilIdle}))
		err := k.Runtime.AnswerWith(k.T.Context(), "g", "a", runtime.AnswerOptions{Item: "0", Output: map[string]any{"approved": true}})
		if err != nil {
			k.T.Fatal(err)
		}
		r := k.Wait(k.Resume("g", runtime.ResumeOptions{StopAfter: untilIdle}))
		if c := r.Cursor; len(c.Asking) != 1 || c.Asking[0].Item != "1" {
			k.T.Errorf("asking %+v, want the second element", c.Asking)
		}
	})
}

// TestResumeWhatAsked: an attempt asked, and was cut off before it was held. It continues
// when the stack is resumed until it is idle.
func TestResumeWhatAsked(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		held := 0
		k.Node("a", func(ctx context.Context, task nodes.Task) (any, error) {
			if err := asks(ctx, task); err != nil {
				return nil, err
			}
			select {
			case <-after(time.Minute): // what needs no word
				held++
				return nil, nodes.ErrHeld
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		k.Start(firstCycle(k, ""), runtime.StartOptions{})
		k.Forward(10 * time.Second)
		k.Crash()
		r := k.Wait(k.Resume("g", runtime.ResumeOptions{StopAfter: untilIdle}))
		if held != 1 || len(r.Cursor.Asking) != 1 || !r.Cursor.Asking[0].Held {
			k.T.Errorf("held %d times, %+v", held, r.Cursor.Asking)
		}
		if r := k.Wait(k.Resume("g", runtime.ResumeOptions{StopAfter: untilIdle})); held != 1 || len(r.Cursor.Asking) != 1 {
			k.T.Errorf("resumed again: held %d times, %+v", held, r.Cursor.Asking)
		}
	})
}

// firstCycle is a graph whose node a runs in the first cycle. No other cycle comes by itself.
func firstCycle(k *runtimetest.Kit, node string) *graph.Graph {
	k.T.Helper()
	return k.Compile(def(k.T, `{"graphrun": 1, "name": "g", "pause": {"set": true, "none": true},
		"nodes": [{"id": "a", "uses": "work" `+node+`}], "edges": [{"to": ["a"], "when": "cycle.number == 1"}]}`))
}

// behind is a store in which commits of a stack with records of a type wait until all else
// has come to rest.
type behind struct {
	runtime.Store
	stack, records string
}

func (b *behind) Commit(ctx context.Context, c runtime.Commit) error {
	for _, r := range c.Records {
		if c.Stack == b.stack && r.Body.Type() == b.records {
			synctest.Wait()
			break
		}
	}
	return b.Store.Commit(ctx, c)
}

// TestAtRestBeforeItIsAttached: a stack is idle also if the stack within it was at rest
// before its parent knew of it.
func TestAtRestBeforeItIsAttached(t *testing.T) {
	t.Parallel()
	runtimetest.Run(t, kinds(t), func(k *runtimetest.Kit) {
		_ = k.Runtime.Close(k.T.Context())
		k.Node("quick", runtimetest.Returns(1))
		g := k.Compile(def(k.T, `{"graphrun": 1, "name": "one", "pause": {"active": 5000000000, "idle": 5000000000, "factor": 1},
			"nodes": [{"id": "quick", "uses": "work"},
				{"id": "asks", "uses": "graph", "with": {"file": "asks.yaml"},
					"graph": {"graphrun": 1, "name": "asks", "nodes": [{"id": "ask", "uses": "approval", "with": {"prompt": "ok?"}}]}}],
			"edges": [{"to": ["quick"], "when": "cycle.number == 1"}]}`))
		rt, err := runtime.Open(k.T.Context(), runtime.Config{Store: &behind{k.Store, "one", "task.finished"}, Kinds: k.Kinds})
		if err != nil {
			k.T.Fatal(err)
		}
		s, err := rt.Start(k.T.Context(), g, runtime.StartOptions{StopAfter: untilIdle})
		if err != nil {
			k.T.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(k.T.Context(), time.Hour)
		defer cancel()
		if r, err := s.Wait(ctx); err != nil || r.Cursor.Counts.Cycles > 2 {
			k.T.Errorf("it is not idle: %+v (%v)", r.Cursor.Counts, err)
		}
		if err := rt.Close(k.T.Context()); err != nil {
			k.T.Error(err)
		}
	})
}
