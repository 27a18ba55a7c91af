package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
			"a step 3: model:local/x after 1.235s, 70 tokens, cost 0.5"},
		{journal.TaskStep{Wave: 1, Node: "a", Item: "k", Attempt: 1, Step: 1, Name: "tool:x", Error: &journal.Failure{Kind: "http", Message: "no"}}, "a",
			"a[k] step 1: tool:x failed with http: no after 0s"},
		{journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "x"}, "b", ""},
	} {
		r := journal.Record{Seq: 1, Time: at, Stack: "s", Cycle: 4, Body: &tt.step}
		if got := newTeller(itself{}, "s", tt.node, nil).record(r); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestLogsReadNoOutputs: logs cost what they show, however large an output was.
// The memory that is allocated says so, since it counts all that was read.
func TestLogsReadNoOutputs(t *testing.T) {
	dir := t.TempDir()
	db, graph := filepath.Join(dir, "s.db"), filepath.Join(dir, "g.graphrun.yaml")
	text := `{graphrun: 1, name: g, state: {n: integer}, stop: "state.n == 1",
nodes: {a: {uses: exec, with: {command: [head, -c, "8000000", /dev/zero], parse: text, max_output: 8000000}, writes: {n: "1"}}}}`
	if err := os.WriteFile(graph, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if code := run(t.Context(), []string{"run", graph, "--db", db, "--once"}, nil, io.Discard, &said); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	var before, after runtime.MemStats
	var out bytes.Buffer
	runtime.ReadMemStats(&before)
	if code := run(t.Context(), []string{"logs", "g", "--db", db}, nil, &out, &said); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said.String())
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 6<<20 {
		t.Errorf("logs allocated %d bytes to print %d", got, out.Len())
	} else {
		t.Logf("%d bytes allocated", got)
	}
	if !strings.Contains(out.String(), "a succeeded") {
		t.Errorf("got %q", out.String())
	}
}
