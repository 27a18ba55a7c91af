package pool

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// lock is one lock: a ticket has it at a time. A ticket takes its lock before its slot, so
// whoever waits for a lock has no slot, and nobody who has a lock waits for another one:
// no two wait for each other.
type lock struct {
	id      lockID
	holders []*Ticket // one, or more where Hold has given it to what ran already
	queue   queue
}

// lockID says which lock a text names. One that the task above an owner has counts as
// taken by the owner's tasks; among them it is another lock, which is that task's.
type lockID struct {
	text  string
	owner string          // of the nearest task above that has a lock of this text; "" if there is none
	task  journal.TaskKey // that task
}

// lockOf finds the lock of a ticket, or makes it.
func (ps *Pools) lockOf(t *Ticket) *lock {
	id := ps.identify(t)
	l := ps.locks[id]
	if l == nil {
		l = &lock{id: id}
		ps.locks[id] = l
	}
	return l
}

func (ps *Pools) identify(t *Ticket) lockID {
	for up := ps.above[t.Owner]; up != nil; up = ps.above[up.Owner] {
		if up.Lock == t.Lock && up.hasLock() {
			return lockID{t.Lock, up.Owner, up.Task}
		}
	}
	return lockID{text: t.Lock}
}

func (t *Ticket) hasLock() bool { return t.lock != nil && t.place != atLock }

// link notes which owner does the work of a ticket's task.
func (ps *Pools) link(t *Ticket) {
	if t.Child != "" {
		ps.above[t.Child] = t
	}
}

// Lead notes that an owner does a part of the work of a ticket's task, until end is called.
func (ps *Pools) Lead(owner string, t *Ticket) (end func()) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.above[owner] = t
	return func() {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		if ps.above[owner] == t {
			delete(ps.above, owner)
		}
	}
}

// inherit gives a ticket the lock of the ticket before it, if that alone has it.
func (ps *Pools) inherit(t *Ticket) {
	from := t.After
	t.After = nil
	if from != nil && from.Lock == t.Lock && from.hasLock() && len(from.lock.holders) == 1 {
		t.lock, from.lock = from.lock, nil
		t.lock.holders[0] = t
	}
}

// wait queues a ticket for its lock.
func (ps *Pools) wait(t *Ticket, r *round) {
	t.place, t.lock = atLock, ps.lockOf(t)
	t.lock.queue.add(t)
	r.locks = append(r.locks, t.lock)
}

// pass gives a lock that is free to the next ticket, and returns that, or nil.
func (ps *Pools) pass(l *lock, r *round) *Ticket {
	if len(l.holders) == 0 && l.queue.len == 0 && ps.locks[l.id] == l {
		delete(ps.locks, l.id)
	}
	if ps.halts > 0 || len(l.holders) > 0 || l.queue.len == 0 {
		return nil
	}
	t := l.queue.pop(time.Now())
	t.place = nowhere
	l.holders = append(l.holders, t)
	if t.Child != "" {
		ps.regroup(l, r)
	}
	return t
}

// regroup moves the tickets that wait for a lock which a task above them has got
// meanwhile.
func (ps *Pools) regroup(l *lock, r *round) {
	for _, t := range l.queue.all() {
		if ps.identify(t) != l.id {
			l.queue.remove(t)
			ps.wait(t, r)
		}
	}
}

// unlock takes back a ticket's lock, or its place in the queue for it.
func (ps *Pools) unlock(t *Ticket, r *round) {
	l := t.lock
	if l == nil {
		return
	}
	if t.place == atLock {
		l.queue.remove(t)
	} else {
		l.holders = slices.DeleteFunc(l.holders, func(h *Ticket) bool { return h == t })
	}
	t.place, t.lock = nowhere, nil
	r.locks = append(r.locks, l)
}
