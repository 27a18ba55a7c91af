package runtime

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime/internal/fleet"
)

// Name is the stack's id.
func (m member) Name() string { return m.d.name }

// Fleet is the graph's name.
func (m member) Fleet() string { return m.d.graph }

// Begin lets the stack continue with its fleet.
func (m member) Begin() {
	d := m.d
	d.post(func() {
		now, ok := d.eng.fleets.Take(m)
		if !ok || d.stopping {
			return
		}
		d.at = now
		d.step(machine.NextWave{At: now})
		if d.wake == nil {
			d.post(d.woke) // the time may have come while the stack's clock stood still
		}
	})
}

// reportToFleet tells a stack's fleet where the stack stands, once it has done all that
// it can do alone.
func (d *drive) reportToFleet() {
	now := d.standing()
	if now.Stage == fleet.Apart && !d.marching {
		return
	}
	d.marching = now.Stage != fleet.Apart
	d.eng.fleets.Report(member{d}, now)
}

func (d *drive) standing() fleet.Standing {
	if d.over || d.closed || d.stopping || d.child || d.g.Fleet != graph.Lockstep {
		return fleet.Standing{}
	}
	c := d.m.Cursor()
	switch {
	case c.Finally != nil:
		return fleet.Standing{}
	case d.tasks.WaveOpen():
		return fleet.Standing{Stage: fleet.Working}
	case c.Status == journal.Paused:
		return fleet.Standing{}
	case d.m.Spent():
		return fleet.Standing{Stage: fleet.Spent}
	case c.Open:
		return fleet.Standing{Stage: fleet.Between}
	case c.WakeAt.IsZero():
		return fleet.Standing{}
	}
	return fleet.Standing{Stage: fleet.Pausing, Due: c.WakeAt}
}
