package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// TestPlainViewFolds: of idle cycles in a row the first has its lines, and the others have
// one together, as soon as something happens or the end comes.
func TestPlainViewFolds(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := &plainView{w: &out}
	cycle := uint64(0)
	add := func(b journal.Body) { v.record(journal.Record{Stack: "s", Cycle: cycle, Body: b}) }
	idle := func(n int) {
		for range n {
			cycle++
			add(&journal.CycleStarted{})
			add(&journal.NodeDecided{Node: "a", Reason: "no-live-edge"})
			add(&journal.CycleFinished{Pause: time.Second})
		}
	}
	idle(4)
	cycle++
	add(&journal.CycleStarted{})
	add(&journal.WaveStarted{Wave: 1, Nodes: []string{"a"}})
	add(&journal.CycleFinished{Waves: 1, NodeRuns: 1, Active: true})
	idle(2)
	cycle++
	add(&journal.CycleStarted{})
	add(&journal.CycleFinished{Failed: true, Faults: []string{"stop: no"}})
	idle(1)
	add(&journal.EventReceived{Event: "mail"})
	idle(2)
	v.close()
	want := `cycle 1
cycle 1 finished: 0 waves, 0 node runs; pause 1s
cycles 2 to 4: nothing ran
cycle 5
  wave 1: a
cycle 5 finished: 1 wave, 1 node run
cycle 6
cycle 6 finished: 0 waves, 0 node runs; pause 1s
cycle 7: nothing ran
cycle 8
cycle 8 finished: 0 waves, 0 node runs, failed (stop: no)
cycle 9
cycle 9 finished: 0 waves, 0 node runs; pause 1s
event mail
cycles 10 to 11: nothing ran
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// asking is where a stack stands that asks two things.
func asking() *journal.Cursor {
	return &journal.Cursor{
		Waiting: []journal.Waiting{
			{Node: "ask", Kind: "approval", Cycle: 1, Wave: 1, Since: viewStart, With: map[string]any{"prompt": "Is it\n\x1b[31mfine?"}},
			{Node: "sleep", Kind: "wait", Cycle: 1, Wave: 1, Since: viewStart},
		},
		Asking: []journal.Waiting{{Node: "helper", Item: "a b", Kind: "agent", Cycle: 1, Wave: 1, Since: viewStart,
			Calls: []journal.Call{{ID: "c1", Tool: "rm", Args: map[string]any{"name": "x"}}, {ID: "c2", Tool: "ls", Answered: true}}}},
	}
}

// TestPlainViewAsks: a question stands with the command that answers it.
func TestPlainViewAsks(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := &plainView{w: &out, stack: "my stack", waits: map[string]string{"ask": "waits for an answer", "sleep": "waits"}}
	v.standing(questionsOf(asking()))
	for _, node := range []string{"ask", "sleep"} {
		v.record(journal.Record{Stack: "my stack", Cycle: 1, Body: &journal.TaskStarted{Wave: 1, Node: node, Attempt: 1}})
	}
	want := `    ask waits for an answer (approve or reject)
      Is it \u001b[31mfine?
      graphrun approve 'my stack' ask
    sleep waits
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// inner is a question of a stack that does the work of node check.
func inner(item string) question {
	return question{in: "s.check.1.1", stack: "s", path: "check/ask[" + item + "]", top: "check", node: "ask", item: item, id: "1.1.ask", prompt: "Is \x1b[31mit?"}
}

// TestPlainViewAsksWithin: questions of stacks within are shown once, between the idle cycles.
func TestPlainViewAsksWithin(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	v := &plainView{w: &out, stack: "s", self: itself{db: "x.db"}}
	v.from(journal.Cursor{}, []question{inner("a")})
	for cycle := range uint64(3) {
		v.record(journal.Record{Stack: "s", Cycle: cycle + 1, Body: &journal.CycleStarted{}})
		v.record(journal.Record{Stack: "s", Cycle: cycle + 1, Body: &journal.CycleFinished{}})
	}
	v.standing([]question{inner("a"), inner("b")})
	v.standing([]question{inner("b")})
	want := `    check/ask[a] waits for an answer (approve or reject)
      Is \u001b[31mit?
      graphrun approve s 'check/ask[a]' --db x.db
cycle 1
cycle 1 finished: 0 waves, 0 node runs
cycles 2 to 3: nothing ran
    check/ask[b] waits for an answer (approve or reject)
      Is \u001b[31mit?
      graphrun approve s 'check/ask[b]' --db x.db
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
