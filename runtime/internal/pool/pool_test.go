package pool

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/runtime/internal/timer"
)

// hall is a set of pools of one graph whose tickets note when they are served.
type hall struct {
	ps     *Pools
	pools  []*Pool
	begin  time.Time
	served []string
}

// told is a function that hears of a ticket.
type told func(own bool)

func (f told) Granted(own bool) { f(own) }

func newHall(defs ...graph.Pool) *hall {
	h := &hall{ps: New(&timer.Heap{}), begin: time.Now()}
	h.pools = h.ps.Of(&graph.Graph{Name: "g", Pools: defs})
	return h
}

// ticket makes the nth ticket of an owner.
func (h *hall) ticket(owner string, n, priority int) *Ticket {
	return &Ticket{Pool: h.pools[0], Owner: owner, Priority: priority, Since: time.Now(), Node: n,
		For: told(func(bool) { h.served = append(h.served, fmt.Sprintf("%s %s%d", time.Since(h.begin), owner, n)) })}
}

func (h *hall) want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.served); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
}

func TestOwnersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 1})
		var all []*Ticket
		for i := range 5 {
			all = append(all, h.ticket("a", i, 0))
		}
		h.ps.Exchange("a", nil, all)
		<-time.After(time.Second)
		b := []*Ticket{h.ticket("b", 1, 0), h.ticket("b", 0, 0)}
		h.ps.Exchange("b", nil, b)
		for _, done := range []*Ticket{all[0], all[1], b[1], all[2], b[0], all[3]} {
			h.ps.Exchange(done.Owner, []*Ticket{done}, nil)
		}
		h.want(t, "0s a0", "1s a1", "1s b0", "1s a2", "1s b1", "1s a3", "1s a4")
	})
}

func TestPriorityGrowsWithWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 1})
		first, low := h.ticket("a", 0, 9), h.ticket("a", 1, 0)
		h.ps.Exchange("a", nil, []*Ticket{first, low})
		<-time.After(15 * time.Second)
		one, two := h.ticket("b", 0, 1), h.ticket("b", 1, 2)
		h.ps.Exchange("b", nil, []*Ticket{one, two})
		for _, done := range []*Ticket{first, two, one} {
			h.ps.Exchange(done.Owner, []*Ticket{done}, nil)
		}
		h.want(t, "0s a0", "15s b1", "15s b0", "15s a1")
	})
}

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 10, Rate: 2, RatePer: time.Minute})
		var all []*Ticket
		for i := range 5 {
			all = append(all, h.ticket("a", i, 0))
		}
		h.ps.Exchange("a", nil, all)
		h.ps.Exchange("a", all[4:], nil) // it leaves the queue
		<-time.After(time.Hour)
		synctest.Wait()
		h.want(t, "0s a0", "0s a1", "1m0s a2", "1m0s a3")
		if st := h.ps.Status()[0]; st.Running != 4 || st.Queued != 0 {
			t.Errorf("status %+v, want four running and none queued", st)
		}
	})
}

func TestLimitsChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 0})
		h.ps.Exchange("a", nil, []*Ticket{h.ticket("a", 0, 0), h.ticket("a", 1, 0), h.ticket("a", 2, 0), {For: told(func(own bool) {
			if !own {
				t.Error("a ticket without a pool is served by its own Exchange")
			}
			h.served = append(h.served, "no pool")
		})}})
		if known, ok := h.ps.Set("g", "other", 1); ok || !cmp.Equal(known, []string{"g/default"}) {
			t.Errorf("unknown pool: %v, %v", known, ok)
		}
		if _, ok := h.ps.Set("g", "default", 1); !ok {
			t.Error("the pool is not found")
		}
		h.ps.Define(&graph.Graph{Name: "g", Pools: []graph.Pool{{Name: "default", Parallel: 2}}})
		h.want(t, "no pool", "0s a0", "0s a1")
	})
}

func TestHaltedPoolsGiveNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 2})
		h.ps.Halt()
		h.ps.Halt()
		h.ps.Exchange("a", nil, []*Ticket{h.ticket("a", 0, 0), h.ticket("a", 1, 0)})
		h.ps.Hold(h.ticket("b", 0, 0))
		h.ps.Release()
		h.want(t)
		h.ps.Release()
		h.want(t, "0s a0") // what runs already has the other slot
	})
}
