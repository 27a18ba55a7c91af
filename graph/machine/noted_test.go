package machine

import (
	"testing"

	"github.com/graphrun/graphrun/graph/journal"
)

// The steps of a task that is over are not kept, though its wave is open and another
// element may take the node out of it; nor are those of a node in the background.
func TestStepsOfWhatIsOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, compile(t, `
graphrun: 1
name: noted
state: {got: {type: list(any), reduce: append, keep: 9}}
nodes:
  a: {uses: work, for_each: {in: "[1, 2]"}, writes: {got: "output"}}
  long: {uses: work, background: true}
edges: [{to: [a, long], when: cycle.number == 1}]
pause: 1s
limits: {cycles: 3}
`))
	if err := r.start(nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"wake", "running a/0", "running a/1", "running long",
		`step a/0 turn 1 0 "zero"`, `step a/1 turn 1 0 "one"`, `step long turn 1 0 "long"`, `done a/0 "x"`} {
		do(r, line)
	}
	noted := func() (steps []string) {
		for _, rec := range r.m.wave.records {
			if b, ok := rec.Body.(*journal.TaskStep); ok {
				steps = append(steps, b.Node+b.Item)
			}
		}
		return steps
	}
	for _, when := range []string{"at first", "after a restart"} {
		if got := noted(); len(got) != 1 || got[0] != "a1" {
			t.Errorf("%s the steps of %v are kept, want those of a1", when, got)
		}
		if when == "at first" {
			r.crash()
			do(r, "running a/1")
		}
	}
	do(r, `asks a/1 [{"id": "1", "tool": "refund"}]`)
	r.crash()
	do(r, "running a/1")
	if h := r.tasks["a/1"].task; len(h.Steps) != 1 || h.Steps[0].Content != "one" {
		t.Errorf("steps %+v", h.Steps)
	}
	do(r, `done a/1 "y"`)
	do(r, "wake")
	if got, _ := r.m.State()["got"].([]any); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	checkReplay(t, r)
}
