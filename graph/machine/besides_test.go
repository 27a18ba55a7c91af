package machine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// give ends a task with an output and what an agent gives besides.
func (r *rig) give(name string, in TaskDone) {
	r.running(name)
	h := r.tasks[name]
	delete(r.tasks, name)
	in.At, in.Key, in.Attempt = r.clock, h.task.Key, h.task.Attempt
	r.step(in)
}

// A mark is recorded and given back like a step, has no number, and is no step.
func TestMarks(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, "graphrun: 1\nname: g\nnodes: {a: {uses: work}}\nedges: [{to: a}]\npause: none\n"))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "running a")
	step := func(name string, mark bool) error {
		h := r.tasks["a"]
		err := r.m.Step(TaskStep{At: r.clock, Key: h.task.Key, Attempt: h.task.Attempt, Name: name, Content: mustBe(t, "x"), Mark: mark})
		r.drain()
		return err
	}
	for _, in := range []struct {
		name string
		mark bool
	}{{"one", false}, {"two", true}, {"three", false}} {
		if err := step(in.name, in.mark); err != nil {
			t.Fatal(err)
		}
	}
	r.crash()
	var got []string
	for _, s := range r.tasks["a"].task.Steps {
		got = append(got, fmt.Sprintf("%s %d %s %v", s.Type(), s.Step, s.Name, s.Content))
	}
	want := []string{"task.step 1 one x", "task.mark 0 two x", "task.step 2 three x"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("steps after a crash (-want +got)\n%s", d)
	}
	checkReplay(t, r)

	r.unchecked = true // a thousand snapshots say no more than one
	for n := 3; n <= MaxSteps; n++ {
		if err := step("more", false); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n < MaxMarks; n++ {
		if err := step("mark", true); err != nil {
			t.Fatalf("mark %d: %v", n, err)
		}
	}
	var refused *StepError
	for _, mark := range []bool{false, true} {
		if err := step("last", mark); !errors.As(err, &refused) || refused.Failure.Kind != "limit" || !refused.Failure.Permanent {
			t.Errorf("one too many (mark: %t): got %v, want a limit", mark, err)
		}
	}
}

