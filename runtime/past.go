package runtime

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// Past is the state of a stack at a point of its history.
type Past = inspect.Past

// At returns the state of a stack at a point of its history, as inspect.At does.
func At(ctx context.Context, store Store, kinds graph.Kinds, stack string, at journal.Point) (Past, error) {
	return inspect.At(ctx, store, kinds, stack, at)
}
