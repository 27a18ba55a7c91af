package journal

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var everyRecord = []Body{
	&StackStarted{Graph: "g", Hash: "ff00", Params: map[string]any{"goal": "x"}, State: map[string]any{"n": int64(math.MaxInt64), "f": 2.5}},
	&EventReceived{Event: "message", Payload: []any{map[string]any{"text": "hi"}}},
	&CycleStarted{Hash: "ff00"},
	&NodeDecided{Wave: 1, Node: "a", Run: true, Edges: []Verdict{{Edge: 3, From: "start", When: `state.x == "ü"`, Live: true}}},
	&NodeDecided{Wave: 2, Node: "b", Reason: "condition-error", Edges: []Verdict{
		{From: "a", Outcome: "success", When: "x[3]", Error: "g.yaml:3:4: index 3 is out of range"},
		{Edge: 1, From: "a", Outcome: "failure", Else: true}, {Edge: 2, From: "c", When: "y", After: true, Live: true},
		{Edge: 4, From: "b", Outcome: "always", NextCycle: true},
	}},
	&NodeDecided{Wave: 1, Node: "free", Run: true},
	&WaveStarted{Wave: 1, Nodes: []string{"a", "free"}, Early: []Verdict{{Edge: 9, From: "a", Outcome: "success", Live: true}}},
	&TaskStarted{Wave: 1, Node: "a", Attempt: 1},
	&TaskStarted{Wave: 1, Node: "each", Item: `k"1`, Attempt: 2},
	&TaskFinished{Wave: 1, Node: "a", Attempt: 1, Status: "succeeded", Duration: 1500 * time.Microsecond, Output: map[string]any{"n": 2.5}, Tokens: 7, Cost: 0.25},
	&TaskFinished{Wave: 1, Node: "each", Item: "k", Attempt: 2, Status: "failed", Duration: time.Second,
		Error: &Failure{Kind: "exit", Message: "code 1\n\u2028", Permanent: true}, RetryAt: epoch.Add(time.Nanosecond)},
	&WaveCommitted{Wave: 1, Changed: []string{"n", "f"}, Settled: []Settled{
		{Node: "a", Status: "succeeded", Attempts: 1}, {Node: "each", Status: "failed", Attempts: 3, Error: &Failure{Kind: "schema", Message: "m"}}}},
	&WaveCommitted{Wave: 2, Settled: []Settled{
		{Node: "a", Status: "failed", Attempts: 1, Error: &Failure{Kind: "exit", Message: "m"}},
		{Node: "b", Status: "failed", Attempts: 1, Error: &Failure{Kind: "schema", Message: "m"}, AtCommit: true},
		{Node: "c", Status: "failed", Attempts: 1, Error: &Failure{Kind: "schema", Message: "m"}, AtCommit: true},
	}},
	&WaveCommitted{Wave: 3},
	&CycleFinished{Waves: 2, NodeRuns: 3, Failed: true, Active: true, Pause: 1500 * time.Millisecond, None: true, Faults: []string{"stop: g.yaml:9:7: index 3 is out of range"}},
	&StackFinished{Status: Failed, Reason: "cycles limit of 2 reached"},
	&EventReceived{Event: "message", ID: "a-1", Payload: []any{}},
	&CycleStarted{Hash: "ff00", Mode: "round_robin", Faults: []string{"mode: x"}},
	&WaveCommitted{Changed: []string{"n"}, Settled: []Settled{{Node: "ask", Status: "succeeded", Attempts: 1, Each: &Each{Order: []string{"b", "a"}}}}},
	&TaskStarted{Wave: 2, Began: 1, Node: "long", Attempt: 2, Crashes: 1},
	&TaskFinished{Wave: 2, Began: 1, Node: "long", Attempt: 2, Status: "succeeded", Output: "x", CacheKey: "[1]"},
	&TaskFinished{Wave: 1, Node: "a", Status: "succeeded", Output: "x", Cached: true},
	&TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "model:openai/gpt-5-mini", Duration: 1500 * time.Microsecond, Tokens: 7, Cost: 0.25, Content: []any{"hi"}},
	&TaskStep{Wave: 2, Began: 1, Node: "each", Item: "k", Attempt: 2, Step: 3, Name: "tool:get", Error: &Failure{Kind: "model", Message: "m", Permanent: true}},
	&TaskUsed{Wave: 2, Began: 1, Node: "each", Item: "k", Attempt: 2, Tokens: 9, Cost: 1.5},
	&StackReopened{},
	&StackReopened{By: "me", Limits: Limits{Cycles: new(50), NodeRuns: new(0), Tokens: new(7), Failures: new(3), Duration: new(time.Hour), FailedPause: new(90 * time.Second), Cost: new(0.25)}},
	&CycleStarted{Hash: "ff00", Finally: true, Status: Failed, Reason: "why", Left: []LeftEvent{{Seq: 7, Time: epoch, Event: "message", Payload: []any{int64(1)}}}},
	&StackStarted{Graph: "g", Hash: "ff00", Params: map[string]any{}, State: map[string]any{}, By: "ada"},
	&EventReceived{Event: "message", Payload: []any{}, By: "ada"},
	&TaskFinished{Wave: 1, Node: "ask", Attempt: 1, Status: "succeeded", Output: map[string]any{"approved": true}, By: "ada"},
	&TaskAnswered{Wave: 1, Node: "a", Attempt: 1, Call: "c1", Approved: true, As: "the boss"},
	&TaskAnswered{Wave: 1, Node: "a", Attempt: 1, Call: "c1", Approved: true, As: "the boss", By: "ada"},
	&TaskAnswered{Wave: 1, Node: "a", Attempt: 1, Call: "c1", By: "ada"},
	&StackFinished{Status: Cancelled, Reason: "stopped", By: "ada"},
	&StackControl{Action: ActionPause, By: "ada"},
	&StackControl{Action: ActionCancelTask, By: "ada", Node: "each", Item: "k"},
}

