package machine

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const stepping = `
graphrun: 1
name: stepping
state: {n: integer}
nodes: {a: {uses: work}, long: {uses: work, background: true, writes: {n: output}}}
edges: [{to: [a, long], when: cycle.number == 1}]
pause: 1s
limits: {cycles: 9}
`

// begun is a stack whose tasks a and long run.
func begun(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, compile(t, stepping))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"wake", "running a", "running long"} {
		do(r, line)
	}
	return r
}

func TestStepBounds(t *testing.T) {
	t.Parallel()
	r := begun(t)
	step := func(attempt int, content any) error {
		err := r.m.Step(TaskStep{At: r.clock, Key: r.keys["a"], Attempt: attempt, Name: "s", Content: r.known(content)})
		r.drain()
		return err
	}
	large := strings.Repeat("x", MaxStepBytes-2) // with its quotes
	for range MaxSteps - 1 {
		if err := step(1, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := len(r.records)
	var bad *StepError
	if err := step(1, large+"x"); !errors.As(err, &bad) || bad.Failure.Kind != "limit" {
		t.Errorf("a step of more than 1 MiB: %v", err)
	}
	if err := step(2, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a step of an attempt that does not run: %v", err)
	}
	if len(r.records) != before {
		t.Error("a step that was refused was recorded")
	}
	if err := step(1, large); err != nil {
		t.Errorf("a step of 1 MiB: %v", err)
	}
	if err := step(1, nil); !errors.As(err, &bad) || bad.Failure.Kind != "limit" {
		t.Errorf("step %d: %v", MaxSteps+1, err)
	}
	r.done("a", nil)
	r.drain()
	if err := step(1, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a step after the result: %v", err)
	}
}

// Contents and names of steps are masked before they are recorded.
func TestStepsAreMasked(t *testing.T) {
	t.Parallel()
	r := begun(t)
	r.m.o.Mask = func(v any) any {
		masked, _ := value.Decode([]byte(strings.ReplaceAll(value.String([]any{v}), "hush", "***")))
		return masked.([]any)[0]
	}
	r.step(TaskStep{At: r.clock, Key: r.keys["a"], Attempt: 1, Name: "tool:hush", Content: r.known([]any{"hush"}),
		Error: &journal.Failure{Kind: "model", Message: "hush"}})
	r.drain()
	line := string(r.journal[len(r.journal)-1])
	if strings.Contains(line, "hush") || !strings.Contains(line, "task.step") {
		t.Errorf("recorded as %s", line)
	}
}

// Earlier versions kept the records of tasks in the background as texts.
func TestBackgroundOfEarlierVersions(t *testing.T) {
	t.Parallel()
	r := begun(t)
	do(r, "fail long exit no")
	do(r, "done a")
	name := journal.SidecarMark + "task.long"
	var list []any
	if err := json.Unmarshal(r.state[name], &list); err != nil || len(list) != 3 {
		t.Fatalf("kept of the background: %s (%v)", r.state[name], err)
	}
	old := []any{list[0]}
	for _, rec := range r.records {
		switch b := rec.Body.(type) {
		case *journal.TaskStarted:
			if b.Node == "long" {
				old = append(old, string(journal.AppendRecord(nil, rec, true)))
			}
		case *journal.TaskFinished:
			if b.Node == "long" {
				old = append(old, string(journal.AppendRecord(nil, rec, true)))
			}
		}
	}
	r.state[name], r.given = value.Append(nil, old), nil
	r.crash()
	do(r, "wake")
	last := r.records[len(r.records)-1]
	for _, rec := range r.records {
		if b, ok := rec.Body.(*journal.WaveCommitted); ok && b.Wave == 0 && b.Settled[0].Error.Message == "no" {
			return
		}
	}
	t.Errorf("the failure of the background did not arrive; the last record is %s", r.recordText(last))
}

// What a task in the background gave is kept as it is, and not within a text.
func TestBackgroundOutputIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	r := begun(t)
	do(r, `step long turn 0 0 {"say":"\"x\""}`)
	do(r, `done long {"y":"\"x\""}`)
	kept := string(r.state[journal.SidecarMark+"task.long"])
	for _, want := range []string{`,{"say":"\"x\""}`, `,{"y":"\"x\""}]`} {
		if !strings.Contains(kept, want) {
			t.Errorf("%s is not in %s", want, kept)
		}
	}
}
