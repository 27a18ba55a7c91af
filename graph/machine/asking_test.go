package machine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
)

const askingGraph = `
graphrun: 1
name: asking
state: {n: {type: integer, default: 1}, got: {type: list(any), reduce: append, keep: 9}}
nodes:
  a: {uses: work, with: {n: "${{ state.n }}"}, writes: {got: "[output]"}}
  count: {uses: set, writes: {n: state.n + 1}}
edges: [{to: a, when: cycle.number == 1}, {to: count, when: state.n < 4}]
pause: 1s
limits: {cycles: 99}
`

// asking is a rig in whose first cycle a asks for a word on a call of refund.
func asking(t *testing.T, g *graph.Graph) *rig {
	t.Helper()
	r := newRig(t, g)
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "running a")
	do(r, `step a turn 1 0 "one"`)
	do(r, `asks a [{"id": "1", "tool": "refund", "args": {"amount": 30}}]`)
	return r
}

// Other arguments are checked by the type of the graph's own tool. Those of other tools
// have to be an object.
func TestArgumentsOfAWord(t *testing.T) {
	t.Parallel()
	g := compile(t, askingGraph)
	g.Tools = []graph.Tool{{Name: "refund", Args: schema.ObjectOf(schema.Prop{Name: "amount", Type: schema.NumberType, Required: true})}}
	r := asking(t, g)
	do(r, `asks a [{"id": "2", "tool": "files/write"}]`)
	do(r, "held a")
	for _, c := range []struct{ call, args, want string }{
		{"1", `{"amount": "much"}`, `the answer to "a" does not fit: expected`},
		{"1", `{}`, "amount"},
		{"2", `"text"`, "expected an object"},
	} {
		err := r.m.Step(r.word("a", fmt.Sprintf(`{"approved": true, "args": %s} call %s`, c.args, c.call)))
		var unfit *AnswerError
		if !errors.As(err, &unfit) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("args %s of call %s: got %v, want %q", c.args, c.call, err, c.want)
		}
	}
	if err := r.m.Step(Answer{At: r.clock, Node: "a", Call: "1", Output: map[string]any{"approved": "yes"}}); !errors.As(err, new(*AnswerError)) {
		t.Errorf("a word that is no answer: got %v", err)
	}
	do(r, `word a {"approved": true, "args": {"amount": 20}} call 1`)
	do(r, `word a {"approved": true, "args": {"path": "x"}} call 2`)
	var got []string
	for _, w := range r.tasks["a"].task.Words {
		got = append(got, wordText(w))
	}
	if d := cmp.Diff([]string{`1 yes {"amount":20}`, `2 yes {"path":"x"}`}, got); d != "" {
		t.Errorf("words (-want +got)\n%s", d)
	}
	checkReplay(t, r)
}

// What a task is given, and what its tools see, is the state in which it began: also
// after a restart cycles later.
func TestToolsSeeWhatTheTaskSaw(t *testing.T) {
	t.Parallel()
	g := compile(t, askingGraph)
	g.Tools = []graph.Tool{{Name: "refund", Approve: &graph.Approve{When: g.Edges[1].When}}} // state.n < 4
	g.Nodes[0].Calls = []graph.ToolName{{Of: graph.OwnTool, Name: "refund"}}
	r := asking(t, g)
	do(r, "held a")
	for range 4 {
		do(r, "wake")
	}
	r.crash()
	do(r, `word a {"approved": true}`)
	task := r.tasks["a"].task
	if d := cmp.Diff(map[string]any{"n": int64(1)}, task.With); d != "" {
		t.Errorf("with (-want +got)\n%s", d)
	}
	if len(task.Bound.Tools) != 1 {
		t.Fatalf("%d tools", len(task.Bound.Tools))
	}
	if needs, err := task.Bound.Tools[0].NeedsWord(nil); err != nil || !needs {
		t.Errorf("needs a word: %t (%v), want that of the state in which it began", needs, err)
	}
	if n := r.m.State()["n"]; n != int64(4) {
		t.Errorf("n is %v by now, want 4", n)
	}
}

