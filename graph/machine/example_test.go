package machine_test

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/graph/value"
)

// exampleKinds has one kind of node, whose work the driver does.
type exampleKinds struct{}

func (exampleKinds) Names() []string { return []string{"work"} }

func (exampleKinds) Kind(name string) (graph.Kind, bool) {
	return graph.Kind{Name: name, Open: true}, name == "work"
}

// One cycle, driven by hand: the driver prints what a real one would store, and
// every task succeeds after a minute.
func Example() {
	def, _ := dsl.Parse("count.graphrun.yaml", []byte(`
graphrun: 1
name: count
state: {n: {type: integer, reduce: sum}}
nodes:
  double: {uses: work, with: {n: "${{ state.n }}"}, writes: {n: output.n}}
  report: {uses: work}
edges:
  - {to: double}
  - {from: double, to: report, when: state.n > 100}
stop: state.n > 10
`))
	g, problems := graph.Compile(def, exampleKinds{})
	if g == nil {
		fmt.Println(problems)
		return
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m, err := machine.New(g, machine.Options{}, journal.Identity{Stack: "one"}, map[string]any{"n": 6}, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		var tasks []machine.Task
		for r, ok := m.Ready(); ok; r, ok = m.Ready() {
			for rec := range journal.EachRecord(r.Records) {
				fmt.Println(rec.Seq, rec.Body.Type())
			}
			tasks = append(tasks, r.Start...)
			m.Advance()
		}
		if m.Cursor().Status.Ended() {
			break
		}
		for _, t := range tasks {
			_ = m.Step(machine.TaskRunning{At: now, Key: t.Key, Attempt: t.Attempt})
			now = now.Add(time.Minute)
			output, _ := value.Of(t.With) // each gives back what it was given
			_ = m.Step(machine.TaskDone{At: now, Key: t.Key, Attempt: t.Attempt, Output: output})
		}
		if len(tasks) == 0 {
			now = m.WakeAt()
			_ = m.Step(machine.Woke{At: now})
		}
	}
	fmt.Println(m.Cursor().Status, m.State()["n"])
	// Output:
	// 1 stack.started
	// 2 cycle.started
	// 3 node.decided
	// 4 wave.started
	// 5 task.started
	// 6 task.finished
	// 7 wave.committed
	// 8 node.decided
	// 9 cycle.finished
	// 10 stack.finished
	// completed 12
}
