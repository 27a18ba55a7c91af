package runtime

import (
	"context"
	"log/slog"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/runtime/internal/pool"
)

// cleanUpTime bounds the cleaning up after one attempt.
const cleanUpTime = 15 * time.Second

// warnOfParked logs which tasks are not started again for a while.
func (d *drive) warnOfParked() {
	for _, p := range d.m.Cursor().Parked {
		d.log.Warn("a task is parked: the engine died too often while it ran", "stack", d.name,
			"node", p.Node, "item", p.Item, "until", p.Until)
	}
}

// clear ends what an attempt of an earlier process left behind, and then tells the
// machine. Until then it holds a slot of its pool.
func (d *drive) clear(o machine.Orphan) {
	var used journal.Counts // by the graph that it ran
	gone := func() {
		d.step(machine.TaskFailed{At: d.now(), Key: o.Key, Attempt: o.Attempt, Tokens: used.Tokens, Cost: used.Cost})
	}
	i, ok := d.g.NodeByID(o.Key.Node)
	if !ok {
		gone()
		return
	}
	n := &d.g.Nodes[i]
	spec, _ := d.eng.cfg.Kinds.Spec(n.Kind.Name)
	_, cleans := spec.Node.(nodes.Cleaner)
	if !cleans && (!n.Kind.Runs || o.Again) { // the next attempt continues the child
		gone()
		return
	}
	slot := &pool.Ticket{Owner: d.name}
	if n.Pool >= 0 {
		slot.Pool = d.pools[n.Pool]
		d.eng.pools.Hold(slot)
	}
	t := d.task(n, o.Key)
	t.Attempt = o.Attempt
	t.Logger = slog.New(d.log.Handler())
	ctx, cancel := context.WithTimeout(d.eng.base, cleanUpTime)
	d.clears = append(d.clears, cancel)
	d.away++
	go func() {
		defer cancel()
		var err error = errGoexit // unless the kind lets this goroutine continue
		defer func() {
			cutOff := ctx.Err() == context.Canceled
			d.post(func() {
				d.away--
				d.ended = append(d.ended, slot)
				if cutOff { // by a shutdown: whoever resumes the stack does it again
					return
				}
				if err != nil {
					d.log.Warn("an attempt that was cut off has left something behind", "node", o.Key.Node, "item", o.Key.Item, "error", err)
				}
				gone()
			})
		}()
		if n.Kind.Runs {
			if sum, broken := d.eng.cfg.Store.Stack(d.eng.base, o.Child.ID); broken == nil && sum.Identity.Parent == o.Child.Parent {
				used = sum.Cursor.Counts
			}
			d.home.discard(o.Child.ID)
			err = nil
		} else {
			err = nodes.CleanUp(ctx, spec, t)
		}
	}()
}

// releasePools lets the pools give slots again, for this stack's part.
func (d *drive) releasePools() {
	if d.halting {
		d.halting = false
		d.eng.pools.Release()
	}
}

// stopClearing cuts off the cleaning up. The store still knows what has to be done.
func (d *drive) stopClearing() {
	for _, cancel := range d.clears {
		cancel()
	}
	d.clears = nil
}

// removeChildren removes the children that nobody needs any more, beside the loop.
func (d *drive) removeChildren() {
	if len(d.unneeded) == 0 || d.clearing {
		return
	}
	ids := d.unneeded
	d.unneeded, d.clearing = nil, true
	go func() {
		for _, id := range ids {
			d.home.discard(id)
		}
		d.post(func() { d.clearing = false })
	}()
}
