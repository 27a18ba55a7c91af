package pool

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// Pools are the pools of all graphs of a runtime. It is safe for concurrent use.
type Pools struct {
	timers *timer.Heap

	mu      sync.Mutex
	named   map[name]*Pool
	locks   map[lockID]*lock   // that somebody has or waits for
	above   map[string]*Ticket // by owner: of the task that the owner does the work of
	grants  uint64
	defined map[string]bool // graphs whose limits come from Define
	halts   int             // while there are any, nobody gets a slot
	round   round           // of the present call; empty between two
}

type name struct{ graph, pool string } // graph is "" for a pool that graphs share

func nameOf(g *graph.Graph, p *graph.Pool) name {
	if p.Shared {
		return name{"", p.Name}
	}
	return name{g.Name, p.Name}
}

// Pool is one pool. All of it is guarded by Pools.mu.
type Pool struct {
	parallel int
	rate     int
	per      time.Duration
	fixed    *int                  // parallel as Set has set it
	shared   map[string]graph.Pool // by graph: as those say that share it

	taken  []*Ticket // that have a slot
	queue  queue
	starts []time.Time  // within the last period; kept while there is a rate
	timer  *timer.Timer // fires when the rate lets the next one start
}

// Ticket asks for a slot. Its exported fields must not change once it was given to
// Exchange.
type Ticket struct {
	Pool  *Pool  // nil if it needs no slot
	Lock  string // that it takes before its slot; "" for none
	Owner string // owners of equal priority take turns
	Child string // the owner that does the work of its task; "" if none does
	Task  journal.TaskKey
	// After is the ticket of an earlier attempt of its task, whose lock it takes over; nil
	// if there is none.
	After    *Ticket
	Priority int
	Since    time.Time // when it queued
	// Node and Index order the tickets of one owner that queue together.
	Node, Index int
	For         Waiter // hears that the ticket has what it needs

	place place
	lock  *lock // that it has, or waits for
	turn  uint64
	index int    // in its heap, or in Pool.taken
	slot  uint64 // grows with each slot that is handed out
}

// Waiter waits for a ticket.
type Waiter interface {
	// Granted is called once, when the ticket has its slot: by an Exchange of its own
	// owner (own is true), or on a goroutine of somebody else. It must not block.
	Granted(own bool)
}

// place says where a ticket is.
type place uint8

const (
	nowhere place = iota
	atLock        // it waits for its lock
	queued        // it waits for its slot
	holding       // it has its slot
)

// New makes an empty set of pools.
func New(timers *timer.Heap) *Pools {
	return &Pools{timers: timers, named: map[name]*Pool{}, locks: map[lockID]*lock{}, above: map[string]*Ticket{}, defined: map[string]bool{}}
}

// Of returns the pools of a graph by their index in the graph. They take their limits
// from g, unless Define has set those of the graph's name. A pool that graphs share has
// those of the definition that was loaded last.
func (ps *Pools) Of(g *graph.Graph) []*Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.limited(g, !ps.defined[g.Name])
}

// Define makes the limits of a definition hold from now on. A limit that has changed
// also replaces what Set has set. It returns the shared pools to which another graph gives
// other limits: the graph's name by that of the pool.
func (ps *Pools) Define(g *graph.Graph) (differ map[string]string) {
	ps.mu.Lock()
	ps.defined[g.Name] = true
	for i := range g.Pools {
		if p := ps.named[nameOf(g, &g.Pools[i])]; p != nil && p.parallel != g.Pools[i].Parallel {
			p.fixed = nil
		}
	}
	var granted []*Ticket
	for _, p := range ps.limited(g, true) {
		granted = append(granted, ps.grant(p)...)
	}
	for i := range g.Pools {
		for _, other := range slices.Sorted(maps.Keys(ps.named[nameOf(g, &g.Pools[i])].shared)) {
			if ps.named[nameOf(g, &g.Pools[i])].shared[other] != g.Pools[i] {
				if differ == nil {
					differ = map[string]string{}
				}
				differ[g.Pools[i].Name] = other
			}
		}
	}
	ps.mu.Unlock()
	tell(granted)
	return differ
}

