package temporaldriver

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"

	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime"
)

// sender is the work of kinds that send: it checks that the message can arrive. The message
// leaves when the wave is committed.
type sender struct{ w *Worker }

func (n sender) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	with, _ := t.With.(map[string]any)
	to, _ := with["to"].(string)
	event, _ := with["event"].(string)
	r, err := n.w.query(ctx, to, readRequest{What: readStack})
	var missing *serviceerror.NotFound
	switch {
	case errors.As(err, &missing) || err == nil && r.Cursor == nil:
		err := unknownStack(ctx, n.w.c, n.w.o.TaskQueue, to)
		if errors.As(err, new(*runtime.UnknownStackError)) {
			err = nodes.Permanent(nodes.Errorf("config", "%v", err))
		}
		return nodes.Result{}, err
	case err != nil:
		return nodes.Result{}, err
	case r.Cursor.Status.Ended():
		return nodes.Result{}, nodes.Permanent(nodes.Errorf("config", "%v", fmt.Errorf("%w: %q", runtime.ErrEnded, to)))
	}
	def, err := n.w.definition(ctx, to, r.Cursor.Hash)
	if err != nil {
		return nodes.Result{}, err
	}
	payload, f := machine.FitsStack(def.g, to, r.Cursor.Queued, event, with["payload"])
	if f != nil {
		return nodes.Result{}, &nodes.Error{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent}
	}
	return nodes.Result{Output: map[string]any{"to": to, "event": event, "payload": payload}}, nil
}
