package runtime

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/pool"
)

// settle does all that can be done without another letter.
func (d *drive) settle() {
	joined := false                 // once a round: else nothing of the rest would ever be done for a stack without attempts
	for !d.closed && d.err == nil { // what follows the end of the stack is committed too
		if err := d.adoptWhenGone(); err != nil {
			d.fail(err)
			break
		}
		rd, ok := d.gather()
		if !ok {
			break
		}
		if !joined && d.mayJoin(&rd) {
			joined = true
			d.step(machine.Woke{At: d.now()})
			rd, _ = d.gather()
		}
		d.startOwn()
		if !d.commit(rd) {
			break
		}
		d.recorded()
		d.m.Advance()
		d.act(rd)
	}
	d.recorded()
	if !d.closed && d.err == nil {
		d.stopIfIdle()
	}
	if d.over && !d.closed {
		d.endAll()
	}
	if d.missesKid && !d.closed {
		d.missesKid = false
		d.attachHeld()
	}
	if !d.closed {
		d.lead()
		d.tellUsage()
		d.deliver()
		d.removeChildren()
	}
	d.watch()
	if d.over && len(d.ended) > 0 {
		d.eng.pools.Exchange(d.name, d.ended, nil)
		d.ended = d.ended[:0]
	}
	if !d.closed && (d.over || d.stopping) && d.away == 0 && !d.outbox.delivering && !d.clearing && d.attaching == 0 && len(d.kids) == 0 {
		d.close()
	}
	for _, ack := range d.acks {
		ack()
	}
	d.acks = d.acks[:0]
	d.answerWaiters()
	d.reportToFleet()
}

// gather gives new tasks to their pools, and tells the machine which of them got a slot
// at once, so that their start is in the same commit.
func (d *drive) gather() (machine.Ready, bool) {
	for {
		rd, ok := d.m.Ready()
		fresh := d.enlist(rd.Start[min(d.listed, len(rd.Start)):])
		d.listed = len(rd.Start)
		d.dropKept()
		if len(fresh) == 0 && len(d.ended) == 0 {
			return rd, ok
		}
		ended := d.ended
		d.ended, d.spareEnded = d.spareEnded[:0], nil // more may end within
		d.eng.pools.Exchange(d.name, ended, fresh)
		clear(ended)
		clear(fresh)
		d.spareEnded = ended
	}
}

