package runtime

import (
	"context"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/nodes"
)

// hooks gives a task what its work may ask of the driver. ctx is that of the attempt.
// finish is to be called when the work has returned.
func (d *drive) hooks(ctx context.Context, a *attempt, n *graph.Node, t *nodes.Task) (finish func()) {
	t.Of, t.Output, t.Retry = d.g, n.Output, n.Retry
	t.LeftTokens, t.LeftCost = a.task.LeftTokens, a.task.LeftCost
	t.Steps, t.Words = stepsOf(a.task.Steps, a.task.Void), wordsOf(a.task.Words)
	record := d.record(a)
	t.Delta, finish = d.speaker(a)
	t.Record = func(ctx context.Context, r nodes.StepRecord) (any, error) {
		finish() // what was said until now is a whole
		content, err := record(ctx, r)
		r.Content = content // canonical
		if id, _ := childOver(d.name, a.task.Key, &r); id != "" && err == nil && a.over(id) {
			d.post(func() { d.unneeded = append(d.unneeded, id) })
		}
		return content, err
	}
	t.Ask, t.Note = d.ask(a), d.noter(a)
	t.Slot, t.Rest = d.slot(ctx, a), d.restful(ctx, a)
	for _, s := range a.task.Steps {
		if c := childMarked(d.name, a.task.Key, s); c.id != "" {
			a.begun(c.id)
		}
	}
	masker := d.secrets.masker
	d.eng.tools.Equip(t, a.task.Bound, func(c nodes.Call) nodes.Node { return d.home.callRunner(d, masker, a, c) })
	return finish
}

// endCalls ends the programs of calls that an attempt made which was cut off: this one
// may not repeat them.
func (d *drive) endCalls(ctx context.Context, n *graph.Node, t nodes.Task) *nodes.Error {
	if !t.Rerun || len(n.Calls) == 0 {
		return nil
	}
	err := d.eng.tools.CleanUp(ctx, t, t.Of, n.Calls)
	if err != nil && ctx.Err() != nil {
		return nil // the attempt is over: its work says how
	}
	if err != nil {
		return nodes.Errorf("error", "an attempt that was cut off has left something behind: %v", err)
	}
	return nil
}

// slot makes nodes.Task.Slot for an attempt, whose context is own.
func (d *drive) slot(own context.Context, a *attempt) func(context.Context) (func(), error) {
	return func(ctx context.Context) (func(), error) {
		if a.ticket.Pool == nil {
			return func() {}, nil
		}
		ctx, cancel := both(ctx, own)
		defer cancel()
		if err := a.slots.take(ctx, d.eng.pools, &a.ticket, time.Now()); err != nil {
			return nil, err
		}
		return sync.OnceFunc(func() { a.slots.giveBack(d.eng.pools, &a.ticket) }), nil
	}
}

// both is a context that also ends when own does.
func both(ctx, own context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(own, func() { cancel(context.Cause(own)) })
	return ctx, func() { stop(); cancel(nil) }
}

// restful makes nodes.Task.Rest for an attempt, whose context is own. The attempt keeps
// its place in the queue: it is as old there as it was when it first queued.
func (d *drive) restful(own context.Context, a *attempt) func(context.Context, <-chan struct{}) error {
	return func(ctx context.Context, until <-chan struct{}) error {
		gave := a.ticket.Pool != nil && a.slots.giveBack(d.eng.pools, &a.ticket)
		select {
		case <-until:
		case <-ctx.Done():
		case <-own.Done():
		}
		if gave { // also when only ctx has ended: the work continues
			if err := a.slots.take(own, d.eng.pools, &a.ticket, a.ticket.Since); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	}
}