func record(i int, b Body) Record {
	return Record{Seq: uint64(i + 1), Time: epoch.Add(time.Duration(i) * 1001 * time.Microsecond), Stack: "s", Cycle: 1, Body: b}
}

// The public form of every record is a contract.
func TestRecordsGolden(t *testing.T) {
	t.Parallel()
	var got []byte
	for _, whole := range []bool{false, true} {
		for i, b := range everyRecord {
			line := AppendRecord(nil, record(i, b), whole)
			if !json.Valid(line) {
				t.Errorf("not JSON: %s", line)
			}
			got = append(append(got, line...), '\n')
		}
	}
	const file = "testdata/records.golden"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	t.Parallel()
	for i, b := range everyRecord {
		want := record(i, b)
		got, err := ParseRecord(AppendRecord(nil, want, true))
		if err != nil {
			t.Error(err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-written +read)\n%s", b.Type(), d)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := record(rapid.IntRange(0, 1<<40).Draw(t, "seq"), &TaskFinished{
			Wave: rapid.Uint64().Draw(t, "wave"), Node: text.Draw(t, "node"), Item: text.Draw(t, "item"),
			Attempt: rapid.IntRange(1, 9).Draw(t, "attempt"), Status: "failed",
			Duration: time.Duration(rapid.Int64Min(0).Draw(t, "duration")), Tokens: rapid.Int64().Draw(t, "tokens"),
			Cost:   rapid.Float64Range(-1e300, 1e300).Draw(t, "cost"),
			Error:  &Failure{Kind: text.Draw(t, "kind"), Message: text.Draw(t, "message"), Permanent: rapid.Bool().Draw(t, "permanent")},
			Output: map[string]any{text.Draw(t, "key"): []any{rapid.Int64().Draw(t, "int"), text.Draw(t, "text"), nil, true}},
		})
		line := AppendRecord(nil, want, true)
		got, err := ParseRecord(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-written +read)\n%s", d)
		}
	})
}

func TestParseRecordErrors(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "{", `{"type":"job.done"}`, `{"type":"task.finished","output":{}`} {
		if _, err := ParseRecord([]byte(line)); err == nil {
			t.Errorf("%q is taken for a record", line)
		}
	}
}
