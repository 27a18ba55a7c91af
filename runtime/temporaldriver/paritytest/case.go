package paritytest

import (
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

// Begin is when all cases begin: it is the time at which bubbles of fake time begin.
var Begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Nonce is that of all stacks, also of those within others: it is part of idempotency keys, from
// which the jitter of backoffs follows.
const Nonce = "n"

// Case is one run. It may be run any number of times, also at the same time.
type Case struct {
	Name   string
	Kinds  *nodes.Registry // those of the graphs
	Secret func(name string) (string, bool)
	Stacks []Start  // they begin at once, in this order
	Does   []Moment // in the order of their times
	// Work says what an attempt comes to. It is called from many goroutines, more than once for
	// one attempt, and gives the same each time. With false the real work of the kind is done.
	Work func(Attempt) (Reply, bool)
	// Until is how long is looked at. What has not ended by then is cut off. Nothing should
	// happen at this very moment.
	Until time.Duration
}

// Start is a stack of a case.
type Start struct {
	ID     string
	Graph  *graph.Graph // of Kinds
	Params map[string]any
	State  map[string]any
	By     string
}

// Attempt names an attempt.
type Attempt struct {
	Stack       string
	Cycle, Wave uint64
	Node, Item  string
	Try         int // from 1
}

// Reply is what an attempt comes to.
type Reply struct {
	Takes  time.Duration // from its begin
	Result nodes.Result
	Fails  *nodes.Error // nil if it succeeds with Result
	// Does, when set, is done in place of Result and Fails once Takes has passed.
	Does func(t nodes.Task) (nodes.Result, error)
}

// Does says what a moment is.
type Does string

const (
	Send       Does = "send"
	Answer     Does = "answer"
	Pause      Does = "pause"
	Resume     Does = "resume"
	Wake       Does = "wake"
	Stop       Does = "stop"
	Cancel     Does = "cancel"
	CancelTask Does = "cancel_task"
)

// Moment is something that is done from outside. Which of its fields mean something follows from
// Does, as in the methods of runtime.Runtime.
type Moment struct {
	At    time.Duration // since Begin; more than 0
	Stack string
	Does  Does
	By    string

	ID      string // of an event
	Event   string
	Payload any

	Node, Item string
	Call, For  string
	Args       any
	Output     any

	Reason string // of Cancel
}