func (ps *Pools) limited(g *graph.Graph, set bool) []*Pool {
	out := make([]*Pool, len(g.Pools))
	for i, gp := range g.Pools {
		n := nameOf(g, &gp)
		p := ps.named[n]
		if p == nil {
			p = &Pool{}
			ps.named[n] = p
		}
		if gp.Shared {
			if p.shared == nil {
				p.shared = map[string]graph.Pool{}
			}
			if _, known := p.shared[g.Name]; set || !known {
				p.shared[g.Name] = gp
			}
		}
		if set || p.parallel == 0 && p.rate == 0 && len(p.taken) == 0 && p.queue.len == 0 {
			p.parallel, p.rate, p.per = gp.Parallel, gp.Rate, gp.RatePer
		}
		out[i] = p
	}
	return out
}

// Exchange takes back what an owner's tickets in done have (slots, locks, places in a
// queue), queues its fresh ones all at once, and hands out what is free. It calls
// Granted of every ticket that gets all that it needs. It keeps neither slice.
func (ps *Pools) Exchange(owner string, done, fresh []*Ticket) {
	ps.mu.Lock()
	r := &ps.round
	for _, t := range fresh {
		ps.inherit(t)
	}
	for _, t := range done {
		ps.remove(t, r)
	}
	granted := ps.enter(fresh, r, make([]*Ticket, 0, len(fresh)))
	free := len(granted) // of its own tickets
	granted = ps.hand(r, granted)
	ps.mu.Unlock()
	for _, t := range granted[free:] {
		if t.Owner != owner {
			t.For.Granted(false)
		}
	}
	for i, t := range granted {
		if i < free || t.Owner == owner {
			t.For.Granted(true)
		}
	}
}

// GiveBack takes back the slot of a ticket, and leaves it its lock.
func (ps *Pools) GiveBack(t *Ticket) {
	ps.mu.Lock()
	ps.leave(t, &ps.round)
	granted := ps.hand(&ps.round, nil)
	ps.mu.Unlock()
	tell(granted)
}

// Hold gives a ticket its lock and its slot at once, beyond the limit if it has to: what
// it is for runs already. Granted is not called.
func (ps *Pools) Hold(t *Ticket) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.link(t)
	if t.Lock != "" {
		l := ps.lockOf(t)
		l.holders, t.lock = append(l.holders, t), l
	}
	if t.Pool != nil {
		t.place = holding
		ps.seat(t.Pool, t)
	}
}

// Halt keeps all tickets from getting slots and locks until Release was called as often:
// what runs already may have to take its own with Hold first.
func (ps *Pools) Halt() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.halts++
}

// Release ends a Halt. After the last one all that is free is handed out.
func (ps *Pools) Release() {
	ps.mu.Lock()
	ps.halts--
	r := &ps.round
	for _, l := range ps.locks { // in any order: they share nothing
		r.locks = append(r.locks, l)
	}
	for _, p := range ps.named {
		r.touch(p)
	}
	granted := ps.hand(r, nil)
	ps.mu.Unlock()
	tell(granted)
}

// round is what changes in one call, until what is free is handed out.
type round struct {
	pools []*Pool   // that have a free slot, or more that wait
	locks []*lock   // that are free, or more wait for them
	slots []*Ticket // that wait for their slot from now on
}

// over forgets all, and keeps the arrays for the next call.
func (r *round) over() {
	clear(r.pools)
	clear(r.locks)
	clear(r.slots)
	r.pools, r.locks, r.slots = r.pools[:0], r.locks[:0], r.slots[:0]
}

func (r *round) touch(p *Pool) {
	if !slices.Contains(r.pools, p) {
		r.pools = append(r.pools, p)
	}
}

// enter queues tickets, and appends those that need nothing to granted.
func (ps *Pools) enter(fresh []*Ticket, r *round, granted []*Ticket) []*Ticket {
	var wanting []*Ticket
	for _, t := range fresh {
		ps.link(t)
		switch {
		case t.Lock != "" && t.lock == nil:
			wanting = append(wanting, t)
		case t.Pool != nil:
			r.slots = append(r.slots, t)
		default:
			granted = append(granted, t)
		}
	}
	slices.SortStableFunc(wanting, ordered)
	for _, t := range wanting {
		ps.wait(t, r)
	}
	return granted
}

