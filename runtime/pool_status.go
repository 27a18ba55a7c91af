package runtime

import (
	"fmt"
	"strings"
	"time"
)

// PoolStatus describes a pool at this moment.
type PoolStatus struct {
	Graph, Pool string
	Parallel    int           // slots; 0 while the pool is on hold
	Rate        int           // tasks that may start per Per; 0 without a limit
	Per         time.Duration // zero without a rate
	Running     int           // slots that are taken
	Queued      int
	OldestWait  time.Duration // the longest that one of the queued tasks has waited
}

// UnknownPoolError reports a pool that no graph of the runtime has.
type UnknownPoolError struct {
	Graph, Pool string
	Known       []string // the pools that there are, as GRAPH/POOL
}

func (e *UnknownPoolError) Error() string {
	return fmt.Sprintf("unknown pool %q of graph %q (there are: %s)", e.Pool, e.Graph, strings.Join(e.Known, ", "))
}

// PoolStatus lists the pools of all graphs that were added or have had a loaded
// stack, sorted by graph and name.
func (rt *Runtime) PoolStatus() []PoolStatus {
	all := rt.pools.Status()
	out := make([]PoolStatus, len(all))
	for i, st := range all {
		out[i] = PoolStatus(st)
	}
	return out
}

// SetPool gives a pool another number of slots, whatever its graph says; 0 puts it on
// hold. It takes effect at once and never cuts off a running task. It lasts as long as
// the runtime, or until AddGraph changes the limit. Errors: *UnknownPoolError, or
// parallel is negative.
func (rt *Runtime) SetPool(graph, pool string, parallel int) error {
	if parallel < 0 {
		return fmt.Errorf("pool %q: parallel is %d, expected 0 or more", pool, parallel)
	}
	if known, ok := rt.pools.Set(graph, pool, parallel); !ok {
		return &UnknownPoolError{Graph: graph, Pool: pool, Known: known}
	}
	return nil
}
