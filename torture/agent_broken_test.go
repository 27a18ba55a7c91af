package torture

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

// brokenAgent is the work of agents with the fault that a control is to have.
func brokenAgent(role string, own nodes.Node) nodes.Node {
	switch role {
	case forgetsSteps, recordsLate, onceIsIgnored:
		return faulty{own, role}
	}
	return own
}

type faulty struct {
	nodes.Node
	role string
}

func (f faulty) Run(ctx context.Context, t nodes.Task) (nodes.Result, error) {
	switch f.role {
	case forgetsSteps:
		t.Steps = nil
	case onceIsIgnored:
		t.Tools = slices.Clone(t.Tools)
		for i := range t.Tools {
			careless := *t.Tools[i].Tool
			careless.Effects = graph.EffectsNone
			t.Tools[i].Tool = &careless
		}
	case recordsLate:
		var late lateRecords
		late.own, t.Record = t.Record, late.record
		defer late.all.Wait()
	}
	return f.Node.Run(ctx, t)
}

// lateRecords are recorded one after the other, some time after the work has continued.
type lateRecords struct {
	own func(context.Context, nodes.StepRecord) (any, error)
	all sync.WaitGroup
	one sync.Mutex
}

func (l *lateRecords) record(ctx context.Context, r nodes.StepRecord) (any, error) {
	l.one.Lock()
	l.all.Go(func() {
		defer l.one.Unlock()
		<-time.After(3 * time.Millisecond)
		_, _ = l.own(ctx, r)
	})
	return r.Content, nil
}
