package temporaldriver

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
)

// graphOf returns the graph that a stack runs under at present, and what is queued there, for a
// node that sends. A stack that cannot be sent to is a mistake of the graph; a cluster that does
// not answer is none.
func (w *Worker) graphOf(ctx context.Context, stack string) (*graph.Graph, []journal.Queued, error) {
	r, err := w.query(ctx, stack, readRequest{What: readStack})
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing) || err == nil && r.Cursor == nil:
		err := unknownStack(ctx, w.c, w.o.TaskQueue, stack)
		if errors.As(err, new(*runtime.UnknownStackError)) {
			err = nodes.Permanent(nodes.Errorf("config", "%v", err))
		}
		return nil, nil, err
	case err != nil:
		return nil, nil, err
	case r.Cursor.Status.Ended():
		return nil, nil, nodes.Permanent(nodes.Errorf("config", "%v", fmt.Errorf("%w: %q", runtime.ErrEnded, stack)))
	}
	def, err := w.definition(ctx, stack, r.Cursor.Hash)
	if err != nil {
		return nil, nil, err
	}
	return def.g, r.Cursor.Queued, nil
}
