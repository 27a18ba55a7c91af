package runtime

import (
	"context"
	"fmt"
	"time"
)

// drain begins to stop the driving of a stack. Tasks that wait for a slot leave their
// queues; running tasks have the runtime's grace. The stack itself does not end: what
// was cut off or has not begun is in the store, and runs when the stack is resumed.
func (d *drive) drain() {
	if d.over || d.stopping {
		return
	}
	d.stopping = true
	for _, k := range d.kids { // in any order: each has its own mailbox
		k.d.post(k.d.drain)
	}
	d.eng.timers.Stop(d.wake)
	d.wake = nil
	for key, a := range d.attempts {
		if !a.begun {
			a.void = true
			d.ended = append(d.ended, &a.ticket)
			delete(d.attempts, key)
		}
	}
	if d.away == 0 {
		return
	}
	if d.eng.cfg.Grace < 0 {
		d.cutOffAll()
		return
	}
	d.grace = d.eng.timers.At(time.Now().Add(d.eng.cfg.Grace), func() { d.post(d.cutOffAll) })
}

// cutOffAll ends the grace of a stopping stack.
func (d *drive) cutOffAll() {
	d.stopClearing()
	d.mu.Lock()
	hurried := d.hurried
	d.mu.Unlock()
	if d.live == nil {
		return
	}
	for _, k := range d.kids { // in any order: each has its own mailbox
		if hurried {
			k.d.hurry()
		} else {
			k.d.post(k.d.cutOffAll)
		}
	}
	for _, a := range d.attempts {
		if !a.begun {
			continue
		}
		a.cut = true
		d.cutOff(a, errShutdown)
		if hurried {
			d.giveUpAfter(a, shortWait)
		}
	}
}

// stopClearing cuts off the cleaning up. The store still knows what has to be done.
func (d *drive) stopClearing() {
	for _, cancel := range d.clears {
		cancel()
	}
	d.clears = nil
}

// hurry cuts off the running tasks of a stopping stack, and its waiting for the store.
func (d *drive) hurry() {
	d.mu.Lock()
	if !d.hurried && d.rush != nil {
		close(d.rush)
	}
	d.hurried = true
	d.mu.Unlock()
	d.post(d.cutOffAll)
	d.eng.storage.nudge()
}

// cutOffNow stops driving a stack without any grace and waits until nothing of it
// runs any more. Its programs still have the time between TERM and KILL, until rush
// is closed.
func (d *drive) cutOffNow(rush <-chan struct{}) {
	d.post(d.drain)
	d.post(d.cutOffAll)
	select {
	case <-d.done:
	case <-rush:
		d.hurry()
		<-d.done
	}
}

// endAll cancels all tasks of a stack that is over.
func (d *drive) endAll() {
	d.eng.timers.Stop(d.wake)
	d.wake = nil
	d.stopClearing()
	why := errReplaced
	if d.err != nil { // the stack has not ended: what it runs is not over
		why = errShutdown
		for _, k := range d.kids { // in any order: each has its own mailbox
			k.d.post(k.d.drain)
		}
	}
	for _, a := range d.attempts {
		d.end(a, why)
	}
}

// close ends the driving of a stack once nothing of it runs. It makes a last
// commit that is on disk, unless the store's durability is none. What a visit
// committed is on disk already.
func (d *drive) close() {
	d.over = true
	d.eng.timers.Stop(d.grace)
	if d.err == nil && !d.visited {
		c := d.cursor
		c.Clean = true // what it cut off was cut off on purpose
		d.err = d.store(Commit{Stack: d.name, Cursor: c, Sync: true})
	}
	r := d.outcome()
	d.log.Debug("driven no further", "status", string(r.Status), "cycle", r.Cursor.Cycle, "wave", r.Cursor.Wave)
	d.result, d.closed = &r, true
	d.home.leave(d)
	if r.Status.Ended() && (len(d.outbox.waiting) > 0 || d.visited && r.Cursor.Outbox > 0) {
		d.home.deliverLater(d.name)
	}
	d.announceEnd()
	close(d.done)
}

// lastMoment is how long Close and Detach wait for stacks once their context has ended
// and running tasks were cut off: longer than shortWait.
const lastMoment = 2 * shortWait

// closeAll waits until stopping stacks have closed. When ctx ends it hurries them. It
// returns an error that wraps that of ctx when a stack still does not close, because a
// listener or the store holds it up.
func closeAll(ctx context.Context, drives ...*drive) error {
	if allDone(drives, ctx.Done()) {
		return nil
	}
	for _, d := range drives {
		d.hurry()
	}
	moment := time.NewTimer(lastMoment)
	defer moment.Stop()
	if allDone(drives, moment.C) {
		return nil
	}
	return fmt.Errorf("runtime: a stack does not close: %w", context.Cause(ctx))
}

// allDone waits until all stacks have closed. It returns false when enough is closed or
// fires first.
func allDone[T any](drives []*drive, enough <-chan T) bool {
	for _, d := range drives {
		select {
		case <-d.done:
			continue
		default:
		}
		select {
		case <-d.done:
		case <-enough:
			return false
		}
	}
	return true
}

// errNow returns why a stack is not driven any more, and false while it is driven.
func (d *drive) errNow() (error, bool) {
	select {
	case <-d.done:
		return d.err, true
	default:
		return nil, false
	}
}
