package journal

import "time"

// Record is one entry of a stack's journal.
type Record struct {
	Seq   uint64 // 1, 2, 3, … within the stack
	Time  time.Time
	Stack string
	Cycle uint64
	Body  Body
}

// Body is what a record says; Type is its name in the journal. Bodies are
// pointers, immutable once recorded, and shared: a verdict that is the same as
// in the cycle before is the same *NodeDecided.
type Body interface{ Type() string }

// Fields marked "journal" are kept in the store and left out of --trace.
type (
	StackStarted struct {
		Graph, Hash string
		Params      map[string]any // journal
		State       map[string]any // journal: the initial state, whole
	}
	EventReceived struct {
		Event   string
		ID      string // journal
		Payload any    // journal
	}
	CycleStarted struct {
		Hash   string   // journal: of the graph that the cycle runs under
		Mode   string   // journal: round_robin, or "" for graph
		Faults []string // what failed while it began; the cycle is a failed one
	}
	// NodeDecided is the verdict over one node.
	NodeDecided struct {
		Wave   uint64
		Node   string
		Run    bool
		Reason string    // of a node that did not run
		Edges  []Verdict // of the edges that count in the join, declaration order
	}
	WaveStarted struct {
		Wave  uint64
		Nodes []string  // declaration order
		Early []Verdict // journal: verdicts over edges of nodes that are not decided yet (join: first, siblings of an else edge)
	}
	TaskStarted struct {
		Wave    uint64
		Began   uint64 // the cycle of Wave, when the task outlived it; else 0
		Node    string
		Item    string
		Attempt int
		Crashes int // journal: attempts before this one that ended with the engine
	}
	// TaskFinished is the end of an attempt. Attempt 0: none began, the result
	// is one of an earlier run (Cached), or the task was cancelled before.
	TaskFinished struct {
		Wave     uint64
		Began    uint64 // as in TaskStarted
		Node     string
		Item     string
		Attempt  int
		Status   string // succeeded or failed
		Duration time.Duration
		Error    *Failure
		Output   any       // journal
		Tokens   int64     // journal
		Cost     float64   // journal
		RetryAt  time.Time // journal: when the next attempt is due; zero: none follows
		Cached   bool      // the result of an earlier run is used again
		CacheKey string    // journal: what the result is kept under; "": it is not kept
	}
	// WaveCommitted with Wave 0 is what was taken in when the cycle began:
	// events, answers and background results.
	WaveCommitted struct {
		Wave    uint64
		Changed []string  // keys, in declaration order
		Settled []Settled // journal: how the wave's nodes ended, declaration order
	}
	CycleFinished struct {
		Waves, NodeRuns int
		Failed, Active  bool
		Pause           time.Duration
		None            bool     // journal: a computed pause is none; that of the graph is in the graph
		Faults          []string // what failed while it ended: stop conditions, the pause
	}
	StackFinished struct {
		Status Status
		Reason string
	}
)

// Verdict is one edge of a decision.
type Verdict struct {
	Edge    int    // index in the graph (journal)
	From    string // "start" for the start of the cycle
	Outcome string // success, failure, always; "" on after and start edges
	When    string // source of the condition; "" for none
	Live    bool
	Error   string // why the condition failed to evaluate, with its place: "graph.yaml:12:8: index out of range"

	After, Else, NextCycle bool // the edge's form
}

func (*StackStarted) Type() string  { return "stack.started" }
func (*EventReceived) Type() string { return "event.received" }
func (*CycleStarted) Type() string  { return "cycle.started" }
func (*NodeDecided) Type() string   { return "node.decided" }
func (*WaveStarted) Type() string   { return "wave.started" }
func (*TaskStarted) Type() string   { return "task.started" }
func (*TaskFinished) Type() string  { return "task.finished" }
func (*WaveCommitted) Type() string { return "wave.committed" }
func (*CycleFinished) Type() string { return "cycle.finished" }
func (*StackFinished) Type() string { return "stack.finished" }
