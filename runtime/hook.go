package runtime

import (
	"context"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// Notice says to a hook what happened to a stack.
type Notice struct {
	ID     string // the same at every try
	Event  string // of graph.HookEvents
	URL    string
	Secret string // name of the secret that the body is to be signed with
	Body   []byte // JSON, the same at every try
}

// Notices deliver what stacks say to hooks.
type Notices struct {
	// Hooks hear of the stacks of all graphs, beside the hooks of each graph.
	Hooks []graph.Hook
	// Post makes one try, and returns an error if it has to be made again. It is called by
	// several goroutines, and its context ends only with its own time. Defaults to none: hooks
	// are not told of anything.
	Post func(ctx context.Context, n Notice) error
	// Timeout is the time of one try. Defaults to 10 seconds.
	Timeout time.Duration
}
