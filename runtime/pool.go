package runtime

import (
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// pools hands out slots to the tasks of all stacks. Pools belong to a graph,
// by its name: the stacks of one graph share them, whatever their definition.
// Who is next is decided by queue. A rate of N per period lets N tasks start
// at once and none more within any period of that length; it is kept in memory
// and begins anew with the process.
//
// Tasks that are suspected of killing the engine are let in as suspects says.
type pools struct {
	timers *timers

	mu       sync.Mutex
	suspects suspects
	named    map[poolName]*pool
	defined  map[string]bool // graphs whose limits are those of their present definition
}

type poolName struct{ graph, pool string }

type pool struct {
	parallel int
	rate     int
	per      time.Duration
	fixed    *int // parallel, as SetPool has set it

	taken  int // slots
	queue  queue
	starts []time.Time // within the last period; kept while there is a rate
	timer  *timer      // when the rate lets the next one start
}

// place is where an attempt stands with its pool.
type place uint8

const (
	nowhere place = iota
	queued
	heldBack
	holding
)

func newPools(t *timers) *pools {
	return &pools{timers: t, suspects: suspects{room: 1}, named: map[poolName]*pool{}, defined: map[string]bool{}}
}

// of gives the pools of a graph by their index. They have the limits that it
// says, unless its name has a present definition.
func (ps *pools) of(g *graph.Graph) []*pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.limited(g, !ps.defined[g.Name])
}

// define lets the limits of a definition hold from now on. One that has changed
// also takes the place of what SetPool has set.
func (ps *pools) define(g *graph.Graph) {
	ps.mu.Lock()
	ps.defined[g.Name] = true
	for i := range g.Pools {
		if p := ps.named[poolName{g.Name, g.Pools[i].Name}]; p != nil && p.parallel != g.Pools[i].Parallel {
			p.fixed = nil
		}
	}
	var granted []*attempt
	for _, p := range ps.limited(g, true) {
		granted = append(granted, ps.grant(p)...)
	}
	ps.mu.Unlock()
	deliver(granted)
}

func (ps *pools) limited(g *graph.Graph, set bool) []*pool {
	out := make([]*pool, len(g.Pools))
	for i, gp := range g.Pools {
		name := poolName{g.Name, gp.Name}
		p := ps.named[name]
		if p == nil {
			p = &pool{}
			ps.named[name] = p
		}
		if set || p.parallel == 0 && p.rate == 0 && p.taken == 0 && p.queue.len == 0 {
			p.parallel, p.rate, p.per = gp.Parallel, gp.Rate, gp.RatePer
		}
		out[i] = p
	}
	return out
}

// exchange takes back the slots of attempts that have ended, queues new ones
// all at once, and then hands out what is free. It returns those of stack s
// that got a slot; the others' stacks find theirs in their mailboxes.
func (ps *pools) exchange(s *Stack, ended, fresh []*attempt) []*attempt {
	ps.mu.Lock()
	var touched []*pool
	touch := func(p *pool) {
		for _, t := range touched {
			if t == p {
				return
			}
		}
		touched = append(touched, p)
	}
	for _, a := range ended {
		if ps.remove(a) {
			touch(a.pool)
		}
	}
	var own, others []*attempt
	for _, a := range fresh {
		if a.pool == nil { // it holds no slot
			own = append(own, a)
			continue
		}
		a.place = queued
		touch(a.pool)
	}
	for _, p := range touched {
		p.queue.add(p, fresh)
	}
	for _, p := range ps.readmit() {
		touch(p)
	}
	for _, p := range touched {
		for _, a := range ps.grant(p) {
			if a.stack == s {
				own = append(own, a)
			} else {
				others = append(others, a)
			}
		}
	}
	ps.mu.Unlock()
	deliver(others)
	return own
}

// remove takes an attempt out of its queue or its slot; false when it has
// neither.
func (ps *pools) remove(a *attempt) bool {
	switch a.place {
	case queued:
		a.pool.queue.remove(a)
	case heldBack:
		ps.suspects.forget(a)
	case holding:
		a.pool.taken--
		ps.acquit(a)
	default:
		return false
	}
	a.place = nowhere
	return true
}

// limit is how many slots there are.
func (p *pool) limit() int {
	if p.fixed != nil {
		return *p.fixed
	}
	return p.parallel
}

// grant hands out the free slots of one pool.
func (ps *pools) grant(p *pool) []*attempt {
	var out []*attempt
	for p.queue.len > 0 && p.taken < p.limit() {
		if p.rate > 0 && !ps.mayStart(p) {
			break
		}
		a := p.queue.pop(time.Now())
		if a.task.Suspect && !ps.watch(a) {
			continue
		}
		a.place = holding
		p.taken++
		out = append(out, a)
	}
	return out
}

// mayStart says whether the rate lets one more task start now, and counts it;
// when not, the timer is set for the moment when it does.
func (ps *pools) mayStart(p *pool) bool {
	now := time.Now()
	for len(p.starts) > 0 && now.Sub(p.starts[0]) >= p.per {
		p.starts = p.starts[1:]
	}
	if len(p.starts) < p.rate {
		p.starts = append(p.starts, now)
		return true
	}
	if p.timer == nil {
		p.timer = ps.timers.at(p.starts[0].Add(p.per), func() { ps.again(p) })
	}
	return false
}

// again hands out slots when the rate's time has come.
func (ps *pools) again(p *pool) {
	ps.mu.Lock()
	p.timer = nil
	granted := ps.grant(p)
	ps.mu.Unlock()
	deliver(granted)
}

// deliver tells stacks that attempts of theirs have got their slots.
func deliver(granted []*attempt) {
	for _, a := range granted {
		a.stack.post(func() { a.stack.slotGiven(a) })
	}
}
