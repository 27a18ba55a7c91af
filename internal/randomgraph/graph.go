package randomgraph

import (
	"slices"
	"time"
)

// Graph is a graph with four flags `a` to `d` in its state, which events and nodes set, and
// which conditions read.
type Graph struct {
	Nodes       []Node
	Edges       []Edge
	Once, Eager bool
	Calm        bool // it goes through many cycles in which little changes
	Pause       Pause
	Queue       int    // how long the queues are; 0 means that there are none
	Last        *Graph // the nodes of `finally`
	Ends        string // of those: how the stack ends
}

// Node is a node of kind `work`, unless it says something else.
type Node struct {
	Name, Join string
	N          int // of at_least
	Writes     string
	Attempts   int

	Waits, Latch, Cancel bool // waits: an approval
	Set                  bool // its output is there at once
	Each                 *Each
	Wait                 *Wait // waits for an event
}

// Edge is an edge to one node.
type Edge struct {
	ID                 int
	From, To           string // from "" is the start
	Outcome, When      string
	After, Else, Again bool // again: next_cycle
}

// Each is a `for_each` over `state.xs`, whose elements are their own keys.
type Each struct {
	Failure, Until, Yield string // on_failure, until and yield, "" if the node has none
	Max                   int    // 0 means no bound
	Tells, Moves          bool   // writes what became of its elements, and the list itself
}

// Wait is what a `wait` waits for.
type Wait struct {
	Events []string
	Listed bool // the output is {event, payload}
}

// Pause is a graph's pause, and limits.failed_pause.
type Pause struct {
	Active, Idle time.Duration
	Factor       int
	None         bool
	Failed       time.Duration
}

// EachKeys are the elements that there may be.
var EachKeys = []string{"p", "q", "r", "s"}

// The conditions and expressions over elements.
const (
	SomeFailed = `count(results, .status == "failed") > 0`
	TwoGood    = `count(results, .status == "succeeded") >= 2`
	SecondGood = `results[1].status == "succeeded"` // fails without a second one
	FirstTrue  = `results[0].output == true`
	AOrGood    = `state.a && count(results, .status == "succeeded") >= 1`
	TrueOnes   = `output ? x : state.told[99]` // fails for the others
)

// HasEach reports whether a node has a for_each.
func (g Graph) HasEach() bool {
	return slices.ContainsFunc(g.Nodes, func(n Node) bool { return n.Each != nil })
}

// Cycles is after how many cycles a stack ends.
func (g Graph) Cycles() int {
	if g.Calm {
		return 12
	}
	return 4
}
