package pool

import (
	"cmp"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// Status describes one pool.
type Status struct {
	Graph, Pool string        // Graph is "" for a pool that graphs share
	Parallel    int           // slots; 0 if the pool is on hold
	Rate        int           // tickets that may start per Per; 0 means no limit
	Per         time.Duration // zero without a rate
	Running     int           // slots that are taken
	Queued      int
	OldestWait  time.Duration // of those queued
}

// Status lists all pools, sorted by graph and name.
func (ps *Pools) Status() []Status {
	now := time.Now()
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make([]Status, 0, len(ps.named))
	for n, p := range ps.named {
		st := Status{Graph: n.graph, Pool: n.pool, Parallel: p.limit(), Rate: p.rate, Per: p.per,
			Running: len(p.taken), Queued: p.queue.len}
		if p.rate == 0 {
			st.Per = 0
		}
		if at := p.queue.oldest(); !at.IsZero() {
			st.OldestWait = now.Sub(at)
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Graph, b.Graph), cmp.Compare(a.Pool, b.Pool))
	})
	return out
}

// Set gives a pool another number of slots until Define changes its limit. It returns
// false when there is no such pool; known then lists those that there are, sorted, as
// GRAPH/POOL.
func (ps *Pools) Set(graph, pool string, parallel int) (known []string, ok bool) {
	ps.mu.Lock()
	p := ps.named[name{graph, pool}]
	if p == nil { // a graph may name the pool that it shares
		p = ps.named[name{"", pool}]
	}
	if p == nil {
		for n := range ps.named {
			known = append(known, n.graph+"/"+n.pool)
		}
		ps.mu.Unlock()
		slices.Sort(known)
		return known, false
	}
	p.fixed = &parallel
	granted := ps.grant(p)
	ps.mu.Unlock()
	tell(granted)
	return nil, true
}

// Wait is what a ticket waits for: a slot of a pool, or first its lock.
type Wait struct {
	Pool     string // "" for a ticket that needs no slot
	Lock     bool   // it waits for its lock
	Running  int    // slots of the pool that are taken
	Parallel int    // slots that there are
	// Holders have the lock, or the slots, those that have them longest first. They keep the
	// ticket from getting on: of a pool with free slots, as one with a rate, there are none.
	Holders []*Ticket
}

// Waits says of the queued tickets of an owner what they wait for.
func (ps *Pools) Waits(owner string) map[journal.TaskKey]Wait {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := map[journal.TaskKey]Wait{}
	names := make(map[*Pool]string, len(ps.named))
	for n, p := range ps.named { // in any order: a copy
		names[p] = n.pool
	}
	note := func(q *queue, holders []*Ticket, lock bool) {
		var sorted []*Ticket
		for _, l := range q.levels {
			for _, t := range l.turns {
				if t.Owner != owner {
					continue
				}
				if sorted == nil {
					sorted = slices.SortedFunc(slices.Values(holders), func(a, b *Ticket) int { return cmp.Compare(a.slot, b.slot) })
				}
				w := Wait{Lock: lock, Holders: sorted}
				if t.Pool != nil {
					w.Pool, w.Running, w.Parallel = names[t.Pool], len(t.Pool.taken), t.Pool.limit()
				}
				out[t.Task] = w
			}
		}
	}
	for _, l := range ps.locks {
		note(&l.queue, l.holders, true)
	}
	for _, p := range ps.named {
		var holders []*Ticket
		if n := p.limit(); n > 0 && len(p.taken) >= n {
			holders = p.taken
		}
		note(&p.queue, holders, false)
	}
	return out
}
