package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/render"
)

// TestTimeline: a line a node, elements together, failures where they were, and what still
// runs to the end.
func TestTimeline(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var records []journal.Record
	add := func(second int, cycle uint64, b journal.Body) {
		records = append(records, journal.Record{Time: begin.Add(time.Duration(second) * time.Second), Cycle: cycle, Body: b})
	}
	started := func(second int, node, item string) {
		add(second, 1, &journal.TaskStarted{Wave: 1, Node: node, Item: item, Attempt: 1})
	}
	add(0, 1, &journal.CycleStarted{})
	started(0, "each", "x")
	started(1, "each", "y")
	add(4, 1, &journal.TaskFinished{Wave: 1, Node: "each", Item: "x", Attempt: 1})
	add(6, 1, &journal.TaskFinished{Wave: 1, Node: "each", Item: "y", Attempt: 1, Error: &journal.Failure{Kind: "exit"}})
	started(8, "ask\x1b", "")
	add(12, 2, &journal.CycleStarted{})
	add(19, 2, &journal.CycleFinished{})
	var out strings.Builder
	if err := render.Timeline(&out, records, begin, 31); err != nil {
		t.Fatal(err)
	}
	want := "cycle      1           2\neach       ██████✗\nask\\u001b          ████████████\na column is 950ms\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	out.Reset()
	if err := render.Timeline(&out, records, begin.Add(12*time.Second), 31); err != nil {
		t.Fatal(err)
	}
	want = "cycle      2\nask\\u001b  ████████████████████\na column is 350ms\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("from cycle 2 on (-want +got)\n%s", diff)
	}
	out.Reset()
	if err := render.Timeline(&out, nil, begin, 30); err != nil || out.Len() > 0 {
		t.Errorf("of no records: %v, %q", err, out.String())
	}
}
