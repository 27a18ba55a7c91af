package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/sim"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// kinds are work, whose results the tests say, and set.
type kinds struct{}

func (kinds) Names() []string { return []string{"set", "work"} }

func (kinds) Kind(name string) (graph.Kind, bool) {
	return graph.Kind{Name: name, Open: true, Inline: name == "set"}, name == "set" || name == "work"
}

func begin(t *testing.T, text string, result func(machine.Task) sim.Result) (*sim.Sim, *[]string) {
	t.Helper()
	def, problems := dsl.Parse("test.yaml", []byte(text))
	g, more := graph.Compile(def, kinds{})
	if g == nil {
		t.Fatal(problems, more)
	}
	m, err := machine.New(g, machine.Options{}, journal.Identity{Stack: "s"}, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	s := sim.New(m, start, result)
	var log []string
	s.Recorded = func(r journal.Record) {
		switch b := r.Body.(type) {
		case *journal.TaskFinished:
			line := fmt.Sprintf("%s %s#%d %s", r.Time.Sub(start), b.Node, b.Attempt, b.Status)
			if b.Error != nil {
				line += " " + b.Error.Kind
			}
			log = append(log, line)
		case *journal.CycleFinished, *journal.StackFinished:
			log = append(log, fmt.Sprintf("%s %s", r.Time.Sub(start), r.Body.Type()))
		}
	}
	return s, &log
}

const busy = `
graphrun: 1
name: busy
state: {n: {type: integer, reduce: sum}}
events: {more: {to: n}}
nodes:
  a: {uses: work, retry: {attempts: 2, backoff: 10s}, writes: {n: output}}
  b: {uses: work, timeout: 1m}
edges: [{to: [a, b], when: state.n < 2}]
pause: 1h
stop: state.n >= 2
limits: {cycles: 9}
`

// Time moves to what is due: ends of tasks, backoffs, timeouts, pauses.
func TestTimeMovesToWhatIsDue(t *testing.T) {
	t.Parallel()
	s, log := begin(t, busy, func(task machine.Task) sim.Result {
		switch {
		case task.Key.Node == "b" && task.Key.Cycle == 1:
			return sim.Result{Takes: time.Hour} // it times out
		case task.Key.Node == "a" && task.Attempt == 1:
			return sim.Result{Takes: 5 * time.Second, Failure: &journal.Failure{Kind: "exit", Message: "no"}}
		}
		return sim.Result{Output: int64(1), Takes: 2 * time.Second, Tokens: 7}
	})
	if err := s.Until(func(r journal.Record) bool { return r.Body.Type() == "stack.finished" }); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"5s a#1 failed exit", "17s a#2 succeeded", "1m0s b#1 failed timeout", "1m0s cycle.finished",
		"1h1m2s b#1 succeeded", "1h1m5s a#1 failed exit", "1h1m17s a#2 succeeded", "1h1m17s cycle.finished", "1h1m17s stack.finished",
	}
	if d := cmp.Diff(want, *log); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := s.Machine().Cursor().Counts.Tokens; got != 21 {
		t.Errorf("%d tokens, want 21", got)
	}
}

// It stops where it should, takes inputs there, and continues.
func TestInputsFromOutside(t *testing.T) {
	t.Parallel()
	s, log := begin(t, busy, func(machine.Task) sim.Result { return sim.Result{Output: int64(0)} })
	cycle := func(r journal.Record) bool { return r.Body.Type() == "cycle.finished" }
	if err := s.Until(cycle); err != nil {
		t.Fatal(err)
	}
	if !s.Now().Equal(start) || len(*log) != 3 {
		t.Errorf("at %s: %v", s.Now(), *log)
	}
	if err := s.Step(machine.Event{At: s.Now(), Name: "lots", Payload: 1}); err == nil || !strings.Contains(err.Error(), "unknown event") {
		t.Errorf("an unknown event: %v", err)
	}
	if err := s.Step(machine.Event{At: s.Now(), Name: "more", Payload: 2}); err != nil {
		t.Fatal(err)
	}
	if err := s.Until(func(journal.Record) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if c := s.Machine().Cursor(); c.Status != journal.Completed || !s.Now().Equal(start) {
		t.Errorf("%s at %s, want completed at once", c.Status, s.Now())
	}
}