// A changed graph keeps a node that waits as long as it is of the same kind; the task
// stays under the text in which it began, also after a restart. Otherwise its question
// is over.
func TestAskingUnderAChangedGraph(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change []string
		stays  bool
		runs   bool // the attempt that asked still runs
	}{
		"another text":        {[]string{`n: "${{ state.n }}"`, `n: "other"`}, true, false},
		"in the background":   {[]string{`with: {n: "${{ state.n }}"}`, `background: true`}, true, false},
		"gone":                {[]string{"a:", "b:", "to: a", "to: b"}, false, false},
		"gone while it runs":  {[]string{"a:", "b:", "to: a", "to: b"}, false, true},
		"of another kind":     {[]string{"a: {uses: work", "a: {uses: set"}, false, false},
		"under for_each":      {[]string{"a: {uses: work,", `a: {uses: work, for_each: {in: "[1]", as: x},`}, false, false},
		"other while it runs": {[]string{`n: "${{ state.n }}"`, `n: "other"`}, true, true},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restart=%t", name, restart), func(t *testing.T) {
				t.Parallel()
				old, changed := compile(t, askingGraph), compile(t, strings.NewReplacer(tt.change...).Replace(askingGraph))
				r := asking(t, old)
				if !tt.runs {
					do(r, "held a")
				}
				for n := 0; ; n++ {
					err := r.m.Adopt(changed, r.clock)
					if err == nil {
						break
					}
					if !errors.Is(err, ErrStillRunning) || n > 0 {
						t.Fatalf("adopted: %v", err)
					}
					r.drain()
				}
				r.g = changed
				r.drain()
				if restart {
					r.crash()
				}
				c := r.m.Cursor()
				if got := len(c.Asking) == 1 && len(c.Background) == 1; got != tt.stays || !tt.stays && len(c.Asking)+len(c.Background) > 0 {
					t.Fatalf("asking %v, background %v", c.Asking, c.Background)
				}
				if tt.stays {
					if tt.runs {
						do(r, "held a")
					}
					do(r, `word a {"approved": true}`)
					task := r.tasks["a"].task
					if d := cmp.Diff(map[string]any{"n": int64(1)}, task.With); d != "" {
						t.Errorf("with (-want +got)\n%s", d)
					}
					if len(task.Steps) != 1 || len(task.Words) != 1 {
						t.Errorf("%d steps and %d words, want one of each", len(task.Steps), len(task.Words))
					}
					do(r, `done a "done"`)
					do(r, "wake")
					if got, _ := r.m.State()["got"].([]any); !slices.Equal(got, []any{"done"}) {
						t.Errorf("got %v", got)
					}
				} else {
					do(r, "wake")
				}
				graphs := func(hash string) (*graph.Graph, error) {
					if hash == old.Hash {
						return old, nil
					}
					return changed, nil
				}
				_, differences, err := Replayer{Graphs: graphs, Options: r.o, Base: journal.Snapshot{Identity: r.id}, Records: stream(r.records)}.To(journal.Point{})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range differences {
					t.Errorf("replay: %v", d)
				}
			})
		}
	}
}

// What is continued from the middle of a cycle, as a fork is, has the steps and the
// questions of that point.
func TestContinueFromAnOpenCycle(t *testing.T) {
	t.Parallel()
	g := compile(t, strings.NewReplacer("{to: count,", "{from: a, to: count}, {to: b}, {from: b, to: count,",
		"  count:", "  b: {uses: work}\n  count:").Replace(askingGraph))
	r := asking(t, g)
	do(r, "held a")
	do(r, "done b")
	p := r.replayer()
	p.Options.Snapshots = true
	m, _, err := p.To(journal.Point{Cycle: 1, Wave: 1})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := m.Snapshot()
	if !ok || !s.Cursor.Open || len(s.Cursor.Asking) != 1 {
		t.Fatalf("snapshot: %t, %+v", ok, s.Cursor)
	}
	s.Identity.Stack = "fork"
	if m, err = Restore(g, Options{}, s, r.clock); err != nil {
		t.Fatal(err)
	}
	if err := m.Step(Answer{At: r.clock, Node: "a", Call: "1", Output: map[string]any{"approved": true}}); err != nil {
		t.Fatal(err)
	}
	var task *Task
	for {
		ready, ok := m.Ready()
		if !ok {
			break
		}
		for k := range ready.Start {
			if ready.Start[k].Key.Node == "a" {
				task = &ready.Start[k]
			}
		}
		m.Advance()
	}
	if task == nil || len(task.Steps) != 1 || len(task.Words) != 1 || task.Attempt != 2 {
		t.Errorf("started %+v, want attempt 2 with a step and a word", task)
	}
}

