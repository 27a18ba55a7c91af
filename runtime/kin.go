package runtime

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// A stack that does the work of a node of another one, or of a call, is part of it: the
// parent's drive has its children attached, by their ids, and leads them. Pause, resume,
// stop, wake and the end of the driving reach them, at any depth, because each drive leads
// its own. A child tells its parent what it has used, and that it is over.

// attach makes a stack a child of this one. A parent that stops takes it along.
func (d *drive) attach(child *drive, key journal.TaskKey, attempt int, call string, is journal.Status) {
	k := &kid{d: child, key: key, call: call}
	if is == journal.Paused {
		k.told = machine.IsPaused
	}
	metered := d.metersChildren()
	child.mu.Lock()
	fresh := child.up == nil || child.up.parent != d || child.up.key != key || child.up.attempt != attempt
	if fresh {
		up := &parentLink{parent: d, key: key, attempt: attempt, call: call, rests: child.asleep}
		up.over = func() { d.post(func() { d.kidOver(child, up) }) }
		child.up = up
	}
	child.up.metered = metered
	tells, over := fresh && !child.asleep, child.announced
	child.mu.Unlock()
	if tells {
		child.post(func() {}) // it may be at rest already, which it could tell nobody until now
	}
	if d.live == nil || d.closed {
		return
	}
	if d.kids == nil {
		d.kids = map[string]*kid{}
	}
	d.kids[child.name] = k
	if over {
		d.kidOver(child, child.link())
		return
	}
	if d.stopping {
		child.post(child.drain)
	}
}

// metersChildren reports whether limits of this stack or of one above count what children
// use. Without any, reports are rarer.
func (d *drive) metersChildren() bool {
	if d.live == nil || d.g == nil {
		return false
	}
	d.mu.Lock()
	above := d.up != nil && d.up.metered
	d.mu.Unlock()
	return above || d.m.MetersChildren()
}

// forget detaches a child that is not driven any more.
func (d *drive) forget(child *drive) {
	if k := d.kids[child.name]; k != nil && k.d == child {
		delete(d.kids, child.name)
	}
}

// lead tells the children what has become of their parent.
func (d *drive) lead() {
	if len(d.kids) == 0 || d.over || d.stopping {
		return
	}
	now, reason := d.m.ForChildren()
	metered := d.metersChildren()
	for _, k := range d.kids { // in any order: each has its own mailbox
		k.d.mu.Lock()
		if k.d.up != nil {
			k.d.up.metered = metered
		}
		k.d.mu.Unlock()
		if k.told == now {
			continue
		}
		k.told = now
		k.d.post(func() { k.d.follow(now, reason) })
	}
}

// follow does what the parent wants.
func (d *drive) follow(now machine.Standing, reason string) {
	if !d.over && !d.stopping {
		d.step(now.Input(d.now(), reason))
	}
}

// eachKid calls do in the loop of every child.
func (d *drive) eachKid(do func(*drive)) {
	if d.live == nil {
		return
	}
	for _, k := range d.kids { // in any order: each has its own mailbox
		k.d.post(func() { do(k.d) })
	}
}

// wakeAll ends the pause between two cycles, of the stack and of those within it.
func (d *drive) wakeAll() {
	if d.over {
		return
	}
	d.step(machine.Woke{At: d.now(), Early: true})
	d.eachKid((*drive).wakeAll)
}

// resumeAll ends a pause of the stack and lets parked tasks run, also in those within it.
func (d *drive) resumeAll() {
	if d.over {
		return
	}
	d.step(machine.Resume{At: d.now()})
	for _, k := range d.kids { // in any order: each has its own mailbox
		k.told = machine.GoesOn
	}
	d.eachKid((*drive).resumeAll)
}

// waitsOutside reports that all that the stack does is wait for somebody outside.
func (d *drive) waitsOutside() bool {
	if d.live == nil || d.over || d.stopping || len(d.attempts) > 0 || d.away > 0 {
		return false
	}
	return d.m.WaitsOutside(time.Now())
}

