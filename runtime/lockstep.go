package runtime

import (
	"context"
	"encoding/json"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/fleet"
)

// member is a stack with `fleet: lockstep` in its fleet. Children are in none: their
// parents lead them.
type member struct{ s *Stack }

// Name is the stack's id.
func (m member) Name() string { return m.s.name }

// Fleet is the graph's name.
func (m member) Fleet() string { return m.s.graph }

// Begin lets the stack go on with its fleet.
func (m member) Begin() {
	s := m.s
	s.post(func() {
		now, ok := s.rt.fleets.Take(m)
		if !ok || s.stopping {
			return
		}
		s.at = now
		s.step(machine.NextWave{At: now})
		if s.wake == nil {
			s.post(s.woke) // the time may have come while the stack's clock stood still
		}
	})
}

// reportToFleet tells a stack's fleet where it stands, now that it has done all that
// it can by itself.
func (s *Stack) reportToFleet() {
	now := s.standing()
	if now.Stage == fleet.Apart && !s.marching {
		return
	}
	s.marching = now.Stage != fleet.Apart
	s.rt.fleets.Report(member{s}, now)
}

func (s *Stack) standing() fleet.Standing {
	if s.over || s.closed || s.stopping || s.child || s.g.Fleet != graph.Lockstep {
		return fleet.Standing{}
	}
	c := s.m.Cursor()
	switch {
	case s.progress.waveOpen:
		return fleet.Standing{Stage: fleet.Working}
	case c.Status == journal.Paused:
		return fleet.Standing{}
	case s.m.Spent():
		return fleet.Standing{Stage: fleet.Spent}
	case c.Open:
		return fleet.Standing{Stage: fleet.Between}
	case c.WakeAt.IsZero():
		return fleet.Standing{}
	}
	return fleet.Standing{Stage: fleet.Pausing, Due: c.WakeAt}
}

// assemble has the stacks of lockstep graphs that were taken over loaded, so that all
// of a fleet begin together: until each has reported where it stands, the others wait
// for it. hashes are of the definitions that they ran under.
func (rt *Runtime) assemble(ctx context.Context, hashes map[string]bool) error {
	led := map[string]bool{}
	for hash := range hashes {
		kept, err := rt.cfg.Store.Graph(ctx, hash)
		if err != nil {
			rt.log.Error("definition cannot be read", "hash", hash, "error", err) // nor can its stacks
			continue
		}
		if inLockstep(kept) {
			led[kept.Name] = true
		}
	}
	for _, s := range rt.Stacks() {
		def := rt.presentDefinition(s.graph)
		if !s.child && (led[s.graph] || def != nil && def.g.Fleet == graph.Lockstep) {
			rt.fleets.Report(member{s}, fleet.Standing{Stage: fleet.Working})
			s.post(func() { s.marching = true })
		}
	}
	return ctx.Err()
}

// inLockstep reads no more of a definition than this one field: there may be many.
func inLockstep(s StoredGraph) bool {
	var d struct {
		Fleet string `json:"fleet"`
	}
	return json.Unmarshal(s.Def, &d) == nil && d.Fleet == "lockstep"
}
