package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// Under `waves: eager` each node that runs is a wave of its own. The nodes that begin at
// one moment share its number, by which their tasks are known, and one record
// wave.started. Each is committed as soon as it is over, and then everything is decided
// whose sources have settled, while the others still run.

// proceedEagerly takes the next decision: a commit, or what a commit allows, or the end
// of the cycle. It reports false when there is none to take now.
func (m *Machine) proceedEagerly() bool {
	commits := len(m.ended) > 0 && !m.out.committed
	switch {
	case commits:
	case m.cur.Status == journal.Paused || m.cur.Stopping != "":
		return false // what runs is committed, and nothing begins
	case !m.undecided && len(m.alone) > 0:
		return false
	case len(m.alone) > 0 && m.overLimit() != "":
		return false // the stack ends when what runs is committed
	}
	if !m.keepsPace() {
		return false
	}
	switch {
	case commits:
		m.see(m.at)
		m.commitWave(m.firstEnded())
	case m.undecided:
		m.undecided = false
		m.nextWave()
	default:
		m.finishCycle()
	}
	return true
}

// judgedAhead reports that the verdict over an edge was taken at this moment, and the
// decision over its target does not have it: that is still to come, or the target was
// cancelled or waits. It has to be recorded, whether or not a node begins.
func (m *Machine) judgedAhead(edge int) bool {
	n := &m.nodes[m.g.Edges[edge].To]
	return !n.decided || n.decision != nil && !slices.ContainsFunc(n.decision.Edges, func(v journal.Verdict) bool { return v.Edge == edge })
}

// openEach begins the nodes of one moment.
func (m *Machine) openEach(nodes []int) {
	for _, i := range nodes {
		m.openAlone(i)
	}
	for _, i := range nodes {
		m.startRun(&m.nodes[i].alone.runs[0])
	}
}

// openAlone lays out the tasks of a node. Restore lays out the same ones: what its
// expressions see is as it was at the moment of the decision.
func (m *Machine) openAlone(i int) {
	w := &wave{open: true, left: 1, alone: true, cycle: m.wave.cycle, number: m.wave.number, now: m.wave.now, after: m.cur.Commit}
	w.env = m.envAlone(w, i)
	w.runs = []run{{w: w, node: i, outside: m.g.Nodes[i].Outside()}}
	m.nodes[i].alone = w
	m.alone = append(m.alone, w)
	if r := &w.runs[0]; r.outside {
		m.endRun(r)
	} else {
		m.layRun(r, 0)
	}
}

// reopen lays out the nodes of a moment that were not committed before a restart.
func (m *Machine) reopen(b *journal.WaveStarted, settled map[string]bool) {
	for _, i := range m.indices(b.Nodes) {
		if !settled[m.g.Nodes[i].ID] {
			m.openAlone(i)
		}
	}
}

// settledIn names the nodes that the waves of a cycle have committed.
func settledIn(records []journal.Record) map[string]bool {
	settled := map[string]bool{}
	for _, r := range records {
		if b, ok := r.Body.(*journal.WaveCommitted); ok && b.Wave > 0 {
			for k := range b.Settled {
				settled[b.Settled[k].Node] = true
			}
		}
	}
	return settled
}

// envAlone is what the expressions of a node see. It stays as it is while others are
// committed: see keepPast.
func (m *Machine) envAlone(w *wave, i int) *cond.Env {
	env := &cond.Env{Slots: slices.Clone(m.env.Slots)}
	w.env = env
	m.seeError(env, i)
	if m.readsOf(i).nodes {
		m.seeNodes(env)
	}
	if m.restoring {
		m.seePast(w)
	}
	return env
}

// runOver notes that a node is over and can be committed.
func (m *Machine) runOver(r *run) {
	r.w.overAt, r.w.overAfter = m.at, m.cur.Commit
	m.ended = append(m.ended, r.w)
}

// firstEnded is the node to commit next: the one that ended first, and of those of one
// moment the first in declaration order.
func (m *Machine) firstEnded() *wave {
	first := m.ended[0]
	for _, w := range m.ended[1:] {
		if !w.overAt.Equal(first.overAt) || w.overAfter != first.overAfter {
			break
		}
		if w.runs[0].node < first.runs[0].node {
			first = w
		}
	}
	return first
}

// closeAlone forgets the run of a node that is committed.
func (m *Machine) closeAlone(i int) {
	w := m.nodes[i].alone
	if w == nil {
		return
	}
	m.nodes[i].alone = nil
	same := func(o *wave) bool { return o == w }
	m.alone, m.ended = slices.DeleteFunc(m.alone, same), slices.DeleteFunc(m.ended, same)
	m.forgetPast()
}

// closeEach forgets all that runs, at the end of the stack.
func (m *Machine) closeEach() {
	for _, w := range m.alone {
		m.nodes[w.runs[0].node].alone = nil
	}
	m.alone, m.ended, m.undecided = nil, nil, false
	m.forgetPast()
}