// hand hands out what is free, first the locks, then the slots, and ends the round. It
// appends the tickets that have all that they need now to granted.
func (ps *Pools) hand(r *round, granted []*Ticket) []*Ticket {
	defer r.over()
	for i := 0; i < len(r.locks); i++ { // a lock that is handed out may add others
		t := ps.pass(r.locks[i], r)
		switch {
		case t == nil:
		case t.Pool != nil:
			r.slots = append(r.slots, t)
		default:
			granted = append(granted, t)
		}
	}
	slices.SortStableFunc(r.slots, ordered)
	if ps.seatAll(r.slots) {
		granted = append(granted, r.slots...)
	} else {
		for _, t := range r.slots {
			t.place = queued
			t.Pool.queue.add(t)
			r.touch(t.Pool)
		}
	}
	for _, p := range r.pools {
		granted = append(granted, ps.grant(p)...)
	}
	return granted
}

// seatAll gives tickets their slots without a queue, where they would get them all in the
// order in which they are. It returns false if they have to queue.
func (ps *Pools) seatAll(list []*Ticket) bool {
	if len(list) == 0 {
		return false
	}
	first := list[0]
	p := first.Pool
	if ps.halts > 0 || p.rate > 0 || p.queue.len > 0 || len(p.taken)+len(list) > p.limit() {
		return false
	}
	for _, t := range list[1:] {
		if t.Pool != p || t.Owner != first.Owner || t.Priority != first.Priority {
			return false
		}
	}
	for _, t := range list {
		t.place = holding
		ps.seat(p, t)
	}
	return true
}

// remove takes back all that a ticket has.
func (ps *Pools) remove(t *Ticket, r *round) {
	ps.leave(t, r)
	ps.unlock(t, r)
	if ps.above[t.Child] == t {
		delete(ps.above, t.Child)
	}
}

// leave takes a ticket out of the queue of its pool, or out of its slot.
func (ps *Pools) leave(t *Ticket, r *round) {
	switch t.place {
	case queued:
		t.Pool.queue.remove(t)
	case holding:
		t.Pool.free(t)
	default:
		return
	}
	t.place = nowhere
	r.touch(t.Pool)
}

// limit is the number of slots.
func (p *Pool) limit() int {
	if p.fixed != nil {
		return *p.fixed
	}
	return p.parallel
}

// grant hands out the free slots of one pool.
func (ps *Pools) grant(p *Pool) []*Ticket {
	var out []*Ticket
	for ps.halts == 0 && p.queue.len > 0 && len(p.taken) < p.limit() {
		if p.rate > 0 && !ps.mayStart(p) {
			break
		}
		t := p.queue.pop(time.Now())
		t.place = holding
		ps.seat(p, t)
		out = append(out, t)
	}
	return out
}

// seat gives a ticket one of the slots.
func (ps *Pools) seat(p *Pool, t *Ticket) {
	ps.grants++
	t.index, t.slot = len(p.taken), ps.grants
	p.taken = append(p.taken, t)
}

// free takes the slot of a ticket back.
func (p *Pool) free(t *Ticket) {
	last := len(p.taken) - 1
	p.taken[t.index] = p.taken[last]
	p.taken[t.index].index = t.index
	p.taken[last] = nil
	p.taken = p.taken[:last]
}

// mayStart says whether the rate lets one more ticket start now, and counts it. When
// it does not, a timer is set for the moment when it does.
func (ps *Pools) mayStart(p *Pool) bool {
	now := time.Now()
	for len(p.starts) > 0 && now.Sub(p.starts[0]) >= p.per {
		p.starts = p.starts[1:]
	}
	if len(p.starts) < p.rate {
		p.starts = append(p.starts, now)
		return true
	}
	if p.timer == nil {
		p.timer = ps.timers.At(p.starts[0].Add(p.per), func() { ps.again(p) })
	}
	return false
}

// again hands out slots once the rate allows it.
func (ps *Pools) again(p *Pool) {
	ps.mu.Lock()
	p.timer = nil
	granted := ps.grant(p)
	ps.mu.Unlock()
	tell(granted)
}

// tell tells tickets that they have their slots.
func tell(granted []*Ticket) {
	for _, t := range granted {
		t.For.Granted(false)
	}
}
