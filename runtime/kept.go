package runtime

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/pool"
)

// A task has its lock while an attempt of it runs. Two kinds of tasks keep it without one:
// those that run a graph and are held, because their graph is not over, and those that an
// earlier driver left running, so that nobody else takes the lock before they run again.

// keepLock has a task keep the lock that it had.
func (d *drive) keepLock(t pool.Ticket, child *machine.Child) {
	if child != nil {
		t.Child = child.ID
	}
	if t.Lock == "" && t.Child == "" || d.kept[t.Task] != nil {
		return
	}
	t.Owner = d.name
	d.eng.pools.Hold(&t)
	d.setKept(&t)
}

func (d *drive) setKept(t *pool.Ticket) {
	if d.kept == nil {
		d.kept = map[journal.TaskKey]*pool.Ticket{}
	}
	d.kept[t.Task] = t
}

// keepHeld has the tasks keep their locks that run graphs and are held, by the cursor of a
// stack that is about to be driven.
func (d *drive) keepHeld(c *journal.Cursor) {
	for i := range c.Asking {
		if w := &c.Asking[i]; len(w.Calls) == 0 {
			key := w.Task()
			d.keepLock(pool.Ticket{Lock: w.Lock, Task: key}, &machine.Child{ID: machine.ChildID(d.name, key)})
		}
	}
}

// endTickets gives back what an attempt has taken, now that its work has returned.
func (d *drive) endTickets(a *attempt, held bool) {
	if held && a.ticket.Child != "" {
		d.setKept(&a.ticket)
	} else {
		d.ended = append(d.ended, &a.ticket)
	}
	d.ended = a.slots.end(d.ended)
}

// dropKept gives back the locks of tasks that do not keep them any more.
func (d *drive) dropKept() {
	for key, t := range d.kept { // in any order: all are given back at once
		if !d.m.KeepsLock(key) {
			delete(d.kept, key)
			d.ended = append(d.ended, t)
		}
	}
}

// dropAllKept gives back all locks that tasks keep, when nobody drives the stack any more.
func (d *drive) dropAllKept() {
	if len(d.kept) > 0 {
		d.eng.pools.Exchange(d.name, slices.Collect(maps.Values(d.kept)), nil) // in any order: all at once
		d.kept = nil
	}
}
