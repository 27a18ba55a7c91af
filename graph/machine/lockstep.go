package machine

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

<<<<<<< HEAD
// halted reports that the machine has to wait between two waves: under
=======
// halted reports that the machine may not continue between two waves: under
>>>>>>> d669e01 (machine, sim: comments in plain English; house: words that read as if they were translated are found by a test)
// `fleet: lockstep` all stacks of the graph do so together, and only the driver
// sees them all. One that another stack runs goes by itself, and a replay as the
// history says.
func (m *Machine) halted() bool {
	return m.o.Fleets && m.g.Fleet == graph.Lockstep && m.id.Parent == "" && !m.released && m.pace == nil
}

<<<<<<< HEAD
// release lets the machine begin the next wave, end the cycle, or begin the
=======
// release lets the machine continue to the next wave, the end of the cycle, or the
>>>>>>> d669e01 (machine, sim: comments in plain English; house: words that read as if they were translated are found by a test)
// next cycle and its first wave.
func (m *Machine) release() {
	if m.cur.Status != journal.Running || m.wave.open || !m.cur.Open && m.cur.WakeAt.IsZero() {
		return
	}
	m.released = true
	m.hasten()
	m.startCycleIfDue()
}

<<<<<<< HEAD
// Spent reports that only the end of the open cycle is left: for drivers
// that end the cycles of several stacks together.
=======
// Spent reports that only the end of the open cycle is left: for drivers that end the
// cycles of several stacks together.
>>>>>>> d669e01 (machine, sim: comments in plain English; house: words that read as if they were translated are found by a test)
func (m *Machine) Spent() bool { return m.cur.Open && m.cycle.spent }