func mustBe(t *testing.T, v any) value.Value {
	t.Helper()
	x, err := value.Of(v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

const remembering = `
graphrun: 1
name: g
state: {n: {type: integer, default: 0}}
nodes:
  first: {uses: work}
  each: {uses: work, for_each: {in: "['a', 'b']", as: x, key: x, on_failure: skip}}
  bad: {uses: work, writes: {n: output}}
  back: {uses: work, background: true}
edges:
  - {to: [first, each, bad, back], when: cycle.number == 1}
pause: none
limits: {cycles: 3}
`

// What nodes put into memories comes with the commit of their writes: in the order of
// their declaration, and of the elements. A node that fails at the commit puts nothing.
func TestMemoryComesWithTheCommit(t *testing.T) {
	t.Parallel()
	g := compile(t, remembering)
	g.Memories = []graph.Memory{{Name: "facts", Graph: true, Keep: 7}, {Name: "own"}}
	r := newRig(t, g)
	var got []string
	r.committed = func(ready Ready) {
		commit := uint64(99)
		for rec := range journal.EachRecord(ready.Records) {
			if b, ok := rec.Body.(*journal.WaveCommitted); ok {
				commit = b.Wave
			}
		}
		for _, c := range ready.Memory {
			got = append(got, fmt.Sprintf("%d %s %s graph=%t keep=%d", commit, c.Memory, c.ID, c.Graph, c.Keep))
		}
	}
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	item := func(memory, id string) []journal.MemoryWrite {
		return []journal.MemoryWrite{{Memory: memory, ID: id, Text: "text", Data: map[string]any{"k": int64(1)}}}
	}
	do(r, "wake")
	r.give("each/b", TaskDone{Memory: item("facts", "eb")})
	r.drain()
	r.give("back", TaskDone{Memory: item("facts", "back")})
	r.drain()
	r.crash()
	r.give("bad", TaskDone{Output: mustBe(t, "no number"), Memory: item("facts", "bad")})
	r.drain()
	r.give("each/a", TaskDone{Memory: append(item("facts", "ea"), item("own", "ea2")...)})
	r.drain()
	r.give("first", TaskDone{Memory: item("own", "first")})
	r.drain()
	do(r, "wake")
	want := []string{
		"1 own first graph=false keep=0", "1 facts ea graph=true keep=7", "1 own ea2 graph=false keep=0", "1 facts eb graph=true keep=7",
		"0 facts back graph=true keep=7",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("memory (-want +got)\n%s", d)
	}
	checkReplay(t, r)
}

// Writes into a memory that the graph lacks fail the attempt.
func TestUnknownMemory(t *testing.T) {
	t.Parallel()
	r := keeper(t)
	r.give("a", TaskDone{Memory: []journal.MemoryWrite{{Memory: "nope", ID: "1"}}})
	r.drain()
	b, _ := r.records[len(r.records)-1].Body.(*journal.TaskFinished)
	if b == nil || b.Error == nil || b.Error.Kind != "output" || b.Error.Message != `the graph has no memory "nope"` {
		t.Errorf("got %+v", b)
	}
}

// What an agent said is masked and recorded with its output.
func TestTalkIsMasked(t *testing.T) {
	t.Parallel()
	r := keeper(t)
	r.give("a", TaskDone{Talk: &journal.Talk{Messages: []any{"hush"}, Usage: map[string]any{"turns": int64(1)}}})
	r.drain()
	for _, rec := range r.records {
		if b, ok := rec.Body.(*journal.TaskFinished); ok {
			want := &journal.Talk{Messages: []any{"***", "and more"}, Usage: map[string]any{"turns": int64(1)}}
			if d := cmp.Diff(want, b.Talk); d != "" {
				t.Errorf("talk (-want +got)\n%s", d)
			}
		}
	}
	checkReplay(t, r)
}

// A failure may ask for a longer pause before the next attempt. One beyond max_backoff,
// or beyond the deadline, ends the attempts.
func TestFailureThatAsksToWait(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, node string
		wait       time.Duration
		permanent  bool
		want       time.Duration // until the next attempt; 0 for none
	}{
		{"none", "", 0, false, time.Second},
		{"shorter", "", time.Millisecond, false, time.Second},
		{"longer", "", 20 * time.Second, false, 20 * time.Second},
		{"beyond max_backoff", "", 31 * time.Second, false, 0},
		{"beyond the deadline", "deadline: 10s, ", 20 * time.Second, false, 0},
		{"permanent", "", 20 * time.Second, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, compile(t, "graphrun: 1\nname: g\nnodes: {a: {uses: work, "+c.node+
				"retry: {attempts: 3, backoff: 1s, max_backoff: 30s, jitter: false}}}\nedges: [{to: a}]\npause: none\n"))
			if err := r.start(nil, nil); err != nil {
				t.Fatal(err)
			}
			do(r, "wake")
			do(r, "running a")
			h := r.tasks["a"]
			delete(r.tasks, "a")
			r.step(TaskFailed{At: r.clock, Key: h.task.Key, Attempt: 1, Wait: c.wait,
				Failure: journal.Failure{Kind: "model", Message: "busy", Permanent: c.permanent}})
			r.drain()
			var got time.Duration
			for _, rec := range r.records {
				if b, ok := rec.Body.(*journal.TaskFinished); ok && !b.RetryAt.IsZero() {
					got = b.RetryAt.Sub(rec.Time)
				}
			}
			if got != c.want {
				t.Errorf("next attempt after %s, want %s", got, c.want)
			}
			checkReplay(t, r)
		})
	}
}

// A task learns what the limits of the stack leave.
func TestTasksLearnWhatIsLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, "graphrun: 1\nname: g\nnodes: {a: {uses: work}, b: {uses: work}}\n"+
		"edges: [{to: a}, {from: a, to: b}]\npause: none\nlimits: {tokens: 100}\n"))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	if got := r.tasks["a"].task; got.LeftTokens == nil || *got.LeftTokens != 100 || got.LeftCost != nil {
		t.Errorf("a: got %v and %v, want 100 tokens and no limit of cost", got.LeftTokens, got.LeftCost)
	}
	do(r, "spend a 40 2.5")
	if got := r.tasks["b"].task; got.LeftTokens == nil || *got.LeftTokens != 60 {
		t.Errorf("b: got %v, want 60", got.LeftTokens)
	}
}

// A task that would pass a limit of the stack ends it, with the wave that the task is
// in, also when an edge takes the failure and the engine dies in between.
func TestATaskThatWouldPassALimitEndsTheStack(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, "graphrun: 1\nname: g\nnodes: {a: {uses: work}, b: {uses: work}, c: {uses: work}}\n"+
		"edges: [{to: [a, b]}, {from: a, to: c, outcome: failure}]\npause: none\nlimits: {tokens: 100}\n"))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	r.fail("a", journal.Failure{Kind: "limit", Message: "too much", Permanent: true, Limit: "tokens"})
	r.drain()
	r.crash()
	r.drain()
	do(r, "wake")
	do(r, "spend b 40 2.5")

	got := r.m.Cursor()
	if got.Status != journal.Failed || !strings.HasPrefix(got.Reason, "tokens limit of 100 reached") || got.Counts.Waves != 1 {
		t.Errorf("%s after %d waves: %s", got.Status, got.Counts.Waves, got.Reason)
	}
	checkReplay(t, r)
}
