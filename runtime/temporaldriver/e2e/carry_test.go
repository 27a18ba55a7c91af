package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/runtime"
)

const carryGraph = `
graphrun: 1
name: carry
state:
  messages: {type: list(string), reduce: append}
  answers: {type: list(string?), reduce: append}
  log: {type: list(string), reduce: append}
events: {message: {to: messages}}
nodes:
  ask: {uses: approval, with: {prompt: "Well?"}, writes: {answers: "[output.comment]"}}
  note: {uses: work, with: {ms: 60}, writes: {log: "[output]"}}
edges:
  - {to: ask, when: len(state.answers) < %[1]d}
  - {to: note}
pause: 0s
stop: len(state.messages) >= %[2]d && len(state.answers) >= %[1]d
`

// TestContinuedWorkflows: the workflow of a stack continues as another one again and again, while
// events come as updates and as signals, and answers are given. Each is applied once.
func TestContinuedWorkflows(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), sharedCluster(t)
	const senders, each, answers = 4, 30, 20
	s := settings{Address: c.Address(), Queue: t.Name(), Ledger: tempFile(t, "ledger"), Heartbeat: 5 * time.Second, Events: 80}
	newWorker(t, s)
	newWorker(t, s)
	k := registry(t, s.Ledger)
	all := newStacks(t, c.Address(), s.Queue, k)
	g := compile(t, fmt.Sprintf(carryGraph, answers, senders*each), k)
	if err := all.Start(ctx, g, runtime.StartOptions{ID: "carry"}); err != nil {
		t.Fatal(err)
	}
	var again atomic.Int64 // tries that had to be made again: the workflow continued as another one meanwhile
	try := func(what string, fn func(ctx context.Context) error) {
		for n := 0; ; n++ {
			one, stop := context.WithTimeout(ctx, 20*time.Second)
			err := fn(one)
			stop()
			switch {
			case err == nil:
				return
			case n == 10:
				t.Errorf("%s: %v", what, err)
				return
			}
			again.Add(1)
		}
	}
	var sending sync.WaitGroup
	for n := range senders {
		sending.Go(func() {
			for i := range each {
				id := fmt.Sprintf("m%d-%02d", n, i)
				for range 2 { // the second one is a repetition
					try(id, func(ctx context.Context) error {
						if n > 0 {
							_, err := all.Send(ctx, runtime.Send{Stack: "carry", ID: id, Event: "message", Payload: []any{id}})
							return err
						}
						payload, err := value.Of([]any{id})
						if err != nil {
							return err
						}
						return all.c.SignalWorkflow(ctx, "carry", "", "event", map[string]any{"id": id, "event": "message", "payload": payload})
					})
				}
				select {
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	sending.Go(func() {
		last := ""
		for i := range answers {
			id := last
			until(t, "a question", func() bool {
				sum, err := all.Stack(ctx, "carry")
				if err == nil && len(sum.Cursor.Waiting) > 0 {
					id = sum.Cursor.Waiting[0].ID()
				}
				return id != last
			})
			last = id
			for range 2 {
				try(id, func(ctx context.Context) error {
					return all.AnswerWith(ctx, "carry", "ask", runtime.AnswerOptions{For: id, Output: map[string]any{"approved": true, "comment": fmt.Sprintf("a%02d", i)}})
				})
			}
		}
	})
	sending.Wait()
	out, err := all.Wait(ctx, "carry")
	if err != nil {
		t.Fatal(err)
	}
	state, _ := out.State.Any().(map[string]any)
	messages := list(state["messages"])
	for n := range senders {
		var want []string
		for i := range each {
			want = append(want, fmt.Sprintf("m%d-%02d", n, i))
		}
		got := slices.DeleteFunc(slices.Clone(messages), func(id string) bool { return !strings.HasPrefix(id, fmt.Sprintf("m%d-", n)) })
		if !slices.Equal(want, got) {
			t.Errorf("of sender %d came %v", n, got)
		}
	}
	var want []string
	for i := range answers {
		want = append(want, fmt.Sprintf("a%02d", i))
	}
	if got := list(state["answers"]); !slices.Equal(want, got) {
		t.Errorf("the answers are %v", got)
	}
	keys := list(state["log"])
	if n := len(keys); n != len(slices.Compact(slices.Sorted(slices.Values(keys)))) {
		t.Errorf("a result was applied twice: %v", keys)
	}
	o, err := s.options(nil)
	if err != nil {
		t.Fatal(err)
	}
	all.replay(t, o, "carry")
	all.record(t, "carry", "carry", 3)
	runs := len(all.histories(t, "carry"))
	t.Logf("%d workflows, %d cycles, %d tries were made again", runs, out.Cursor.Cycle, again.Load())
	if runs < 5 {
		t.Errorf("%d workflows are too few for the test to mean anything", runs)
	}
}
