package runtime

import (
	"context"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
)

// sender is the work of kinds that send: it checks that the message can arrive. The
// message leaves when the wave is committed.
type sender struct{ rt *Runtime }

func (rt *Runtime) sender() nodes.Node { return sender{rt} }

func (n sender) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	to, _ := with["to"].(string)
	event, _ := with["event"].(string)
	g, queued, err := n.rt.graphOf(ctx, to)
	if err != nil {
		return nodes.Result{}, nodes.Permanent(nodes.Errorf("config", "%v", err))
	}
	payload, f := machine.FitsStack(g, to, queued, event, with["payload"])
	if f != nil {
		return nodes.Result{}, &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
	}
	return nodes.Result{Output: map[string]any{"to": to, "event": event, "payload": payload}}, nil
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
