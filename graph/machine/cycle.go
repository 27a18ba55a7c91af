package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
)

// startCycleIfDue begins the next cycle when the pause is over. A stack whose
// duration is over while it pauses or waits ends instead.
func (m *Machine) startCycleIfDue() {
	due := m.cur.WakeAt
	switch end := m.expiry(); {
	case m.o.Rest:
	case !end.IsZero() && !end.After(m.at):
		m.stopAs(limited(m.overLimit()))
	case m.adopts || m.cur.Closing != nil || m.cur.Stopping != "":
	case m.cur.Status != journal.Running || m.cur.Open || due.IsZero() || due.After(m.at) || m.halted():
	case m.expects() && len(m.out.changes) > 0:
		// The arrivals would change a key a second time in one commit. WakeAt asks
		// for another try.
	default:
		m.startCycle()
	}
}

// startCycle begins a cycle with what came in since the last one began.
func (m *Machine) startCycle() {
	if m.beginning != nil {
		m.beginning()
	}
	body := &journal.CycleStarted{Hash: m.cur.Hash, Due: m.momentDue()}
	events := m.inbox
	m.emit(body)
	m.serve(events)
	m.takeIn(m.intake(events), body)
	m.chooseMode(body)
}

// finishCycle ends the cycle: stop conditions first, then the pause, then the
// limits.
func (m *Machine) finishCycle() {
	m.released = false
	if m.cur.Finally != nil {
		m.finishFinally()
		return
	}
	end, faults := m.stops()
	if end == nil {
		end = m.passEnds(faults)
	}
	body := &journal.CycleFinished{
		Waves: m.cycle.waves, NodeRuns: m.cycle.nodeRuns + m.cycle.inner,
		Failed: m.cycle.fault || m.owing() || m.untaken(end != nil || m.isLast()) || m.g.Once && end != nil && m.passFault(faults) != "",
		Active: m.cycle.fault || m.cycle.nodeRuns > 0 || m.cycle.settled > 0,
	}
	if end == nil && !m.g.Once {
		var err error
		if body.Pause, body.None, err = m.pause(body.Active || len(faults) > 0); err != nil {
			faults = append(faults, "pause: "+message(err))
		}
	}
	if len(faults) > 0 {
		body.Failed, body.Active, body.Faults = true, true, faults
	}
	if body.Failed && end == nil && !m.g.Once {
		body.Pause = m.failedPause(body.Pause)
	}
	m.emit(body)
	if end = m.untilEnds(body, end); end == nil {
		end = m.cycleLimited()
	}
	if end != nil {
		m.stopAs(*end)
	}
	m.releaseOldChildren()
}

// cycleLimited is the end of the stack by a limit at the end of a cycle, nil for none.
func (m *Machine) cycleLimited() *journal.Outcome {
	why := m.overCycleLimit()
	if why == "" {
		return nil
	}
	end := limited(why)
	if l := m.Limits().Failures; l > 0 && m.cur.FailedInRow >= l {
		end.Failure = nil // what failed says more
	}
	return &end
}

// untaken reports a failure of the cycle that no node took, and that no node of
// the next cycle can take. After the last cycle there is no next one.
func (m *Machine) untaken(last bool) bool {
	if last && m.g.Once && m.cur.Finally == nil && m.untakenOf() >= 0 {
		return true
	}
	for _, i := range m.cycle.failed {
		if m.cycle.robin || !m.nodes[i].taken && (last || !m.mayBeTaken(i)) {
			return true
		}
	}
	return false
}

// mayBeTaken reports that a node may run in the next cycle because of a failure
// in this one, whatever the condition of its edge will say. A node that is outside
// now does not run in the next cycle. Under `once` it is one that is not decided yet.
func (m *Machine) mayBeTaken(i int) bool {
	for _, x := range m.g.Nodes[i].Out {
		e := &m.g.Edges[x]
		switch {
		case !e.Outcome.TakesFailure():
		case m.g.Once && !e.NextCycle && m.isOpen(e.To), !m.g.Once && e.NextCycle && !m.isAway(e.To):
			return true
		}
	}
	return false
}

// isAway reports that a node waits or is in the background.
func (m *Machine) isAway(i int) bool {
	id := m.g.Nodes[i].ID
	return slices.ContainsFunc(m.cur.Waiting, func(w journal.Waiting) bool { return w.Node == id }) ||
		slices.ContainsFunc(m.cur.Background, func(b journal.Background) bool { return b.Node == id })
}

// owing reports a failure of the previous cycle that this cycle was to take, and that
// no node took.
func (m *Machine) owing() (owing bool) {
	for id, s := range m.cur.Last { // in any order: whether there is one
		if i, ok := m.plan.index[id]; ok && s.Owed && !m.nodes[i].repaid {
			owing = true
		}
	}
	return owing
}

// isLast reports that no cycle follows this one, because of a limit.
func (m *Machine) isLast() bool {
	most := m.Limits().Cycles
	return most > 0 && m.counted().Cycles+1 >= uint64(most) || m.overLimit() != ""
}

// stops gives the first stop condition that holds. One that fails to evaluate
// does not hold, and makes the cycle a failed one.
func (m *Machine) stops() (end *journal.Outcome, faults []string) {
	m.see(m.at)
	m.tellStops()
	for i := range m.g.Stops {
		s := &m.g.Stops[i]
		holds, err := s.When.Holds(m.env)
		if err != nil {
			faults = append(faults, "stop: "+message(err))
			continue
		}
		if holds {
			end = &journal.Outcome{Status: journal.Completed, Reason: s.Reason}
			if s.Failed {
				end.Status = journal.Failed
			}
			if end.Reason == "" {
				end.Reason = s.When.Text().Value
			}
			return end, faults
		}
	}
	return nil, faults
}
