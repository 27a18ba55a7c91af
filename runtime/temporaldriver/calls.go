package temporaldriver

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

func (e *errand) callOver(r *nodes.StepRecord) string { return "" }

func (e *errand) callRunner(c nodes.Call) nodes.Node { return nil }

// memories reads the memories of one stack's graph.
type memories struct {
	w     *Worker
	stack string
	g     *graph.Graph
}

func (m memories) Read(ctx context.Context, memory string, after uint64, item func(nodes.MemoryItem) error) (state nodes.MemoryState, err error) {
	for {
		r, err := m.w.query(ctx, m.stack, readRequest{What: readMemory, Name: memory, After: after})
		if err != nil {
			return state, err
		}
		state = *r.Memory
		for _, i := range r.Items {
			after = i.Seq
			if err := item(i); err != nil {
				return state, err
			}
		}
		if !r.More {
			return state, nil
		}
	}
}
