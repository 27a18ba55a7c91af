package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// TestLogsTellSteps: the steps of a task stand among its beginnings and ends.
func TestLogsTellSteps(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		step       journal.TaskStep
		node, want string
	}{
		{journal.TaskStep{Wave: 1, Node: "a", Attempt: 2, Step: 3, Name: "model:local/x", Duration: 1234567 * time.Microsecond, Tokens: 70, Cost: 0.5}, "",
			"2026-11-29T12:00:00Z  cycle 4  a step 3: model:local/x after 1.235s, 70 tokens, cost 0.5\n"},
		{journal.TaskStep{Wave: 1, Node: "a", Item: "k", Attempt: 1, Step: 1, Name: "tool:x", Error: &journal.Failure{Kind: "http", Message: "no"}}, "a",
			"2026-11-29T12:00:00Z  cycle 4  a[k] step 1: tool:x failed with http: no after 0s\n"},
		{journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "x"}, "b", ""},
	} {
		var out bytes.Buffer
		a := &app{out: &dataWriter{w: &out}, output: "text"}
		line := journal.AppendRecord(nil, journal.Record{Seq: 1, Time: at, Stack: "s", Cycle: 4, Body: &tt.step}, true)
		if err := a.logLine(line, tt.node); err != nil || out.String() != tt.want {
			t.Errorf("%v: got %q, want %q", err, out.String(), tt.want)
		}
	}
}
