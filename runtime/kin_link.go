package runtime

import (
	"errors"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// link is the way to the parent, nil without one.
func (d *drive) link() *parentLink {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.up
}

// uses is the note of what a child has used.
func (up *parentLink) uses(child *drive, counts journal.Counts) usageNote {
	n := usageNote{key: up.key, attempt: up.attempt, call: up.call, counts: counts}
	if up.call != "" {
		n.nonce = child.id.Nonce
	}
	return n
}

// announceEnd tells the parent that its child is not driven any more. A parent that does
// not know the child yet finds that out when it does.
func (d *drive) announceEnd() {
	d.mu.Lock()
	d.announced = true
	up := d.up
	d.mu.Unlock()
	if up != nil {
		up.over()
	}
}

// isStopping reports that the driving of the stack comes to an end.
func (d *drive) isStopping() bool {
	answer := make(chan bool, 1)
	d.post(func() { answer <- d.stopping || d.over })
	return <-answer
}

// status is that of the stack as the store has it.
func (d *drive) status() journal.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live == nil || d.m == nil {
		return journal.Running
	}
	return d.cursor.Status
}

func isStoreError(err error) bool {
	var trouble *StoreError
	return errors.As(err, &trouble)
}

// kidsOf calls do with the children that an attempt runs, and reports whether there are
// any.
func (d *drive) kidsOf(key journal.TaskKey, do func(*drive)) (found bool) {
	if d.live == nil {
		return false
	}
	for _, k := range d.kids { // in any order: each has its own mailbox
		if k.key == key {
			found = true
			do(k.d)
		}
	}
	return found
}

// endKid ends the child of a task that no attempt looks after and that is to end. A
// second time it cuts off the child's last cycle.
func (d *drive) endKid(key journal.TaskKey) {
	switch k := d.kids[machine.ChildID(d.name, key)]; {
	case k != nil && k.ends:
		k.d.post(k.d.cutLast)
	case k != nil:
		k.ends = true
		k.d.post(k.d.endWith)
	case d.visited:
		d.endAtRest(key)
	}
}

// endWith ends a child because its node ends. Its last cycle runs before.
func (d *drive) endWith() {
	d.step(machine.EndChild(d.now(), false))
}

// cutLast is a second cancel, which cuts off the last cycle of a child.
func (d *drive) cutLast() {
	d.step(machine.EndChild(d.now(), true))
}

// endAtRest ends the child of a held task of a stack that nobody drives, beside the loop.
func (d *drive) endAtRest(key journal.TaskKey) {
	for _, h := range d.m.HeldChildren() {
		if h.Key != key {
			continue
		}
		d.attaching++
		go func() {
			c := d.home.endChild(h.Child)
			d.post(func() {
				d.attaching--
				if c.Status == "" || c.Status.Ended() { // else its last cycle runs when somebody drives it
					d.childEnded(h.Key, h.Attempt, &Result{Cursor: c}, nil)
				}
			})
		}()
	}
}

// childEnded tells the machine that the child of a held task is over.
func (d *drive) childEnded(key journal.TaskKey, attempt int, r *Result, err error) {
	d.step(machine.ChildDone{At: d.now(), Key: key, Attempt: attempt, Cursor: r.Cursor, State: r.State, Err: err})
}
