package runtime

import (
	"context"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

// sender is the work of kinds that send. A stack that cannot be sent to is a mistake of the graph.
func (rt *Runtime) sender() nodes.Node {
	return work.Sender{GraphOf: func(ctx context.Context, to string) (*graph.Graph, []journal.Queued, error) {
		g, queued, err := rt.graphOf(ctx, to)
		if err != nil {
			err = nodes.Permanent(nodes.Errorf("config", "%v", err))
		}
		return g, queued, err
	}}
}

// graphOf returns the graph that a stack runs under at present, and what is queued there.
// It fails when the stack has ended.
func (rt *Runtime) graphOf(ctx context.Context, stack string) (*graph.Graph, []journal.Queued, error) {
	if d := rt.driving(stack); d != nil {
		if g, queued := d.graphNow(); g != nil {
			return g, queued, nil
		}
	}
	sum, err := rt.cfg.Store.Stack(ctx, stack)
	if err != nil {
		return nil, nil, rt.unknown(ctx, stack, err)
	}
	if sum.Cursor.Status.Ended() {
		return nil, nil, fmt.Errorf("%w: %q", ErrEnded, stack)
	}
	def, err := rt.defs.ofHash(ctx, sum.Cursor.Hash)
	if err != nil {
		return nil, nil, err
	}
	return def.g, sum.Cursor.Queued, nil
}
