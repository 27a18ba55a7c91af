package inspect_test

import (
	"testing"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// TestTasksUsed: what a task used is the sum over its steps, its attempts that failed,
// were held or came too late, and its end.
func TestTasksUsed(t *testing.T) {
	t.Parallel()
	var p inspect.Tasks
	records := func(cycle uint64, bodies ...journal.Body) (all []journal.Record) {
		for i, b := range bodies {
			all = append(all, journal.Record{Seq: uint64(i + 1), Time: start.Add(time.Duration(i) * time.Second), Cycle: cycle, Body: b})
		}
		return all
	}
	p.Take(records(1,
		&journal.CycleStarted{}, &journal.WaveStarted{Wave: 1, Nodes: []string{"a", "b"}},
		&journal.TaskStarted{Wave: 1, Node: "a", Attempt: 1},
		&journal.TaskStarted{Wave: 1, Node: "b", Attempt: 1},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 1, Name: "model:m", Tokens: 100, Cost: 0.5},
		&journal.TaskStep{Wave: 1, Node: "a", Attempt: 1, Step: 2, Name: "tool:t"},
		&journal.TaskHeld{Wave: 1, Node: "a", Attempt: 1, Tokens: 1, Cost: 0.125},
		&journal.TaskUsed{Wave: 1, Node: "a", Attempt: 1, Tokens: 20},
		&journal.TaskFinished{Wave: 1, Node: "b", Attempt: 1, Status: "succeeded", Tokens: 7, Cost: 0.25},
	))
	p.Take(records(2, // it continues in the background
		&journal.TaskFinished{Wave: 1, Began: 1, Node: "a", Attempt: 2, Status: "succeeded", Tokens: 300, Cost: 1},
	))
	tasks := p.List(&journal.Cursor{}, true)
	if len(tasks) != 2 || tasks[0].Tokens != 421 || tasks[0].Cost != 1.625 || tasks[1].Tokens != 7 || tasks[1].Cost != 0.25 {
		t.Errorf("got %+v", tasks)
	}
}
