package runtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/work"
)

var _ nodes.Lazy = (*errand)(nil)

// Complete gives a task what its work may ask of the driver.
func (e *errand) Complete(t *nodes.Task) {
	d, task := e.d, e.task
	e.describe(t, e.n, task.Key)
	t.Attempt, t.Rerun, t.Hurry = task.Attempt, task.Rerun, d.rushed()
	t.Logger = slog.New(taskLog{e.log.Handler(), &e.attempt, e.graph.Name})
	t.Of, t.Output, t.Retry = e.graph, e.n.Output, e.n.Retry
	t.LeftTokens, t.LeftCost = task.LeftTokens, task.LeftCost
	t.Steps, t.Words = work.Steps(task.Steps, task.Void), work.Words(task.Words)
	t.Delta, t.Note = e.say, e.note
	t.Record, t.Ask = e.recordStep, e.ask
	t.Slot, t.Rest = e.slot, e.rest
	t.Keep, t.Kept = d.eng.cfg.Store.Keep, d.eng.cfg.Store.Kept
	if len(e.graph.Memories) > 0 {
		t.Memories = recall{d.eng.cfg.Store, d.name, e.graph}
	}
	d.eng.tools.Equip(t, task.Bound, func(c nodes.Call) nodes.Node { return d.home.callRunner(d, e.masker, &e.attempt, c) })
}

// completed is a lazy task with all its fields.
func (e *errand) completed(t nodes.Task) nodes.Task {
	t.Lazy = nil
	e.Complete(&t)
	return t
}

// recordStep is nodes.Task.Record. What was said until then is a whole.
func (e *errand) recordStep(ctx context.Context, r nodes.StepRecord) (any, error) {
	e.hush()
	content, err := e.record(ctx, r)
	r.Content = content // canonical
	d, a := e.d, &e.attempt
	if id, _ := work.CallOver(d.name, a.task.Key, &r); id != "" && err == nil && a.over(id) {
		d.post(func() { d.unneeded = append(d.unneeded, id) })
	}
	return content, err
}

// endCalls ends the programs of calls that an attempt made which was cut off: this one
// may not repeat them.
func (e *errand) endCalls(t nodes.Task) *nodes.Error {
	err := e.d.eng.tools.CleanUp(&e.ctx, t, t.Of, e.n.Calls)
	if err != nil && e.ctx.Err() != nil {
		return nil // the attempt is over: its work says how
	}
	if err != nil {
		return nodes.Errorf("error", "an attempt that was cut off has left something behind: %v", err)
	}
	return nil
}

// slot is nodes.Task.Slot.
func (e *errand) slot(ctx context.Context) (func(), error) {
	a, pools := &e.attempt, e.d.eng.pools
	if a.ticket.Pool == nil {
		return func() {}, nil
	}
	ctx, cancel := both(ctx, &e.ctx)
	defer cancel()
	if err := a.slots.take(ctx, pools, &a.ticket, time.Now()); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { a.slots.giveBack(pools, &a.ticket) }), nil
}

// both is a context that also ends when own does.
func both(ctx, own context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(own, func() { cancel(context.Cause(own)) })
	return ctx, func() { stop(); cancel(nil) }
}

// rest is nodes.Task.Rest. The attempt keeps its place in the queue: it is as old there as
// it was when it first queued.
func (e *errand) rest(ctx context.Context, until <-chan struct{}) error {
	a, pools := &e.attempt, e.d.eng.pools
	gave := a.ticket.Pool != nil && a.slots.giveBack(pools, &a.ticket)
	select {
	case <-until:
	case <-ctx.Done():
	case <-e.ctx.Done():
	}
	if gave { // also when only ctx has ended: the work continues
		if err := a.slots.take(&e.ctx, pools, &a.ticket, a.ticket.Since); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
