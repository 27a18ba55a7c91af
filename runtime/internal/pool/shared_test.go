package pool

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/graphrun/graphrun/graph"
)

// A shared pool is one over all graphs, with the limits of the definition that was
// loaded last; one of the same name that is not shared stays apart.
func TestShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "gpu", Parallel: 1, Shared: true})
		other := h.ps.Of(&graph.Graph{Name: "other", Pools: []graph.Pool{{Name: "gpu", Parallel: 1, Shared: true}}})
		apart := h.ps.Of(&graph.Graph{Name: "apart", Pools: []graph.Pool{{Name: "gpu", Parallel: 1}}})
		if other[0] != h.pools[0] || apart[0] == h.pools[0] {
			t.Fatal("it is shared with the wrong graphs")
		}
		a, b := h.ticket("a", 0, 0), h.ticket("b", 0, 0)
		h.ps.Exchange("a", nil, []*Ticket{a})
		h.ps.Exchange("b", nil, []*Ticket{b})
		h.want(t, "0s a0")
		h.ps.Define(&graph.Graph{Name: "other", Pools: []graph.Pool{{Name: "gpu", Parallel: 2, Shared: true}}})
		h.want(t, "0s a0", "0s b0")
	})
}

// A waiting ticket gains one point of priority for every 10 s.
func TestAgeing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "default", Parallel: 1})
		busy, low := h.ticket("a", 0, 0), h.ticket("b", 1, 0)
		h.ps.Exchange("a", nil, []*Ticket{busy})
		h.ps.Exchange("b", nil, []*Ticket{low})
		<-time.After(19 * time.Second)
		first := h.ticket("c", 2, 2)
		h.ps.Exchange("c", nil, []*Ticket{first})
		h.ps.Exchange("a", []*Ticket{busy}, nil) // low is worth 1, first 2
		<-time.After(11 * time.Second)
		second := h.ticket("d", 3, 2)
		h.ps.Exchange("d", nil, []*Ticket{second})
		h.ps.Exchange("c", []*Ticket{first}, nil) // low is worth 3, second 2
		h.want(t, "0s a0", "19s c2", "30s b1")
	})
}

// TestSharedLimits: the definition that is made to hold last decides, and says which graph
// has others; an older one of a graph that is known changes nothing.
func TestSharedLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(graph.Pool{Name: "gpu", Parallel: 1, Shared: true})
		name := "other"
		with := func(parallel int) *graph.Graph {
			return &graph.Graph{Name: name, Pools: []graph.Pool{{Name: "gpu", Parallel: parallel, Shared: true}}}
		}
		if differ := h.ps.Define(with(3)); len(differ) != 1 || differ["gpu"] == "" {
			t.Errorf("it differs from %v", differ)
		}
		if p := h.ps.Of(with(5))[0]; p.parallel != 3 {
			t.Errorf("the limit is %d, want 3", p.parallel)
		}
		if differ := h.ps.Define(with(1)); len(differ) != 0 {
			t.Errorf("it differs from %v", differ)
		}
	})
}
