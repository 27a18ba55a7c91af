package temporaldriver

import "github.com/graphrun/graphrun/graph"

// slotUse is what a stack tells the limiter of a pool that all stacks share: how many slots it
// could use, and how many it has taken.
type slotUse struct {
	Want  int `json:"want"`
	Using int `json:"using"`
}

// isShared reports whether the slots of a pool are counted over the whole fleet.
func (w *Worker) isShared(g *graph.Graph, p *graph.Pool) bool { return false }

// fleetPool is the name of a pool over the whole fleet.
func (w *Worker) fleetPool(g *graph.Graph, p *graph.Pool) string {
	if p.Shared {
		return p.Name
	}
	return g.Name + "/" + p.Name
}

func (s *stack) askForSlots()            {}
func (s *stack) releaseSlots()           {}
func (s *stack) hearSlots(m slotsSignal) {}
