package runtime

import (
	"github.com/graphrun/graphrun/graph/journal"
)

// StopAfter says when to stop driving a stack, which does not end it. The zero value
// never stops it.
type StopAfter struct {
	// Cycles stops after this many finished cycles; one that was open counts. Zero means
	// no bound.
	Cycles int
	// UntilIdle stops after a cycle in which no node ran, unless a task still runs. It
	// stops at once when the last cycle was such a one and only an event would begin
	// another.
	UntilIdle bool
}

// Result reports how a stack ended, or where it stands.
type Result struct {
	Stack, Graph string
	Status       journal.Status
	Reason       string

	// Since Start or Resume.
	Cycles, Waves, NodeRuns, Failures uint64
	Tokens                            int64
	Cost                              float64

	State  map[string]any // as committed; shared, must not be changed
	Cursor journal.Cursor
}

// Stopped is the reason of a stack that End has ended.
const Stopped = "stopped"
