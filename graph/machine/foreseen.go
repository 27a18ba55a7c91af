package machine

import (
	"math/bits"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// A cycle mostly begins as the one before it did: most nodes are skipped at its first
// moment, by verdicts over edges from the start, and nothing of these nodes changes until
// the cycle ends. So they are left as they stand, as what the next cycle will decide too.
// When it begins, the nodes that ran or were not decided are reset, and those are decided
// again about which something may be different:
//
//   - the verdict over an edge changed, since a key changed that its condition reads;
//   - an edge has to be judged in each cycle: see restless;
//   - a source settled otherwise than in the cycle before.
//
// They follow each other in topological order, so each is decided once. If no decision is
// another one, the records of the moment are those of the cycle before: the same round.
//
// Where that is not known to be right, the cycle begins from scratch. A graph is decided so
// in all its cycles if plan.foresees is false. A cycle is when something waits or is in the
// background, when it is the last one, when somebody watches the decisions, and after a
// restart.

// foreseen is what the first moment of a cycle decided.
type foreseen struct {
	holds bool // the skips of the moment still stand in nodes
	// pending says that the present cycle has not come to its first moment: nodes still
	// stand as in the cycle before.
	pending bool

	decided nodeSet      // what the moment decided
	runs    nodeSet      // of these, the nodes that run
	faults  int          // of these, the decisions with a condition that failed
	body    journal.Body // the records of the moment; nil for none
	changed bool         // body is not them any more

	stirred []int   // edges whose verdict is not known any more, since a key changed
	todo    nodeSet // by place in the order: nodes to be decided again
}

// restless reports that an edge is to be judged in each cycle: how its source ended in the
// cycle before, or what its condition reads beside the state, may be different; or its
// verdict is taken together with those of others.
func (p *Plan) restless(e *graph.Edge) bool {
	return e.NextCycle || e.Else || p.shared[e.Index] || !e.Steady
}

// mayForesee: a node settles in one way at the first moment, and by its own edges alone.
func mayForesee(g *graph.Graph) bool {
	if g.Once || g.Eager || g.Mode != nil {
		return false
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; !n.Final && (n.Latch || n.Join == graph.JoinFirst) {
			return false
		}
	}
	return true
}

// mayBeForeseen reports that a cycle may begin with what is foreseen.
func (m *Machine) mayBeForeseen() bool {
	return m.plan.foresees && !m.o.scratch && !m.restoring && m.cur.Finally == nil && !m.anyOutside() && (m.watch == nil || m.watch.Decided == nil)
}

// begin resets the nodes of a cycle whose first moment is foreseen, for whoever looks at
// them before it. The cycle begins from scratch then.
func (m *Machine) begin() {
	if m.foreseen.pending {
		m.resetNodes()
	}
}

// foresee keeps what the first moment of a cycle decided for the next cycle.
func (m *Machine) foresee(body journal.Body) {
	f := &m.foreseen
	if f.decided == nil {
		words := (len(m.nodes) + 63) / 64
		f.decided, f.runs, f.todo = make(nodeSet, words), make(nodeSet, words), make(nodeSet, words)
	}
	clear(f.decided)
	clear(f.runs)
	f.holds, f.faults, f.body, f.changed, f.stirred = true, 0, body, false, f.stirred[:0]
	for _, i := range m.order {
		m.note(i)
	}
	for i := range m.nodes {
		m.nodes[i].awaits = m.nodes[i].waits
	}
}

// note puts the decision over a node into what is foreseen.
func (m *Machine) note(i int) {
	f, d := &m.foreseen, m.nodes[i].decision
	f.decided.put(i)
	if d.Run {
		f.runs.put(i)
	}
	if d.Failed() {
		f.faults++
	}
}

// decideAsForeseen takes the decisions of a cycle's first moment, and gives the nodes that
// are to run, in declaration order.
func (m *Machine) decideAsForeseen() (run []int) {
	f := &m.foreseen
	f.pending, m.view.fresh = false, true
	m.resetRest()
	for _, i := range m.plan.stirs {
		m.stir(i)
	}
	for _, x := range f.stirred {
		m.judgeAgain(x)
	}
	f.stirred = f.stirred[:0]
	for w := 0; w < len(f.todo); {
		if f.todo[w] == 0 {
			w++ // what a decision stirs comes after it in the order
			continue
		}
		place := w*64 + bits.TrailingZeros64(f.todo[w])
		f.todo[w] &= f.todo[w] - 1
		m.decideAgain(m.g.Order[place])
	}
	m.ready = m.ready[:0]
	m.cycle.fault = m.cycle.fault || f.faults > 0
	if f.changed {
		m.order = f.decided.list(m.order)
		f.body, f.changed = m.bodyOf(m.order), false
	}
	if f.body != nil {
		m.log(f.body)
	}
	m.toRun = f.runs.list(m.toRun)
	return m.toRun
}

// resetRest resets what the cycle before changed after its first moment.
func (m *Machine) resetRest() {
	f := &m.foreseen
	for w := range f.decided {
		for rest := ^f.decided[w] | f.runs[w]; rest != 0; rest &= rest - 1 {
			i := w*64 + bits.TrailingZeros64(rest)
			if i >= len(m.nodes) {
				break
			}
			n := &m.nodes[i]
			d := n.decision
			n.reset()
			n.waits = n.awaits
			if f.runs.has(i) {
				n.decided, n.decision = true, d
			}
		}
	}
	for _, x := range m.plan.kept {
		m.edges[x] = judged{}
	}
	for id := range m.cur.Last { // in any order: only failures in the last cycle can be repaid
		if i, ok := m.plan.index[id]; ok {
			m.nodes[i].repaid = false
		}
	}
}

// stir has a node decided again that was decided at the first moment. One that has
// sources left is undecided then.
func (m *Machine) stir(i int) {
	if m.foreseen.decided.has(i) {
		m.foreseen.todo.put(m.plan.place[i])
	}
}

// judgeAgain evaluates the condition of an edge whose verdict may have changed. Where it
// did not, its target need not be looked at.
func (m *Machine) judgeAgain(x int) {
	e, h := &m.g.Edges[x], &m.held[x]
	switch {
	case h.known || !m.foreseen.decided.has(e.To) || m.plan.restless(e):
		return // nobody needs it now, or it was asked for since, or is in any case
	case !m.matches(e):
		return // the condition does not matter
	}
	was := *h
	h.live, h.err = holds(e, m.env)
	if h.known = true; h.live != was.live || h.err != was.err {
		m.stir(e.To)
	}
}

// decideAgain decides a node again, or for the first time if all its sources have settled
// now. One with sources that have not is not decided any more.
func (m *Machine) decideAgain(i int) {
	f, n := &m.foreseen, &m.nodes[i]
	was := f.decided.has(i)
	if n.waits > 0 {
		if was {
			m.undecide(i)
		}
		return
	}
	d := m.judgeNode(i)
	if was && d == n.decision {
		m.decidedAgain(i, d)
		return
	}
	if was {
		m.undecide(i)
	}
	m.applyDecided(i, d)
	m.note(i)
	f.changed = true
	if !d.Run {
		m.awaited(i)
	}
}

// decidedAgain notes what else there is about a decision that is the same.
func (m *Machine) decidedAgain(i int, d *journal.NodeDecided) {
	if d.Run {
		m.repay(d)
		return
	}
	if !m.plan.unless {
		return
	}
	if c := m.causeOf(i); c != m.nodes[i].cause {
		m.nodes[i].cause = c
		m.awaited(i)
	}
}

// undecide takes back the decision over a node.
func (m *Machine) undecide(i int) {
	f, n := &m.foreseen, &m.nodes[i]
	if n.decision.Failed() {
		f.faults--
	}
	skip, repaid := !f.runs.has(i), n.repaid
	f.decided.drop(i)
	f.runs.drop(i)
	f.changed = true
	n.reset()
	n.waits, n.repaid = n.awaits, repaid // another decision of the moment may have said so
	if !skip {
		return
	}
	for _, w := range m.plan.waiters[i] {
		m.nodes[w].waits++
	}
	m.awaited(i)
}

// awaited has the nodes looked at that wait for a node which has settled, or does not any more.
func (m *Machine) awaited(i int) {
	for _, w := range m.plan.waiters[i] {
		m.nodes[w].awaits = m.nodes[w].waits
		m.foreseen.todo.put(m.plan.place[w])
	}
}