// enlist makes attempts of tasks. A stopping stack makes none: the tasks are in the
// store and run when it is resumed.
func (d *drive) enlist(tasks []machine.Task) []*pool.Ticket {
	if len(tasks) == 0 || d.stopping {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.fresh[:0]
	now := time.Now()
	var batch []errand
	for i := range tasks {
		if len(batch) == 0 {
			batch = make([]errand, min(len(tasks)-i, atOnce))
		}
		e, t := &batch[0], &tasks[i]
		batch = batch[1:]
		e.d, e.task = d, t
		e.ticket = pool.Ticket{Owner: d.name, Task: t.Key, Lock: t.Lock, After: d.kept[t.Key], Priority: t.Priority, Since: now, Node: t.Node, Index: t.Index, For: e}
		if t.Pool >= 0 {
			e.ticket.Pool = d.pools[t.Pool]
		}
		if t.Child != nil {
			e.ticket.Child = t.Child.ID
		}
		if old := d.attempts[t.Key]; old != nil {
			d.replaced = append(d.replaced, old)
		}
		d.attempts[t.Key] = &e.attempt
		d.tasks.Queued(t.Key, t.Attempt, t.Of, now)
		out = append(out, &e.ticket)
	}
	d.fresh = out
	return out
}

// atOnce is how many attempts are made as one piece of memory, which goes when the last of
// them does.
const atOnce = 8

// Granted hears that the attempt has its slot.
func (e *errand) Granted(own bool) {
	if own {
		e.d.slotGiven(&e.attempt)
		return
	}
	e.d.post(func() { e.d.slotGiven(&e.attempt) })
}

// slotGiven tells the machine that an attempt may begin.
func (d *drive) slotGiven(a *attempt) {
	if a.void || d.over || d.stopping {
		d.ended = append(d.ended, &a.ticket)
		return
	}
	d.step(machine.TaskRunning{At: d.now(), Key: a.task.Key, Attempt: a.task.Attempt})
	if !d.m.Wants(a.task.Key, a.task.Attempt) { // Cancel in the same Ready says so too
		a.void = true
		d.ended = append(d.ended, &a.ticket)
		return
	}
	a.granted = true
	d.launching = append(d.launching, a)
}

// act does what a Ready asks for, now that it is durable. Attempts start last, and only
// those that are still wanted.
func (d *drive) act(rd machine.Ready) {
	d.listed = 0
	for _, a := range d.replaced {
		d.end(a, errReplaced)
	}
	for _, key := range rd.Cancel {
		// The attempt of the key may be the one that takes the cancelled one's place.
		a := d.attempts[key]
		switch {
		case a == nil:
			d.endKid(key)
		case d.m.Wants(key, a.task.Attempt):
		case a.asked:
			d.kidsOf(key, func(kid *drive) { kid.post(kid.cutLast) })
		default:
			d.end(a, errReplaced)
		}
	}
	for _, o := range rd.Orphans {
		d.clear(o)
	}
	d.releasePools()
	if len(rd.Send) > 0 {
		d.send(rd.Send)
	}
	d.unneeded = append(d.unneeded, rd.Children...)
	d.unneeded, d.spent = append(d.unneeded, d.spent...), nil
	for _, m := range rd.Lost {
		d.eng.isDelivered(d.name, m.Message, m.Err)
	}
	if rd.Outcome != nil {
		d.over = true
		for _, called := range d.orphans { // in any order
			for _, c := range called {
				d.unneeded = append(d.unneeded, c.id)
			}
		}
	}
	for i := range rd.Records {
		if c, ok := rd.Records[i].Body.(*journal.CycleFinished); ok && !d.over {
			d.cycleFinished(c)
		}
	}
	for _, a := range d.launching {
		if !a.void {
			d.startOwn()
			d.own = d.prepare(a)
		}
	}
	d.replaced, d.launching = d.replaced[:0], d.launching[:0]
	d.wakeUp(rd.WakeAt)
}

// startOwn gives the attempt that the loop would do itself a goroutine of its own,
// because the loop has something else to do.
func (d *drive) startOwn() {
	if d.live != nil && d.own != nil {
		go d.performAfresh(d.own)
		d.own = nil
	}
}

// performAfresh is perform on a new goroutine. The loop, which it may have to run, needs
// most of a stack of 16 KB. A stack that grows on the way there is copied several times,
// with all the frames that are on it, which costs as much as a simple node.
func (d *drive) performAfresh(j job) {
	growStack(0)
	d.perform(j)
}

// growStack makes room on the stack of the goroutine.
//
//go:noinline
func growStack(at int) byte {
	var room [9 << 10]byte
	room[at] = 1
	return room[len(room)-1-at]
}

// cycleFinished adopts a changed graph, and stops the driving where StopAfter says.
func (d *drive) cycleFinished(c *journal.CycleFinished) {
	if err := d.adopt(); err != nil {
		d.fail(err)
		return
	}
	if rd := d.m.Cursor(); rd.Finally != nil {
		return // the last cycle: the stack ends
	}
	d.cycles++
	idle := isStill(c) && len(d.attempts) == 0 && d.away == 0 && !d.m.Works() && !d.kidsWork()
	if d.after.Cycles > 0 && d.cycles >= d.after.Cycles || d.after.UntilIdle && idle {
		d.reached = true
		d.drain()
	}
}

// stopIfIdle stops the driving of a stack that is to stop when it is idle, where no cycle
// finds that out: its last attempt was held after it, or the stack was resumed so. Only
// an event or an answer would begin another cycle.
func (d *drive) stopIfIdle() {
	if !d.after.UntilIdle || d.over || d.stopping || len(d.attempts) > 0 || d.away > 0 || d.kidsWork() {
		return
	}
	if c := d.m.Cursor(); c.Status == journal.Running && !c.Open && c.WakeAt.IsZero() && !d.m.Works() {
		d.reached = true
		d.drain()
	}
}

// answerWaiters tells the callers whose wait is over.
func (d *drive) answerWaiters() {
	d.waiters = slices.DeleteFunc(d.waiters, func(w *waiter) bool {
		over := d.closed || w.holds()
		if over {
			close(w.done)
		}
		return over
	})
}

// idle says whether a stack without mail only waits, for its timer or for somebody to
// address it.
func (d *drive) idle() (rests bool, own job) {
	own, d.own = d.own, nil
	return !d.over && !d.closed && !d.stopping && d.next == nil && len(d.attempts) == 0 && d.away == 0 &&
		len(d.ended) == 0 && len(d.outbox.waiting) == 0 && !d.clearing && d.attaching == 0 && !d.marching, own
}

// expects, load and rest implement reader.
func (d *drive) expects() bool { return d.live != nil && d.away > 0 && !d.over }

func (d *drive) load() { d.home.loadDrive(d) }
func (d *drive) rest() { d.home.restDrive(d) }