// A task may wait without asking anybody, as one does whose work is a stack that waits:
// its node leaves the wave all the same, and the attempt ends as any other.
func TestWaitingWithoutCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, askingGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "running a")
	do(r, "asks a []")
	seq := r.m.Cursor().Seq
	do(r, "asks a []") // again: nothing new
	c := r.m.Cursor()
	if c.Seq != seq || len(c.Asking) != 1 || len(c.Background) != 1 || c.Open {
		t.Errorf("asking %v, background %v, open %t", c.Asking, c.Background, c.Open)
	}
	err := r.m.Step(Answer{At: r.clock, Node: "a", Output: map[string]any{"approved": true}})
	if !errors.Is(err, ErrNotWaiting) {
		t.Errorf("answered: %v", err)
	}
	r.crash()
	do(r, "wake")
	do(r, `done a "x"`)
	do(r, "wake")
	if got, _ := r.m.State()["got"].([]any); !slices.Equal(got, []any{"x"}) || len(r.m.Cursor().Asking) > 0 {
		t.Errorf("got %v, asking %v", got, r.m.Cursor().Asking)
	}
	checkReplay(t, r)
}

// What asks too much, or does not run, is refused.
func TestAskingIsRefused(t *testing.T) {
	t.Parallel()
	r := asking(t, compile(t, askingGraph))
	r.unchecked = true
	h := r.tasks["a"].task
	ask := func(attempt int, calls ...journal.Call) error {
		return r.m.Step(TaskWaits{At: r.clock, Key: h.Key, Attempt: attempt, Calls: calls})
	}
	if err := ask(2, journal.Call{ID: "9"}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("an attempt that does not run: %v", err)
	}
	many := make([]journal.Call, MaxSteps)
	for i := range many {
		many[i].ID = fmt.Sprint("c", i)
	}
	for what, calls := range map[string][]journal.Call{
		"many":  many,
		"large": {{ID: "9", Args: strings.Repeat("x", MaxStepBytes)}},
	} {
		var refused *StepError
		if err := ask(1, calls...); !errors.As(err, &refused) || refused.Failure.Kind != "limit" || !refused.Failure.Permanent {
			t.Errorf("%s: got %v, want a limit", what, err)
		}
	}
	do(r, "held a")
	if err := ask(1, journal.Call{ID: "9"}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("an attempt that is held: %v", err)
	}
	do(r, "cancel")
	if err := ask(1); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a stack that has ended: %v", err)
	}
	// Who repeats a word after the end learns that nobody took it.
	if err := r.m.Step(r.word("a", `{"approved": true} call 1`)); !errors.Is(err, ErrEnded) {
		t.Errorf("a word after the end: %v", err)
	}
}

// A word that was given before the end is known after it, by the id of its question.
func TestWordIsKnownAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := asking(t, compile(t, askingGraph))
	question := r.m.Cursor().Asking[0]
	id := question.ID()
	do(r, "held a")
	do(r, `word a {"approved": true}`)
	do(r, "cancel")
	for text, want := range map[string]error{
		`{"approved": true} for ` + id:            nil,
		`{"approved": true} call 1 for ` + id:     nil,
		`{"approved": false} for ` + id:           ErrEnded,
		`{"approved": true} for a.1.1.zzzz`:       ErrEnded,
		`{"approved": true} call other for ` + id: ErrEnded,
	} {
		if err := r.m.Step(r.word("a", text)); !errors.Is(err, want) {
			t.Errorf("word %s: got %v, want %v", text, err, want)
		}
		if got := Repeats(r.g, r.o, r.snapshot(), r.word("a", text)); got != (want == nil) {
			t.Errorf("word %s repeats: %t", text, got)
		}
	}
}

// A word that comes while the attempt that is to hear it waits for its slot is heard by
// the next one.
func TestAWordWhileAnAttemptQueues(t *testing.T) {
	t.Parallel()
	r := asking(t, compile(t, askingGraph))
	r.tasks["a"].running = false // after the crash it waits for a slot
	r.crash()
	do(r, `word a {"approved": true}`)
	do(r, "running a")
	if n := len(r.tasks["a"].task.Words); n != 0 {
		t.Fatalf("the attempt has %d words, so the test shows nothing", n)
	}
	do(r, "held a")
	if task := r.tasks["a"].task; task.Attempt != 3 || len(task.Words) != 1 {
		t.Errorf("attempt %d has %d words, want the third with one", task.Attempt, len(task.Words))
	}
	do(r, "running a")
	do(r, "done a 1")
	checkReplay(t, r)
}
