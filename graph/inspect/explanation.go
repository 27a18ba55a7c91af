package inspect

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Explanation is why the nodes of a stack ran or did not run in a cycle, and what the stack
// waits for. Its JSON form is that of `explain -o json`.
type Explanation struct {
	Stack string          `json:"stack"`
	Cycle uint64          `json:"cycle"` // 0 before the first one
	File  string          `json:"file"`  // that the graph was read from
	Hash  string          `json:"hash"`  // of the graph that the cycle ran under
	Waits []Wait          `json:"waits"` // what the stack waits for now; none if it has ended, or for an earlier cycle
	Nodes []ExplainedNode `json:"nodes"` // in declaration order, or as they were asked for
	Stop  []ExplainedStop `json:"stop"`  // of an open cycle as they would come out at this moment

	Last bool `json:"-"` // the cycle is the open or the last one
	Open bool `json:"-"` // it is not finished
}

// ExplainedNode is the decision over a node.
type ExplainedNode struct {
	Node   string          `json:"node"`
	Path   string          `json:"path,omitzero"`  // of a node in a graph within the stack: NODE/INNER
	Stack  string          `json:"stack,omitzero"` // of such a node: the stack that it belongs to
	Cycle  uint64          `json:"cycle,omitzero"` // in which it was decided, if that is another one: under `once`, or of Stack
	Status string          `json:"status"`         // pending, queued, running, backoff, parked, waiting, succeeded, failed or skipped
	Run    *bool           `json:"run"`            // nil while it is not decided
	Reason string          `json:"reason"`         // why it does not run
	Wave   uint64          `json:"wave"`           // as in the record; 0 while it is not decided
	Join   ExplainedJoin   `json:"join"`
	Edges  []ExplainedEdge `json:"edges"` // all edges to it, in declaration order
	Waits  []Wait          `json:"waits"` // what it waits for now
	Final  bool            `json:"-"`     // it is one of `finally`
}

// ExplainedJoin is how the live edges of a node stand against what it needs.
type ExplainedJoin struct {
	Rule string `json:"rule"` // any, all, none, first or at_least(N)
	Live int    `json:"live"`
	Of   int    `json:"of"` // edges that count
}

// ExplainedEdge is an edge to a node.
type ExplainedEdge struct {
	From      string      `json:"from"`
	Outcome   string      `json:"outcome"`
	When      string      `json:"when"`
	Live      *bool       `json:"live"` // nil without a verdict
	Error     string      `json:"error,omitzero"`
	After     bool        `json:"after,omitzero"`
	Else      bool        `json:"else,omitzero"`
	NextCycle bool        `json:"next_cycle,omitzero"`
	Why       machine.Why `json:"why"`
	Beside    []string    `json:"beside,omitzero"` // of an else edge: the nodes that edges beside it are live to
	Condition *Part       `json:"condition"`       // nil for an edge without one
}

// ExplainedStop is a stop condition.
type ExplainedStop struct {
	When      string `json:"when"`
	Holds     *bool  `json:"holds"` // nil if it was not asked
	Error     string `json:"error,omitzero"`
	Condition *Part  `json:"condition"`
}

// Part is a piece of a condition, and what became of it: see cond.Part. Values of more than
// 4 KiB as JSON are cut to the beginning of their text.
type Part struct {
	Op        string  `json:"op"`
	Text      string  `json:"text"`
	Line      int     `json:"line"` // of the first character of Text, from 1; 0 if that is not known
	Column    int     `json:"column"`
	Evaluated bool    `json:"evaluated"`
	Value     Value   `json:"value"`
	Cut       bool    `json:"cut,omitzero"` // of Value
	Error     *string `json:"error"`        // why it has no value
	Parts     []Part  `json:"parts"`
	Reads     []Read  `json:"reads"`

	// Of what looks at the elements of a list, if it was evaluated.
	Matched *int   `json:"matched,omitzero"`
	Of      *int   `json:"of,omitzero"`
	First   *Match `json:"first,omitzero"` // that matched; of `all`, that did not
}

// Match is an element of a list.
type Match struct {
	Index int   `json:"index"`
	Value Value `json:"value"`
	Cut   bool  `json:"cut,omitzero"`
	Holds bool  `json:"holds"`
}

// Read is a value that a part reads by name.
type Read struct {
	Path  string      `json:"path"`
	Value Value       `json:"value"`
	Cut   bool        `json:"cut,omitzero"`
	By    *journal.By `json:"by,omitzero"` // who last wrote the key of the state; nil if it is none, or nobody knows
	Key   string      `json:"-"`           // that key
}

// Wait is something that a stack or a node waits for.
type Wait struct {
	For  string `json:"for"`  // one of the words of WaitsFor…
	Text string `json:"text"` // what it waits for, as a sentence without its period

	Node     string    `json:"node,omitzero"`
	Item     string    `json:"item,omitzero"`
	ID       string    `json:"id,omitzero"`       // of the question
	Events   []string  `json:"events,omitzero"`   // any of these
	Until    time.Time `json:"until,omitzero"`    // when it is over by itself
	Attempt  int       `json:"attempt,omitzero"`  // that is next
	Attempts int       `json:"attempts,omitzero"` // that there may be
	Pool     string    `json:"pool,omitzero"`
	Running  *int      `json:"running,omitzero"` // slots of the pool that are taken
	Parallel *int      `json:"parallel,omitzero"`
	By       []Behind  `json:"by,omitzero"`     // the tasks in the slots
	Stacks   []string  `json:"stacks,omitzero"` // that have to get as far first
}

// What a Wait is for.
const (
	WaitsForPause      = "pause"      // the end of the pause between two cycles
	WaitsForEvent      = "event"      // an event
	WaitsForAnswer     = "answer"     // somebody's answer
	WaitsForTime       = "time"       // a time that a node waits for, or files until then
	WaitsForBackground = "background" // work that runs on over cycles
	WaitsForNode       = "node"       // another node
	WaitsForBackoff    = "backoff"    // the next attempt
	WaitsForPool       = "pool"       // a slot of a pool, or a lock
	WaitsForParked     = "parked"     // the engine died too often while it ran
	WaitsForRun        = "run"        // the task itself
	WaitsForResume     = "paused"     // somebody has paused the stack
	WaitsForOwner      = "owner"      // nobody runs the stack
	WaitsForFleet      = "fleet"      // other stacks, in lockstep
)
