package runtime

import (
	"context"
	"errors"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// around is machine.Options.Around of a stack; nil for one that does nobody's work. A graph
// that a stack around it has adopted meanwhile counts, so the store is asked each time:
// questions are rare.
func (eng *engine) around(id *journal.Identity) func() machine.Around {
	if id.Parent == "" || eng.cfg.Notices.Post == nil {
		return nil
	}
	inner := *id
	return func() machine.Around {
		out, err := eng.findAround(context.WithoutCancel(eng.base), &inner)
		if err != nil && !errors.Is(err, ErrNotFound) {
			eng.log.Error("hooks of the graphs around a question are not told", "stack", inner.Stack, "error", err)
		}
		return out
	}
}

func (eng *engine) findAround(ctx context.Context, inner *journal.Identity) (out machine.Around, err error) {
	above, err := inspect.Around(ctx, eng.cfg.Store, inner)
	if err != nil {
		return out, err
	}
	top, at, err := inspect.Outermost(ctx, eng.cfg.Store, inner)
	if err != nil {
		return out, err
	}
	out.Stack, out.Graph, out.Place = top.Stack, top.Graph, at
	for i := range above {
		def, err := eng.defs.ofHash(ctx, above[i].Cursor.Hash)
		if err != nil {
			return machine.Around{}, err
		}
		out.Hooks = append(out.Hooks, def.g.Hooks...)
	}
	return out, nil
}
