package storetest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// shapes are values of every shape that a state can hold.
var shapes = map[string]any{
	"null":         nil,
	"true":         true,
	"false":        false,
	"zero":         int64(0),
	"max":          int64(math.MaxInt64),
	"min":          int64(math.MinInt64),
	"beyond_2_53":  int64(1<<53 + 1),
	"fraction":     0.1,
	"tiny":         math.SmallestNonzeroFloat64,
	"huge":         math.MaxFloat64,
	"negative":     -1.5e-7,
	"empty_text":   "",
	"text":         "plain",
	"unicode":      "ß 漢字 🙂 \u2028 \u0000 \t \"quoted\" \\ </script>",
	"lines":        "a\nb\r\nc\n",
	"empty_list":   []any{},
	"empty_object": map[string]any{},
	"list":         []any{nil, true, int64(1), 1.5, "x", []any{}, map[string]any{}},
	"object":       map[string]any{"": int64(1), "a b": nil, "ß": []any{int64(2)}, "\n": "\n"},
	"nested":       nested(50),
	"long":         strings.Repeat("0123456789", 1000),
	"lists":        []any{[]any{int64(1)}, []any{}, []any{[]any{nil}}},
}

func nested(depth int) any {
	var v any = "end"
	for range depth {
		v = map[string]any{"in": []any{v}}
	}
	return v
}

// sampleBody is a body of each type in turn, with all its fields set.
func sampleBody(seq uint64) journal.Body {
	failure := &journal.Failure{Kind: "exit", Message: "exit status 2\n\"quoted\"", Permanent: true}
	at := began.Add(time.Hour)
	bodies := []journal.Body{
		&journal.StackStarted{Graph: "sample", Hash: "hash", Params: map[string]any{"goal": "x"}, State: map[string]any{"n": int64(math.MaxInt64)}},
		&journal.EventReceived{Event: "message", Payload: []any{map[string]any{"text": "hi\n", "n": 0.5}}},
		&journal.CycleStarted{Hash: "other", Due: began, Finally: true, Status: journal.Failed, Reason: "because"},
		&journal.NodeDecided{Wave: 1, Node: "a", Reason: "no-live-edge", Edges: []journal.Verdict{
			{Edge: 3, From: "start", Outcome: "failure", When: "len(state.todos) == 0", Error: "index out of range"},
			{Edge: 4, From: "b", Live: true},
		}},
		&journal.NodeDecided{Wave: 2, Node: "b", Run: true},
		&journal.WaveStarted{Wave: 1, Nodes: []string{"a", "b"}},
		&journal.TaskStarted{Wave: 1, Node: "b", Item: "item/1", Attempt: 2},
		&journal.TaskFinished{Wave: 1, Node: "b", Attempt: 2, Status: "failed", Duration: 1500 * time.Millisecond, Error: failure, Tokens: 12, Cost: 0.25, RetryAt: at},
		&journal.TaskFinished{Wave: 1, Node: "b", Attempt: 3, Status: "succeeded", Output: map[string]any{"n": int64(math.MinInt64), "list": []any{nil, 0.5}}},
		&journal.TaskStep{Wave: 1, Node: "b", Attempt: 3, Step: 1, Name: "tool", Content: strings.Repeat("content ", 800)},
		&journal.TaskFinished{Wave: 1, Node: "c", Attempt: 1, Status: "succeeded", Output: map[string]any{"text": strings.Repeat("output ", 700)}},
		&journal.WaveCommitted{Wave: 1, Changed: []string{"todos", "idea"}, Settled: []journal.Settled{{Node: "b", Status: "failed", Attempts: 2, Error: failure}}},
		&journal.CycleFinished{Waves: 1, NodeRuns: 2, Failed: true, Active: true, Pause: 5 * time.Second},
		&journal.StackFinished{Status: journal.Failed, Reason: fmt.Sprintf("failures: %d", seq)},
		&journal.StackControl{Action: journal.ActionPause, By: "ada"},
		&journal.StackReopened{By: "me", Limits: journal.Limits{Cycles: new(50), Duration: new(time.Hour), Cost: new(0.5)}},
	}
	return bodies[seq%uint64(len(bodies))]
}
