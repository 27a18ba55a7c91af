package machine

import (
	"errors"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

const counter = `
graphrun: 1
name: counter
secrets: [KEY]
state: {n: {type: integer, reduce: sum}, text: string}
nodes:
  a: {uses: work, with: {key: "${{ secrets.KEY }}"}, writes: {text: output.text}}
  b: {uses: set, with: {key: "${{ secrets.KEY }}"}, writes: {n: "1"}}
edges: [{to: a}, {from: a, to: b}]
limits: {cycles: 5}
`

// Secrets go out with a task and never come back in.
func TestMask(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, counter))
	r.o = Options{Fleets: true, Mask: func(v any) any {
		masked, _ := value.Decode([]byte(strings.ReplaceAll(value.String(v), "hush", "***")))
		return masked
	}}
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	r.wake("")
	r.drain()
	if got := value.String(r.tasks["a"].task.With); got != `{"key":{"$secret":"KEY"}}` {
		t.Errorf("with is %s", got)
	}
	r.done("a", map[string]any{"text": "the key is hush"})
	r.drain()
	r.wake("")
	r.drain()
	r.fail("a", journal.Failure{Kind: "exit", Message: "hush was refused"})
	r.drain()
	for _, line := range r.journal {
		if strings.Contains(string(line), "hush") {
			t.Errorf("a secret is in the journal: %s", line)
		}
	}
	if got := r.m.State()["text"]; got != "the key is ***" {
		t.Errorf("text is %q", got)
	}
}

// What comes late, twice or from nowhere changes nothing, and says nothing.
func TestStaleInputs(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, counter))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	r.wake("")
	r.drain()
	key := r.tasks["a"].task.Key
	other, wave := key, key
	other.Node, wave.Wave = "nobody", 2
	for _, in := range []Input{
		TaskDone{At: r.clock, Key: key, Attempt: 1},
		TaskRunning{At: r.clock, Key: key, Attempt: 2},
		TaskRunning{At: r.clock, Key: other, Attempt: 1},
		TaskRunning{At: r.clock, Key: wave, Attempt: 1},
		Woke{At: r.clock, Early: true},
		Resume{At: r.clock},
	} {
		r.step(in)
		if ready, ok := r.m.Ready(); ok {
			t.Errorf("%T gave %+v", in, ready)
		}
	}
	r.done("a", map[string]any{"text": "x"})
	r.drain()
	n := len(r.records)
	r.step(TaskDone{At: r.clock, Key: key, Attempt: 1, Output: r.known("again")})
	r.drain()
	if len(r.records) != n {
		t.Errorf("a second result was recorded")
	}
}

// Ready may be asked again, with more stepped in between, and nothing is lost
// when the driver has done an earlier one only.
func TestReadyIsNotConsumed(t *testing.T) {
	t.Parallel()
	m, err := New(compile(t, counter), Options{}, journal.Identity{Stack: "s"}, nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := m.Ready()
	if err := m.Step(Woke{At: epoch}); err != nil {
		t.Fatal(err)
	}
	m.Advance()
	second, ok := m.Ready()
	if !ok || len(first.Records) != 1 || second.Records[0].Seq != 2 || len(second.Start) != 1 || len(second.Changes) != 0 {
		t.Errorf("first %+v, second %+v", first, second)
	}
	third, _ := m.Ready()
	if len(third.Records) != len(second.Records) || len(third.Start) != 1 {
		t.Errorf("asked again: %+v", third)
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, counter))
	if err := r.start(nil, map[string]any{"n": 4}); err != nil {
		t.Fatal(err)
	}
	bad := compile(t, `
graphrun: 1
name: counter
state: {n: boolean}
nodes: {a: {uses: work}}
edges: [{to: a}]
limits: {cycles: 5}
`)
	err := r.m.Adopt(bad, r.clock)
	if err == nil || !strings.Contains(err.Error(), `"n" was integer and is now boolean`) {
		t.Errorf("a state that does not fit: %v", err)
	}
	wider := compile(t, strings.Replace(counter, "n: {type: integer, reduce: sum}", "n: {type: number, reduce: sum}, new: {type: string, default: x}", 1))
	if err := r.m.Adopt(wider, r.clock); err != nil {
		t.Fatal(err)
	}
	r.drain()
	if got := value.String(r.m.State()); got != `{"n":4,"new":"x","text":""}` && got != `{"n":4.0,"new":"x","text":""}` {
		t.Errorf("state is %s", got)
	}
	if _, err := Restore(r.g, r.o, r.snapshot(), r.clock); !errors.Is(err, ErrGraphChanged) {
		t.Errorf("restored under the old graph: %v", err)
	}
	r.g = wider
	r.crash()
	r.wake("")
	r.drain()
	if err := r.m.Adopt(bad, r.clock); err == nil || !strings.Contains(err.Error(), "cycle 1 is open") {
		t.Errorf("adopted within a cycle: %v", err)
	}
}
