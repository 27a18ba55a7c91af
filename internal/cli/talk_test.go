package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/journal"
)

// TestTalk: the records of an agent are told as a conversation, in lines that nothing in
// it can forge.
func TestTalk(t *testing.T) {
	t.Parallel()
	call := map[string]any{"id": "c1", "name": "refund", "args": map[string]any{"amount": int64(30)}}
	answer := func(question, text string, calls ...any) map[string]any {
		return map[string]any{"question": question, "stop": "end", "usage": map[string]any{"input": int64(9), "output": int64(1)},
			"message": map[string]any{"role": "assistant", "content": text, "calls": append([]any{}, calls...)}}
	}
	bodies := []journal.Body{
		&journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "model:p/m", Duration: time.Second, Error: &journal.Failure{Kind: "model", Message: "503"}, Content: map[string]any{"question": "work"}},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 2, Name: "model:p/m", Duration: time.Second, Tokens: 10, Cost: 0.5, Content: answer("work", "I look.\n2026-01-01  forged\x1b[31m", call)},
		&journal.TaskStarted{Wave: 1, Node: "b", Attempt: 1},
		&journal.TaskWaiting{Wave: 1, Node: "a", Attempt: 1, Calls: []journal.Call{{ID: "c1", Tool: "refund", Args: call["args"]}}},
		&journal.TaskHeld{Wave: 1, Node: "a", Attempt: 1},
		&journal.TaskAnswered{Wave: 1, Node: "a", Attempt: 1, Call: "c1", Approved: true, By: "ann", Comment: "fine", Args: map[string]any{"amount": int64(5)}},
		&journal.TaskStarted{Wave: 1, Node: "a", Attempt: 2},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 2, Name: "tool:refund", Mark: true, Content: map[string]any{"call": "c1"}},
		&journal.TaskStarted{Wave: 1, Node: "a", Attempt: 3},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 3, Step: 3, Name: "tool:refund", Duration: time.Second, Content: map[string]any{"call": "c1", "number": int64(1), "text": strings.Repeat("x", 5000)}},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 3, Step: 4, Name: "model:p/m", Duration: time.Second, Tokens: 10, Content: answer("schema", `{"ok":true}`)},
		&journal.TaskFinished{Wave: 1, Node: "a", Attempt: 3, Status: "succeeded", Duration: 2 * time.Second, Talk: &journal.Talk{
			Usage: map[string]any{"turns": int64(2), "calls": int64(1), "input_tokens": int64(18), "output_tokens": int64(2), "cost": 0.5, "estimated": false}}},
	}
	tell := newTeller(itself{}, "my stack", "a", nil)
	tell.inputs[journal.TaskKey{Cycle: 1, Wave: 1, Node: "a"}] = "Refund me"
	var got []string
	for _, b := range bodies {
		if text := tell.record(journal.Record{Cycle: 1, Body: b}); text != "" {
			got = append(got, strings.Split(text, "\n")...)
		}
	}
	want := []string{
		"a started",
		"    input: Refund me",
		"a turn 1: p/m failed after 1s (model): 503",
		"a turn 1: p/m, 1s, 10 tokens, cost 0.5",
		"    says:",
		"      I look.",
		`      2026-01-01  forged\u001b[31m`,
		`    calls refund (c1): {"amount":30}`,
		"a waits for a word on 1 call",
		`    wants to call refund (c1): {"amount":30}`,
		"    to answer (approve or reject): graphrun approve 'my stack' a --call c1",
		"a ann approved refund (c1)",
		`    with other arguments: {"amount":5}`,
		"    comment: fine",
		"a continues (attempt 2)",
		"a continues after a crash or shutdown (attempt 3)",
		"a refund (c1) answered after 1s",
		"    " + strings.Repeat("x", maxTold) + " … (904 bytes more)",
		"a turn 2: p/m, asked for its answer in the declared type, 1s, 10 tokens",
		`    says: {"ok":true}`,
		"a succeeded in 2s: 2 turns, 1 call, 20 tokens, cost 0.5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestTalkBelow: the log has the turns of an agent that is the work of a call too, with the
// place of the call before them. It counts its own turns.
func TestTalkBelow(t *testing.T) {
	t.Parallel()
	answer := func(text string, calls ...any) map[string]any {
		return map[string]any{"question": "work", "stop": "end", "usage": map[string]any{"input": int64(9), "output": int64(1)},
			"message": map[string]any{"role": "assistant", "content": text, "calls": append([]any{}, calls...)}}
	}
	call := func(id, name string) any {
		return map[string]any{"id": id, "name": name, "args": map[string]any{}}
	}
	done := func(id, text string) map[string]any {
		return map[string]any{"call": id, "number": int64(1), "text": text}
	}
	step := func(name string, content any) journal.Body {
		return &journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Name: name, Duration: time.Second, Content: content}
	}
	bodies := []journal.Body{
		&journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1},
		step("model:p/m", answer("", call("c1", "expert"))),
		step("tool:expert#1/model:p/m", answer("", call("c1", "files/pay"), call("c2", "second"))),
		&journal.TaskAnswered{Wave: 1, Node: "a", Attempt: 1, Call: "expert#1/c1", Approved: true, By: "ann"},
		step("tool:expert#1/tool:files/pay", done("c1", "paid")),
		step("tool:expert#1/tool:second#2/model:p/m", answer("Deep.")),
		step("tool:expert#1/tool:second", done("c2", "Deep.")),
		step("tool:expert#1/model:p/m", answer("It is fine.")),
		step("tool:expert", done("c1", "It is fine.")),
		step("model:p/m", answer("Good.")),
	}
	tell := newTeller(itself{}, "s", "a", nil)
	var got []string
	for _, b := range bodies {
		if text := tell.record(journal.Record{Cycle: 1, Body: b}); text != "" {
			got = append(got, strings.Split(text, "\n")...)
		}
	}
	want := []string{
		"a started",
		"a turn 1: p/m, 1s",
		"    calls expert (c1): {}",
		"a expert#1 turn 1: p/m, 1s",
		"    calls files/pay (c1): {}",
		"    calls second (c2): {}",
		"a ann approved files/pay (expert#1/c1)",
		"a expert#1 files/pay (c1) answered after 1s",
		"    paid",
		"a expert#1/second#2 turn 1: p/m, 1s",
		"    says: Deep.",
		"a expert#1 second (c2) answered after 1s",
		"    Deep.",
		"a expert#1 turn 2: p/m, 1s",
		"    says: It is fine.",
		"a expert (c1) answered after 1s",
		"    It is fine.",
		"a turn 2: p/m, 1s",
		"    says: Good.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
