package runtime

import (
	"github.com/graphrun/graphrun/graph/journal"
)

// StopAfter says when to stop driving a stack, which does not end it. The zero
// value is: never.
type StopAfter struct {
	// Cycles stops after so many finished cycles; one that was open counts. 0: no bound.
	Cycles int
	// UntilIdle stops after a cycle in which no node ran, unless a task still runs;
	// at once when that was the last one and only an event would begin another.
	UntilIdle bool
}

// Result is how a stack ended, or where it stands when it was stopped.
type Result struct {
	Stack, Graph string
	Status       journal.Status
	Reason       string

	// Since Start or Resume.
	Cycles, Waves, NodeRuns, Failures uint64

	State  map[string]any // as committed; shared, not to be changed
	Cursor journal.Cursor
}

// Stopped is the reason of a stack that End has ended.
const Stopped = "stopped"
