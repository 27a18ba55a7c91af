package journal

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQuestions(t *testing.T) {
	t.Parallel()
	refund := Call{ID: "1", Tool: "refund", Args: map[string]any{"amount": int64(30)}}
	mail := Call{ID: "2", Tool: "mail"}
	told := Call{ID: "3", Tool: "mail", Answered: true}
	at := Cursor{
		Waiting: []Waiting{
			{Node: "done", Kind: "approval", Answered: true},
			{Node: "ask", Kind: "approval", With: map[string]any{"prompt": "Now?"}},
			{Node: "later", Kind: "wait", Due: time.Unix(1, 0)},
		},
		Asking: []Waiting{
			{Node: "triage", Kind: "agent", Calls: []Call{refund, told, mail}},
			{Node: "each", Item: "b", Kind: "agent", Calls: []Call{mail}},
			{Node: "inner", Kind: "graph"},
		},
	}
	var got []string
	for _, w := range at.Questions() {
		got = append(got, w.Place()+": "+w.Prompt())
	}
	want := []string{
		"ask: Now?", "later: ", `triage: triage wants to call refund {"amount":30}, mail`, "each[b]: each[b] wants to call mail", "inner: ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(at.Asking[0].Calls) != 3 {
		t.Error("the cursor has changed")
	}
	long := Waiting{Node: "a", Calls: []Call{{ID: "1", Tool: "mail", Args: strings.Repeat("é", maxPrompt)}}}
	if p := long.Prompt(); len(p) > maxPrompt+40 || !strings.HasSuffix(p, "é…") {
		t.Errorf("a prompt of %d bytes that ends with %q", len(p), p[len(p)-8:])
	}
}

// The questions of a task, and those of different elements, have different ids.
func TestQuestionIDs(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1767323045000)
	seen := map[string]bool{}
	for _, w := range []Waiting{
		{Node: "a", Number: 1}, {Node: "a", Number: 2}, {Node: "a", Item: "x", Number: 1}, {Node: "a", Item: "y", Number: 1}, {Node: "a", Item: "y", Number: 2},
	} {
		w.Cycle, w.Wave, w.Since = 3, 1, at
		if id := w.ID(); seen[id] || !strings.HasPrefix(id, "a.3.1.") {
			t.Errorf("id %q of %+v", id, w)
		} else {
			seen[id] = true
		}
	}
	plain := Waiting{Node: "a", Cycle: 3, Wave: 1, Since: at}
	first := plain
	first.Number = 1
	if plain.ID() != first.ID() {
		t.Errorf("%q and %q: the first question of a task has no number", plain.ID(), first.ID())
	}
}
