package pool

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// locked is a ticket that takes a lock.
func (h *hall) locked(owner string, n int, lock string) *Ticket {
	t := h.ticket(owner, n, 0)
	t.Lock = lock
	return t
}

// A ticket takes its lock before its slot: whoever waits for a lock leaves the slot to
// others, and a lock is handed on when all of its holder is given back.
func TestLockBeforeSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 2})
		a, b, c := h.locked("a", 0, "x"), h.locked("b", 1, "x"), h.ticket("c", 2, 0)
		for _, one := range []*Ticket{a, b, c} {
			h.ps.Exchange(one.Owner, nil, []*Ticket{one})
		}
		h.want(t, "0s a0", "0s c2")
		h.ps.GiveBack(a) // its lock stays
		h.want(t, "0s a0", "0s c2")
		h.ps.Exchange("a", []*Ticket{a}, nil)
		h.want(t, "0s a0", "0s c2", "0s b1")
		h.ps.Exchange("b", []*Ticket{b}, nil)
		h.ps.Exchange("c", []*Ticket{c}, nil)
		if len(h.ps.locks) != 0 {
			t.Errorf("%d locks are left", len(h.ps.locks))
		}
	})
}

// Locks belong to no graph and no pool, and need no slot. Those who wait go by priority,
// which grows as they wait, and then in their order.
func TestLockOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 9})
		other := h.ps.Of(&graph.Graph{Name: "other", Pools: []graph.Pool{{Name: "default", Parallel: 9}}})
		first := h.locked("a", 0, "x")
		low := h.locked("b", 1, "x")
		low.Pool = other[0]
		h.ps.Exchange("a", nil, []*Ticket{first})
		h.ps.Exchange("b", nil, []*Ticket{low})
		<-time.After(15 * time.Second)
		high, equal, none := h.locked("c", 2, "x"), h.locked("d", 3, "x"), h.locked("e", 4, "x")
		high.Priority, equal.Priority, none.Pool = 2, 1, nil
		for _, one := range []*Ticket{none, equal, high} {
			h.ps.Exchange(one.Owner, nil, []*Ticket{one})
		}
		for _, done := range []*Ticket{first, high, equal, low} {
			h.ps.Exchange(done.Owner, []*Ticket{done}, nil)
		}
		h.want(t, "0s a0", "15s c2", "15s d3", "15s b1", "15s e4")
	})
}

// Who leaves the queue of a lock, or that of the pool with the lock, leaves no trace.
func TestLockIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 1})
		busy, has, waits, next := h.ticket("a", 0, 0), h.locked("b", 1, "x"), h.locked("c", 2, "x"), h.locked("d", 3, "x")
		for _, one := range []*Ticket{busy, has, waits, next} {
			h.ps.Exchange(one.Owner, nil, []*Ticket{one})
		}
		h.ps.Exchange("c", []*Ticket{waits}, nil)
		h.ps.Exchange("b", []*Ticket{has}, nil)
		h.ps.Exchange("a", []*Ticket{busy}, nil)
		h.want(t, "0s a0", "0s d3")
	})
}

// Halted pools hand out no locks, and what ran already has its own first.
func TestHaltedLocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 9})
		h.ps.Halt()
		waits, ran := h.locked("a", 0, "x"), h.locked("b", 1, "x")
		h.ps.Exchange("a", nil, []*Ticket{waits})
		ran.Pool = nil
		h.ps.Hold(ran)
		h.ps.Release()
		h.want(t)
		again := h.locked("b", 2, "x")
		again.After = ran
		h.ps.Exchange("b", []*Ticket{ran}, []*Ticket{again}) // its next attempt takes the lock over
		h.want(t, "0s b2")
		h.ps.Exchange("b", []*Ticket{again}, nil)
		h.want(t, "0s b2", "0s a0")
	})
}

// A lock that another one got meanwhile is taken over by nobody.
func TestLockIsNotTakenOverFromTwo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 9})
		has, ran, again := h.locked("a", 0, "x"), h.locked("b", 1, "x"), h.locked("b", 2, "x")
		ran.Pool = nil
		h.ps.Exchange("a", nil, []*Ticket{has})
		h.ps.Hold(ran)
		again.After = ran
		h.ps.Exchange("b", []*Ticket{ran}, []*Ticket{again})
		h.want(t, "0s a0")
		h.ps.Exchange("a", []*Ticket{has}, nil)
		h.want(t, "0s a0", "0s b2")
	})
}

// A lock that a task above has counts as taken by what does its work: one of
// those runs at a time, at any depth.
func TestLockOfATaskAbove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 9})
		top, mid := h.locked("p", 0, "x"), h.ticket("c", 1, 0)
		top.Pool, top.Child, top.Task = nil, "c", journal.TaskKey{Node: "run"}
		mid.Pool, mid.Child = nil, "cc"
		early, other := h.locked("c", 2, "x"), h.locked("o", 9, "x") // c is driven before the task above it
		early.Priority = -1
		h.ps.Exchange("o", nil, []*Ticket{other})
		h.ps.Exchange("c", nil, []*Ticket{early})
		h.ps.Exchange("p", nil, []*Ticket{top})
		h.ps.Exchange("c", nil, []*Ticket{mid})
		h.ps.Exchange("o", []*Ticket{other}, nil)
		h.want(t, "0s o9", "0s c1", "0s p0", "0s c2")
		deep, outside := h.locked("cc", 3, "x"), h.locked("o", 8, "x")
		h.ps.Exchange("cc", nil, []*Ticket{deep})
		h.ps.Exchange("o", nil, []*Ticket{outside})
		h.ps.Exchange("c", []*Ticket{early}, nil)
		h.want(t, "0s o9", "0s c1", "0s p0", "0s c2", "0s cc3")
		h.ps.Exchange("cc", []*Ticket{deep}, nil)
		h.ps.Exchange("p", []*Ticket{top}, nil)
		h.want(t, "0s o9", "0s c1", "0s p0", "0s c2", "0s cc3", "0s o8")
	})
}

// Behind says who has what a ticket waits for.
func TestBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 2})
		var all []*Ticket
		for n, lock := range []string{"x", "", "x", ""} {
			one := h.locked("a", n, lock)
			one.Task.Node = string(rune('a' + n))
			all = append(all, one)
			h.ps.Exchange("a", nil, []*Ticket{one})
		}
		names := func() map[string]string {
			out := map[string]string{}
			for key, w := range h.ps.Waits("a") {
				if len(w.Holders) == 0 {
					continue
				}
				by := w.Holders[0]
				out[key.Node] = by.Task.Node
			}
			return out
		}
		if diff := cmp.Diff(map[string]string{"c": "a", "d": "a"}, names()); diff != "" {
			t.Error(diff)
		}
		h.ps.Set("g", "default", 0)
		h.ps.Exchange("a", all[:1], nil) // c has the lock now, and its pool is on hold
		if diff := cmp.Diff(map[string]string{}, names()); diff != "" {
			t.Error(diff)
		}
		if got := h.ps.Waits("b"); len(got) != 0 {
			t.Errorf("another owner waits behind %v", got)
		}
	})
}
