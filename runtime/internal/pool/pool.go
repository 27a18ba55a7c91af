package pool

import (
	"slices"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// Pools are the pools of all graphs of a runtime. It is safe for concurrent use.
type Pools struct {
	timers *timer.Heap

	mu      sync.Mutex
	named   map[name]*Pool
	defined map[string]bool // graphs whose limits come from Define
	halts   int             // while there are any, nobody gets a slot
}

type name struct{ graph, pool string }

// Pool is one pool. All of it is guarded by Pools.mu.
type Pool struct {
	parallel int
	rate     int
	per      time.Duration
	fixed    *int // parallel as Set has set it

	taken  int // slots
	queue  queue
	starts []time.Time  // within the last period; kept while there is a rate
	timer  *timer.Timer // fires when the rate lets the next one start
}

// Ticket asks for a slot. Its exported fields must not change once it was given to
// Exchange.
type Ticket struct {
	Pool     *Pool  // nil if it needs no slot
	Owner    string // owners of equal priority take turns
	Priority int
	Since    time.Time // when it queued
	// Node and Index order the tickets of one owner that queue together.
	Node, Index int
	// Granted is called once, when the ticket has its slot: by an Exchange of its own
	// owner (own is true), or on a goroutine of somebody else. It must not block.
	Granted func(own bool)

	place place
	turn  uint64
	index int // in its heap
}

// place says where a ticket is.
type place uint8

const (
	nowhere place = iota
	queued
	holding
)

// New makes an empty set of pools.
func New(timers *timer.Heap) *Pools {
	return &Pools{timers: timers, named: map[name]*Pool{}, defined: map[string]bool{}}
}

// Of returns the pools of a graph by their index in the graph. They take their limits
// from g, unless Define has set those of the graph's name.
func (ps *Pools) Of(g *graph.Graph) []*Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.limited(g, !ps.defined[g.Name])
}

// Define makes the limits of a definition hold from now on. A limit that has changed
// also replaces what Set has set.
func (ps *Pools) Define(g *graph.Graph) {
	ps.mu.Lock()
	ps.defined[g.Name] = true
	for i := range g.Pools {
		if p := ps.named[name{g.Name, g.Pools[i].Name}]; p != nil && p.parallel != g.Pools[i].Parallel {
			p.fixed = nil
		}
	}
	var granted []*Ticket
	for _, p := range ps.limited(g, true) {
		granted = append(granted, ps.grant(p)...)
	}
	ps.mu.Unlock()
	tell(granted)
}

func (ps *Pools) limited(g *graph.Graph, set bool) []*Pool {
	out := make([]*Pool, len(g.Pools))
	for i, gp := range g.Pools {
		n := name{g.Name, gp.Name}
		p := ps.named[n]
		if p == nil {
			p = &Pool{}
			ps.named[n] = p
		}
		if set || p.parallel == 0 && p.rate == 0 && p.taken == 0 && p.queue.len == 0 {
			p.parallel, p.rate, p.per = gp.Parallel, gp.Rate, gp.RatePer
		}
		out[i] = p
	}
	return out
}

// Exchange takes back the slots (or places in the queue) of an owner's tickets in
// done, queues its fresh ones all at once, and hands out what is free. It calls
// Granted for every ticket that gets a slot.
func (ps *Pools) Exchange(owner string, done, fresh []*Ticket) {
	ps.mu.Lock()
	var touched []*Pool
	touch := func(p *Pool) {
		if !slices.Contains(touched, p) {
			touched = append(touched, p)
		}
	}
	for _, t := range done {
		if ps.remove(t) {
			touch(t.Pool)
		}
	}
	var own, others []*Ticket
	for _, t := range fresh {
		if t.Pool == nil {
			own = append(own, t)
			continue
		}
		t.place = queued
		touch(t.Pool)
	}
	for _, p := range touched {
		p.queue.add(p, fresh)
	}
	for _, p := range touched {
		for _, t := range ps.grant(p) {
			if t.Owner == owner {
				own = append(own, t)
			} else {
				others = append(others, t)
			}
		}
	}
	ps.mu.Unlock()
	tell(others)
	for _, t := range own {
		t.Granted(true)
	}
}

// Hold gives a ticket a slot at once, beyond the limit if it has to: what it is for
// runs already. Granted is not called.
func (ps *Pools) Hold(t *Ticket) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	t.place = holding
	t.Pool.taken++
}

// Halt keeps all tickets from getting slots until Release was called as often: what runs
// already may have to take its slots with Hold first.
func (ps *Pools) Halt() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.halts++
}

// Release ends a Halt. After the last one the slots that are free are handed out.
func (ps *Pools) Release() {
	ps.mu.Lock()
	ps.halts--
	var granted []*Ticket
	for _, p := range ps.named { // in any order: pools share nothing
		granted = append(granted, ps.grant(p)...)
	}
	ps.mu.Unlock()
	tell(granted)
}

// remove takes a ticket out of its queue or its slot. It returns false when the
// ticket is in neither.
func (ps *Pools) remove(t *Ticket) bool {
	switch t.place {
	case queued:
		t.Pool.queue.remove(t)
	case holding:
		t.Pool.taken--
	default:
		return false
	}
	t.place = nowhere
	return true
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
	for ps.halts == 0 && p.queue.len > 0 && p.taken < p.limit() {
		if p.rate > 0 && !ps.mayStart(p) {
			break
		}
		t := p.queue.pop(time.Now())
		t.place = holding
		p.taken++
		out = append(out, t)
	}
	return out
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
		t.Granted(false)
	}
}
