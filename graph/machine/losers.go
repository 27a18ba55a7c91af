package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// A `join: first` node with `cancel` ends its other sources when it is decided to run.
// They are skipped with the reason "cancelled", which is no failure: at once when nothing
// of them has begun (under waves: eager), when their work is over if it runs, and by the
// next cycle if they wait or are in the background.

const reasonCancelled = "cancelled"

// losers are the sources of a node that was decided to run which are not over.
func (m *Machine) losers(i int, which func(source int) bool) (all []int) {
	n := &m.g.Nodes[i]
	if !n.Cancel || n.Join != graph.JoinFirst {
		return nil
	}
	for _, x := range n.In {
		if e := &m.g.Edges[x]; e.From != graph.Start && !e.NextCycle && !slices.Contains(all, e.From) && which(e.From) {
			all = append(all, e.From)
		}
	}
	return all
}

// skipLosers skips the sources that are not decided yet. With a barrier they stay as they are.
func (m *Machine) skipLosers(i int) {
	if !m.g.Eager {
		return
	}
	for _, s := range m.losers(i, func(s int) bool { return !m.nodes[s].decided }) {
		m.order = append(m.order, s)
		m.applyDecided(s, m.decision(s, false, tally{cancelled: true}, nil))
	}
}

// applyLost notes which sources a node cancels that runs from now on.
func (m *Machine) applyLost(i int) {
	for _, s := range m.losers(i, func(int) bool { return true }) {
		id := m.g.Nodes[s].ID
		if n := &m.nodes[s]; m.g.Eager && n.status == pending && (n.alone == nil || n.alone.left > 0) {
			n.lost = true
		}
		if m.restoring { // the cursor has it
			continue
		}
		if k := slices.IndexFunc(m.cur.Waiting, func(w journal.Waiting) bool { return w.Node == id && !w.Answered }); k >= 0 {
			m.cur.Waiting = slices.Clone(m.cur.Waiting)
			m.cur.Waiting[k].Lost = true
		}
		if k := slices.IndexFunc(m.cur.Background, func(b journal.Background) bool { return b.Node == id && !b.Over }); k >= 0 {
			m.cur.Background = slices.Clone(m.cur.Background)
			m.cur.Background[k].Lost = true
		}
	}
}

// endLosers ends what still runs or waits of the sources that were lost.
func (m *Machine) endLosers(nodes []int) {
	for _, i := range nodes {
		for _, s := range m.losers(i, m.isLost) {
			m.takeBackAll(s)
			_ = m.cancelTask(CancelTask{At: m.at, Node: m.g.Nodes[s].ID}) // the node is known
		}
	}
}

// takeBackAll takes the tasks of a node back as if they had not been queued. A replay does
// not know which of them were, after a backoff or a crash.
func (m *Machine) takeBackAll(i int) {
	r := m.runOf(i)
	if r == nil || r.outside {
		return
	}
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t.state == queued {
			t.attempt--
		}
	}
	m.takeBack(r, nil)
}

// isLost reports that a node ends as skipped, whatever its work comes to.
func (m *Machine) isLost(i int) bool {
	id := m.g.Nodes[i].ID
	return m.nodes[i].lost ||
		slices.ContainsFunc(m.cur.Waiting, func(w journal.Waiting) bool { return w.Node == id && w.Lost }) ||
		slices.ContainsFunc(m.cur.Background, func(b journal.Background) bool { return b.Node == id && b.Lost })
}

// lostAs is how a lost node settles.
func lostAs(s *journal.Settled) {
	s.Status, s.Reason, s.Error, s.AtCommit = skipped.String(), reasonCancelled, nil, false
	forgetOrder(s)
}

// settleLost notes what the skip of a lost node goes back to: to a skip before it, if
// there is one. A node that was skipped by its decision has its cause from there.
func (m *Machine) settleLost(i int, s *journal.Settled) {
	if m.plan.unless && s.Status == skipped.String() {
		m.nodes[i].cause = m.causeOf(i)
	}
}

// skipReason is why a node was skipped. One that was lost had been decided to run.
func (m *Machine) skipReason(i int) string {
	if d := m.nodes[i].decision; d != nil && !d.Run {
		return d.Reason
	}
	return reasonCancelled
}
