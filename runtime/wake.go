package runtime

import (
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
	return !c.Status.Ended() && !c.Clean && (c.Open || len(c.Background) > 0)
}

// dueAt returns when a stack has to be loaded; false if only a command for it loads it.
// Only the machine knows when an open cycle or a background task is due.
func dueAt(c *journal.Cursor) (due time.Time, ok bool) {
	if c.Open || len(c.Background) > 0 || c.Outbox > 0 {
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
	for i := range c.Waiting {
		if w := &c.Waiting[i]; !w.Answered {
			sooner(w.Due)
			sooner(w.Until)
		}
	}
	return due, ok
}
