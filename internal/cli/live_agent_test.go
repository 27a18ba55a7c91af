package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/feed"
)

// TestLiveAgent: the table shows what a model says, what was used, and the calls that
// wait for a word; how to give it stays above.
func TestLiveAgent(t *testing.T) {
	t.Parallel()
	m := newLiveModel(itself{}, "s", &graph.Graph{})
	m.columns = 80
	answer := map[string]any{"question": "work", "stop": "end", "message": map[string]any{
		"role": "assistant", "content": "well", "calls": []any{map[string]any{"id": "c1", "name": "refund", "args": map[string]any{"id": int64(1)}}},
	}, "usage": map[string]any{"input": int64(100), "output": int64(20)}}
	key := journal.TaskKey{Cycle: 1, Wave: 1, Node: "a"}
	table := func() []string { return m.styles.table(m.visible(), m.columns, "*", m.now, true) }

	show(m, &journal.CycleStarted{}, &journal.WaveStarted{Wave: 1, Nodes: []string{"a"}}, &journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1})
	m.delta(feed.Delta{Task: key, Text: strings.Repeat("word ", 30)})
	m.delta(feed.Delta{Task: key, Text: "and\n\x1b[31m then"})
	lines := table()
	if len(lines) != 2 || !strings.HasSuffix(lines[1], `word and \u001b[31m then`) || !strings.Contains(lines[1], "…") {
		t.Errorf("while it speaks: %q", lines)
	}
	printed := show(m,
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "model:p/m", Tokens: 120, Cost: 0.0125, Content: answer},
		&journal.TaskWaiting{Wave: 1, Node: "a", Attempt: 1, Calls: []journal.Call{{ID: "c1", Tool: "refund", Args: map[string]any{"id": int64(1)}}}},
		&journal.TaskHeld{Wave: 1, Node: "a", Attempt: 1},
	)
	want := []string{`a wants to call refund {"id":1} (approve or reject)`, `      graphrun approve s a --call c1`}
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("what stays (-want +got)\n%s", diff)
	}
	want = []string{"  · a  waits for a word on refund (c1), 120 tokens, cost 0.0125"}
	if diff := cmp.Diff(want, table()); diff != "" {
		t.Errorf("while it waits (-want +got)\n%s", diff)
	}
	if got := m.where(); !strings.HasSuffix(got, "cycle 1, wave 1, 120 tokens, cost 0.0125") {
		t.Errorf("the last line is %q", got)
	}
	show(m, &journal.TaskAnswered{Wave: 1, Node: "a", Attempt: 1, Call: "c1", Approved: true}, &journal.TaskStarted{Wave: 1, Node: "a", Attempt: 2},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 2, Name: "tool:refund", Mark: true})
	if lines = table(); len(lines) != 1 || !strings.Contains(lines[0], "attempt 2, running") || !strings.Contains(lines[0], "calls refund") {
		t.Errorf("after the word: %q", lines)
	}
	show(m, &journal.TaskStep{Wave: 1, Node: "a", Attempt: 2, Name: "tool:expert#2/model:p/m", Content: answer},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 2, Name: "tool:flow#3/child", Mark: true})
	if lines = table(); len(lines) != 1 || !strings.Contains(lines[0], "expert#2: calls refund") {
		t.Errorf("while an agent works that is a tool: %q", lines)
	}
}
