package machine

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// halted reports that the machine has to wait between two waves: under
// `fleet: lockstep` all stacks of the graph do so together, and only the driver
// sees them all. One that another stack runs goes by itself, and a replay as the
// history says.
func (m *Machine) halted() bool {
	return m.o.Fleets && m.g.Fleet == graph.Lockstep && m.id.Parent == "" && !m.released && m.pace == nil && m.cur.Finally == nil
}

// release lets the machine begin the next wave, end the cycle, or begin the
// next cycle and its first wave.
func (m *Machine) release() {
	if m.cur.Status != journal.Running || m.wave.open || !m.cur.Open && m.cur.WakeAt.IsZero() {
		return
	}
	m.released = true
	m.skipMissed(lateness)
	m.hasten()
	m.startCycleIfDue()
}

// Spent reports that only the end of the open cycle is left: for drivers
// that end the cycles of several stacks together.
func (m *Machine) Spent() bool { return m.cur.Open && m.cycle.spent }
