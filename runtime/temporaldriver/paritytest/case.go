package paritytest

import (
	"context"
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
	Text   string          // of the graph, for people
	Kinds  *nodes.Registry // those of the graphs
	Secret func(name string) (string, bool)
	Stacks []Start  // they begin at once, in this order
	Does   []Moment // in the order of their times
	// Work says what an attempt comes to. It is called from many goroutines, more than once for
	// one attempt, and gives the same each time. With false the real work of the kind is done.
	Work func(Attempt) (Reply, bool)
	// Queues says that attempts wait for slots, or for each other (`max`). Where a stack is read
	// from its store meanwhile, they wait in the order of the graph, and no more in that in which
	// they came.
	Queues bool
	// Until is how long is looked at. What has not ended by then is cut off. Nothing should
	// happen at this very moment.
	Until time.Duration
}

// String is the text of the graph and what comes from outside.
func (c *Case) String() string {
	text := c.Text
	for i := range c.Does {
		text += c.Does[i].String() + "\n"
	}
	return text
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
	Does func(ctx context.Context, t nodes.Task, wait Wait) (nodes.Result, error)
}
