package runtime

import (
	"context"
	"errors"
	"log/slog"
	"time"

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
	gone := func() {
		d.step(machine.TaskFailed{At: d.now(), Key: o.Key, Attempt: o.Attempt})
	}
	var called []calledChild // they end with it
	if !o.Again {
		called = d.orphans[o.Key]
		delete(d.orphans, o.Key)
	}
	d.keepLock(pool.Ticket{Lock: o.Lock, Task: o.Key}, o.Child)
	if o.Child != nil && !o.Again { // attachHeld finds the graph that it ran, and ends it
		if d.visited {
			d.endAtRest(o.Key)
		}
		return
	}
	g := d.g
	i, ok := g.NodeByID(o.Key.Node)
	if !ok {
		gone()
		return
	}
	n := &d.g.Nodes[i]
	spec, _ := d.eng.cfg.Kinds.Spec(n.Kind.Name)
	_, cleans := spec.Node.(nodes.Cleaner)
	if !cleans && (len(n.Calls) == 0 || o.Again) { // the next attempt continues the children, and ends calls
		gone()
		return
	}
	slot := &pool.Ticket{Owner: d.name, Task: o.Key}
	if n.Pool >= 0 {
		slot.Pool = d.pools[n.Pool]
		d.eng.pools.Hold(slot)
	}
	t := nodes.Task{Attempt: o.Attempt}
	d.ground.describe(&t, n, o.Key)
	t.Logger = slog.New(d.log.Handler())
	ctx, cancel := context.WithCancel(d.eng.base)
	d.clears = append(d.clears, cancel)
	d.away++
	go func() {
		defer cancel()
		over := true
		var err error = errGoexit // unless the kind lets this goroutine continue
		defer func() {
			cutOff := ctx.Err() != nil || !over
			d.post(func() {
				d.away--
				d.ended = append(d.ended, slot)
				if cutOff { // by a shutdown: whoever resumes the stack does it again
					return
				}
				for _, c := range called {
					d.unneeded = append(d.unneeded, c.id)
				}
				if err != nil {
					d.log.Warn("an attempt that was cut off has left something behind", "node", o.Key.Node, "item", o.Key.Item, "error", err)
				}
				gone()
			})
		}()
		for _, c := range called {
			over = d.endCalled(o, c) && over
		}
		ctx, stop := context.WithTimeout(ctx, cleanUpTime)
		defer stop()
		err = errors.Join(nodes.CleanUp(ctx, spec, t), d.eng.tools.CleanUp(ctx, t, g, n.Calls))
	}()
}

// endCalled ends the child of a call of an attempt that was cut off, beside the loop. It
// returns false if the child has not ended: nobody drives the stack, or not any more.
func (d *drive) endCalled(o machine.Orphan, c calledChild) bool {
	child := &machine.Child{ID: c.id}
	if d.visited {
		stands := d.home.endChild(child)
		return stands.Status == "" || stands.Status.Ended()
	}
	f := d.home.findHeld(child)
	if f.d == nil {
		return true // it has ended, or there is none
	}
	d.post(func() {
		d.attach(f.d, o.Key, o.Attempt, c.call, f.status)
		f.d.post(f.d.endWith)
	})
	<-f.d.done
	return f.d.err != nil || f.d.result.Status.Ended()
}

// releasePools lets the pools give slots again, for this stack's part.
func (d *drive) releasePools() {
	if d.halting {
		d.halting = false
		d.eng.pools.Release()
	}
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