// tellUsage tells the parent what the stack has used, when it is to know: at once where
// limits count it, and otherwise when the stack comes to rest, or after a while. At the
// end of the stack the parent has the whole.
func (d *drive) tellUsage() {
	if !d.child || d.over {
		return
	}
	d.mu.Lock()
	up, counts := d.up, d.cursor.Counts
	rests := len(d.attempts) == 0
	if up == nil {
		d.mu.Unlock()
		return
	}
	was := up.told
	changed := counts.NodeRuns != was.NodeRuns || counts.Tokens != was.Tokens || counts.Cost != was.Cost
	calms := rests && !up.rests
	up.rests = rests
	tell := changed && (up.metered || rests || time.Since(up.at) >= time.Second)
	if tell {
		up.told, up.at = counts, time.Now()
	}
	parent, note := up.parent, up.uses(d, counts)
	d.mu.Unlock()
	switch {
	case tell:
		parent.noteUsage(note)
	case calms:
		parent.post(func() {}) // it may be idle now
	}
}

// noteUsage takes note of what a child has used. Notes of one child that come together are
// one.
func (d *drive) noteUsage(n usageNote) {
	d.mu.Lock()
	first, known := len(d.notes) == 0, false
	for i := range d.notes {
		if d.notes[i].key == n.key && d.notes[i].call == n.call {
			d.notes[i], known = n, true
		}
	}
	if !known {
		d.notes = append(d.notes, n)
	}
	d.mu.Unlock()
	if first {
		d.post(d.readNotes)
	}
}

func (d *drive) readNotes() {
	d.mu.Lock()
	notes := d.notes
	d.notes = nil
	d.mu.Unlock()
	for _, n := range notes {
		d.count(n)
	}
}

// count counts what a child has used.
func (d *drive) count(n usageNote) {
	d.step(machine.ChildUsed{At: d.now(), Key: n.key, Attempt: n.attempt, Call: n.call, Nonce: n.nonce, Counts: n.counts})
}

// kidOver takes note that a child is not driven any more. The attempt that runs the child
// says itself what that means; without one it is said here.
func (d *drive) kidOver(child *drive, up *parentLink) {
	if d.live == nil || d.closed {
		return
	}
	d.forget(child)
	r := child.result
	if d.over || r == nil {
		return
	}
	if r.Status != "" {
		d.count(up.uses(child, r.Cursor.Counts))
	}
	if up.call != "" || d.attempts[up.key] != nil || d.stopping {
		return
	}
	switch {
	case r.Status.Ended():
		d.childEnded(up.key, up.attempt, r, nil)
	case child.err != nil && !isStoreError(child.err):
		d.childEnded(up.key, up.attempt, r, child.err)
	case child.err != nil:
		d.fail(child.err)
	default: // somebody has detached it, which does not end its node
		d.attachHeld()
	}
}

// attachHeld finds the children of the held tasks of a stack that was loaded, beside the
// loop. Those that have ended meanwhile are over.
func (d *drive) attachHeld() {
	if d.over || d.stopping || d.visited {
		return
	}
	d.keepHeld(&d.cursor)
	for _, h := range d.m.HeldChildren() {
		if d.kids[h.Child.ID] != nil {
			continue
		}
		d.attaching++
		go func() {
			f := d.home.findHeld(h.Child)
			d.post(func() { d.attached(h, f) })
		}()
	}
}

// attached takes what attachHeld has found.
func (d *drive) attached(h machine.HeldChild, f foundChild) {
	d.attaching--
	switch {
	case f.d != nil:
		d.attach(f.d, h.Key, h.Attempt, "", f.status)
		if !d.over && d.m.Ends(h.Key, h.Attempt) {
			d.endKid(h.Key)
		}
	case d.over || d.stopping:
	case isStoreError(f.err):
		d.fail(f.err)
	case f.err != nil:
		d.childEnded(h.Key, h.Attempt, &Result{}, f.err)
	default:
		d.childEnded(h.Key, h.Attempt, f.end, nil)
	}
}

// kidsWork reports whether a child does more than to wait for somebody outside.
func (d *drive) kidsWork() bool {
	for _, k := range d.kids { // in any order: whether there is one
		k.d.mu.Lock()
		works := k.d.up != nil && !k.d.up.rests
		k.d.mu.Unlock()
		if works {
			return true
		}
	}
	return d.attaching > 0
}
