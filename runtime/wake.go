package runtime

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// wakeUp has the machine woken at t; the zero time: never.
func (d *drive) wakeUp(t time.Time) {
	if d.stopping || d.over || d.wake != nil && t.Equal(d.wake.Time()) {
		return
	}
	d.eng.timers.Stop(d.wake)
	d.wake = nil
	switch {
	case t.IsZero():
	case t.After(time.Now()):
		d.wake = d.eng.timers.At(t, func() { d.post(d.woke) })
	default:
		d.post(d.woke)
	}
}

func (d *drive) woke() {
	d.wake = nil
	if !d.stopping && !d.over {
		d.step(machine.Woke{At: d.now()})
	}
}

// wasCutOff says whether a crash ended the driving of a stack while its tasks may have
// run. It is due at once.
func wasCutOff(c *journal.Cursor) bool {
	return !c.Status.Ended() && !c.Clean && (c.Open || unfinished(c))
}

// unfinished reports whether a task in the background may have to be started. One that is
// held has nothing to do before its answer, or its deadline, and neither have elements that
// wait. Another node with for_each counts, because the cursor does not say what its other
// tasks do.
func unfinished(c *journal.Cursor) bool {
	return slices.ContainsFunc(c.Background, func(b journal.Background) bool {
		k := journal.TaskKey{Cycle: b.Cycle, Wave: b.Wave, Node: b.Node}
		asks := func(w journal.Waiting) bool { return w.Held && len(w.Calls) > 0 && w.Task() == k }
		waits := func(w journal.Waiting) bool {
			return w.Item != "" && w.Node == k.Node && w.Cycle == k.Cycle && w.Wave == k.Wave
		}
		return !slices.ContainsFunc(c.Asking, asks) && !slices.ContainsFunc(c.Waiting, waits)
	})
}

// watches reports that a wait for files is open: whoever drives the stack looks at them.
func watches(c *journal.Cursor) bool {
	return slices.ContainsFunc(c.Waiting, func(w journal.Waiting) bool { return w.Files != "" && !w.Answered })
}

// dueAt returns when a stack has to be loaded; false if only a command for it loads it.
// Only the machine knows when an open cycle or a background task is due.
func dueAt(c *journal.Cursor) (due time.Time, ok bool) {
	if c.Open || c.Closing != nil || c.Outbox > 0 || unfinished(c) || watches(c) && !c.Status.Ended() {
		return time.Time{}, true
	}
	sooner := func(at time.Time) {
		if !at.IsZero() && (!ok || at.Before(due)) {
			due, ok = at, true
		}
	}
	if c.Status != journal.Paused {
		sooner(c.WakeAt)
		sooner(c.Expires)
	}
	for _, list := range [][]journal.Waiting{c.Waiting, c.Asking} {
		for i := range list {
			if w := &list[i]; !w.Answered {
				sooner(w.Due)
				sooner(w.Until)
			}
		}
	}
	return due, ok
}
