package runtime

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PoolStatus is how a pool stands.
type PoolStatus struct {
	Graph, Pool string
	Parallel    int           // slots; 0: it is on hold
	Rate        int           // tasks that may start per Per; 0: no limit
	Per         time.Duration // zero without a rate
	Running     int           // slots that are taken
	Queued      int
	OldestWait  time.Duration // of those queued
}

// UnknownPoolError is a pool that no graph of the runtime has.
type UnknownPoolError struct {
	Graph, Pool string
	Known       []string // GRAPH/POOL
}

func (e *UnknownPoolError) Error() string {
	return fmt.Sprintf("unknown pool %q of graph %q (there are: %s)", e.Pool, e.Graph, strings.Join(e.Known, ", "))
}

// PoolStatus lists the pools of all graphs that were added or of which stacks
// were loaded, sorted by graph and name.
func (rt *Runtime) PoolStatus() []PoolStatus {
	ps := rt.pools
	now := time.Now()
	ps.mu.Lock()
	defer ps.mu.Unlock()
	out := make([]PoolStatus, 0, len(ps.named))
	for name, p := range ps.named {
		st := PoolStatus{Graph: name.graph, Pool: name.pool, Parallel: p.limit(), Rate: p.rate, Per: p.per,
			Running: p.taken, Queued: p.queue.len}
		if p.rate == 0 {
			st.Per = 0
		}
		if at := p.queue.oldest(); !at.IsZero() {
			st.OldestWait = now.Sub(at)
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b PoolStatus) int {
		return cmp.Or(cmp.Compare(a.Graph, b.Graph), cmp.Compare(a.Pool, b.Pool))
	})
	return out
}

// SetPool gives a pool another number of slots, whatever its graph says; 0
// holds it. It takes effect at once: tasks that run are not cut off. It lasts
// as long as the runtime, or until AddGraph changes the limit. Errors: *UnknownPoolError, or parallel is negative.
func (rt *Runtime) SetPool(graph, pool string, parallel int) error {
	if parallel < 0 {
		return fmt.Errorf("pool %q: parallel is %d, expected 0 or more", pool, parallel)
	}
	ps := rt.pools
	ps.mu.Lock()
	p := ps.named[poolName{graph, pool}]
	if p == nil {
		e := &UnknownPoolError{Graph: graph, Pool: pool}
		for name := range ps.named {
			e.Known = append(e.Known, name.graph+"/"+name.pool)
		}
		ps.mu.Unlock()
		slices.Sort(e.Known)
		return e
	}
	p.fixed = &parallel
	granted := ps.grant(p)
	ps.mu.Unlock()
	deliver(granted)
	return nil
}
