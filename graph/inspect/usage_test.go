package inspect_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// History reports what attempts used by node, and by the cycle in which they used it.
func TestHistoryHasUsage(t *testing.T) {
	t.Parallel()
	h, err := inspect.HistoryOf(t.Context(), after(t, 4), kinds{}, "s", 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range h.Cycles {
		got = append(got, fmt.Sprintf("cycle %d: %d, %g", c.Cycle, c.Tokens, c.Cost))
		for _, w := range c.Waves {
			for _, n := range w.Nodes {
				got = append(got, fmt.Sprintf("%d %s %s: %d, %g", w.Wave, n.Node, n.Status, n.Tokens, n.Cost))
			}
		}
	}
	want := []string{
		"cycle 1: 3, 0", "1 count succeeded: 0, 0", "1 slow waiting: 0, 0", "2 small succeeded: 3, 0",
		"cycle 2: 10, 0.5", "1 count succeeded: 0, 0", "2 small succeeded: 3, 0",
		"cycle 3: 3, 0", "0 slow succeeded: 7, 0.5", "1 count succeeded: 0, 0", "2 big succeeded: 3, 0",
		"cycle 4: 3, 0", "1 count succeeded: 0, 0", "2 big succeeded: 3, 0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A task that waits for words is in the state waiting, from its question on; with all its
// words it is queued until its next attempt begins.
func TestTaskThatAsks(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	rec := func(s int, b journal.Body) journal.Record { return journal.Record{Time: at(s), Cycle: 1, Body: b} }
	question := journal.Waiting{Node: "a", Item: "x", Kind: "agent", Cycle: 1, Wave: 1, Since: at(2), Calls: []journal.Call{{ID: "1", Tool: "mail"}}}
	var p inspect.Tasks
	states := func(asking ...journal.Waiting) (out []string) {
		for _, one := range p.List(&journal.Cursor{Status: journal.Running, Asking: asking}, true) {
			out = append(out, fmt.Sprintf("%s %s %s#%d %s", one.Node, one.Item, one.State, one.Attempt, one.Since.Sub(start)))
		}
		return out
	}
	check := func(when string, got []string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", when, d)
		}
	}
	check("not read", states(question), "a x waiting#1 2s")
	p.Take([]journal.Record{
		rec(0, &journal.WaveStarted{Wave: 1, Nodes: []string{"a"}}),
		rec(1, &journal.TaskStarted{Wave: 1, Node: "a", Item: "x", Attempt: 1}),
		rec(1, &journal.TaskStarted{Wave: 1, Node: "a", Item: "y", Attempt: 1}),
	})
	check("asking", states(question), "a x waiting#1 2s", "a y running#1 1s")
	p.Take([]journal.Record{rec(3, &journal.TaskHeld{Wave: 1, Node: "a", Item: "x", Attempt: 1})})
	check("held", states(question), "a x waiting#1 2s", "a y running#1 1s")
	check("answered", states(), "a x queued#1 3s", "a y running#1 1s")
	p.Take([]journal.Record{rec(5, &journal.TaskStarted{Wave: 1, Node: "a", Item: "x", Attempt: 2})})
	check("again", states(), "a x running#2 5s", "a y running#1 1s")
}
