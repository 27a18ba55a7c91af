package machine

import (
	"slices"
	"strings"
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
)

const endingGraph = `
graphrun: 1
name: ending
state: {n: {type: integer, reduce: sum}, got: {type: list(string), reduce: append, keep: 9}}
nodes:
  a: {uses: work, timeout: 5s, deadline: 8s, retry: {attempts: 2, backoff: 1s}, writes: {n: "1"}}
  each: {uses: work, for_each: {in: "1..4", max: "2", on_failure: fast}}
  back: {uses: work, background: true}
  after: {uses: work}
edges:
  - {to: [a, each, back], when: cycle.number == 1}
  - {from: a, to: after, outcome: failure}
pause: 1s
limits: {cycles: 9}
`

// Whoever ends an attempt: until its work is gone there is no record of its end,
// and nothing follows it. A restart meanwhile carries the decision out.
func TestAnAttemptIsOverWhenItsWorkIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, end []string
		record      string // the end of each attempt that was asked to end
		asked       []string
		closing     bool
	}{
		"timeout":    {nil, []string{"tick 5s", "wake"}, "a#1 failed timeout: timeout of 5s exceeded retry at 6s", []string{"a"}, false},
		"deadline":   {[]string{"tick 5s", "wake", "tick 1s", "wake", "running a", "tick 2s"}, []string{"wake"}, "a#2 failed timeout: deadline of 8s exceeded", []string{"a"}, false},
		"cancel one": {nil, []string{"drop a"}, "a#1 failed cancelled: cancelled", []string{"a"}, false},
		"max":        {nil, []string{"drop each/0"}, "each/0#1 failed cancelled: cancelled", []string{"each/0"}, false},
		"fast":       {nil, []string{"fail each/1 exit 1"}, "each/0#1 failed cancelled: cancelled", []string{"each/0"}, false},
		"background": {nil, []string{"drop back"}, "back#1 failed cancelled: cancelled", []string{"back"}, false},
		"the stack":  {nil, []string{"cancel enough"}, "back#1 failed cancelled: cancelled", []string{"a", "back", "each/0", "each/1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, crash := range []bool{false, true} {
				r := newRig(t, compile(t, endingGraph))
				if err := r.start(nil, nil); err != nil {
					t.Fatal(err)
				}
				do(r, "wake")
				for _, name := range []string{"a", "back", "each/0", "each/1"} {
					do(r, "running "+name)
				}
				for _, l := range tt.before {
					do(r, l)
				}
				r.lingers = true
				known, tasks := len(r.records), len(r.tasks)
				for _, l := range tt.end {
					do(r, l)
				}
				var asked []string
				for _, in := range r.gone {
					asked = append(asked, nameOf(in.Key))
				}
				slices.Sort(asked)
				if !slices.Equal(asked, tt.asked) {
					t.Fatalf("asked to end: %v, want %v", asked, tt.asked)
				}
				if strings.Contains(endsSince(r, known), tt.record) || len(r.tasks) > tasks {
					t.Fatalf("it is recorded as over, or something follows it, while it runs:\n%s%v", endsSince(r, known), r.tasks)
				}
				if got := r.m.Cursor(); got.Status.Ended() || (got.Closing != nil) != tt.closing {
					t.Fatalf("the stack is %v, closing: %v", got.Status, got.Closing)
				}
				if crash {
					r.crash()
				}
				r.leave()
				r.drain()
				if ends := endsSince(r, known); !strings.Contains(ends, tt.record) {
					t.Errorf("crash: %t: want the record %q, got\n%s", crash, tt.record, ends)
				}
				if got := r.m.Cursor(); got.Status.Ended() != tt.closing || len(got.Ending) > 0 {
					t.Errorf("the stack is %v, ending: %v", got.Status, got.Ending)
				}
				if !crash {
					checkReplay(t, r)
				}
			}
		})
	}
}

// Inputs to a closing stack change nothing any more, except that its attempts end.
func TestAClosingStackTakesNothingIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, endingGraph))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	do(r, "wake")
	do(r, "running a")
	r.lingers = true
	do(r, "cancel enough")
	for _, in := range []Input{Pause{At: r.clock}, Resume{At: r.clock}, Woke{At: r.clock, Early: true}, Cancel{At: r.clock, Reason: "more"},
		TaskRunning{At: r.clock, Key: r.gone[0].Key, Attempt: 1}, CancelTask{At: r.clock, Node: "each"}} {
		if err := r.m.Step(in); err != nil {
			t.Errorf("%T: %v", in, err)
		}
	}
	if err := r.m.Step(Event{At: r.clock, Name: "x"}); err != ErrEnded {
		t.Errorf("an event: %v", err)
	}
	if rd, more := r.m.Ready(); more {
		t.Errorf("there is something to do: %+v", rd)
	}
	r.step(TaskDone{At: r.clock, Key: r.gone[0].Key, Attempt: 1, Output: r.known("too late"), Tokens: 7, Cost: 0.5})
	r.drain()
	if c := r.m.Cursor(); c.Status != journal.Cancelled || c.Reason != "enough" || c.Counts.Tokens != 7 || c.Counts.Cost != 0.5 {
		t.Errorf("the stack is %s (%s), counts %+v", c.Status, c.Reason, c.Counts)
	}
}

func endsSince(r *rig, known int) (text string) {
	for _, rec := range r.records[known:] {
		if _, ok := rec.Body.(*journal.TaskFinished); ok {
			text += r.recordText(rec) + "\n"
		}
	}
	return text
}
