package runtime

import (
	"cmp"
	"container/heap"
	"sync"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// pools hands out slots to the tasks of all stacks. Pools belong to a graph,
// by its name: the stacks of one graph share them, whatever their definition.
//
// Who waits is served by priority, higher first, then by how long it has
// waited (the tasks of a wave queue at the same moment), then in declaration
// order. A rate of N per period lets N tasks start at once and none more within
// any period of that length; it is kept in memory and begins anew with the
// process.
type pools struct {
	timers *timers

	mu    sync.Mutex
	named map[poolName]*pool
	round uint64 // of queueing
}

type poolName struct{ graph, pool string }

type pool struct {
	parallel int
	rate     int
	per      time.Duration

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
	holding
)

func newPools(t *timers) *pools {
	return &pools{timers: t, named: map[poolName]*pool{}}
}

// of gives the pools of a graph by their index, with the limits that it says.
func (ps *pools) of(g *graph.Graph) []*pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make([]*pool, len(g.Pools))
	for i, gp := range g.Pools {
		name := poolName{g.Name, gp.Name}
		p := ps.named[name]
		if p == nil {
			p = &pool{}
			ps.named[name] = p
		}
		p.parallel, p.rate, p.per = gp.Parallel, gp.Rate, gp.RatePer
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
	ps.round++
	for _, a := range fresh {
		a.round, a.place = ps.round, queued
		heap.Push(&a.pool.queue, a)
		touch(a.pool)
	}
	var own, others []*attempt
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
		heap.Remove(&a.pool.queue, a.index)
	case holding:
		a.pool.taken--
	default:
		return false
	}
	a.place = nowhere
	return true
}

// grant hands out the free slots of one pool.
func (ps *pools) grant(p *pool) []*attempt {
	var out []*attempt
	for len(p.queue) > 0 && p.taken < p.parallel {
		if p.rate > 0 && !ps.mayStart(p) {
			break
		}
		a := heap.Pop(&p.queue).(*attempt)
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

// queue is a heap of the attempts that wait for one pool.
type queue []*attempt

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(
		cmp.Compare(b.task.Priority, a.task.Priority),
		cmp.Compare(a.round, b.round),
		cmp.Compare(a.task.Node, b.task.Node),
		cmp.Compare(a.task.Index, b.task.Index)) < 0
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	a := x.(*attempt)
	a.index = len(*q)
	*q = append(*q, a)
}

func (q *queue) Pop() any {
	old := *q
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return a
}
