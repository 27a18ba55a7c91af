package machine

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// All cycles of a graph with `once` are one pass. What has settled keeps its outcome, and
// its edges keep their verdicts. Only what waits, and what was skipped because something
// waits, is left to the cycles that follow. They begin when something has come in, and the
// stack ends with the first of them in which nothing waits.

// resumePass settles at the beginning of a cycle what earlier ones have settled for good.
func (m *Machine) resumePass() {
	if !m.g.Once || m.cur.Pass == nil {
		return
	}
	for k := range m.cur.Pass.Nodes {
		s := &m.cur.Pass.Nodes[k]
		i, ok := m.plan.index[s.Node]
		if !ok {
			continue
		}
		n := &m.nodes[i]
		n.decided, n.kept = true, true
		n.attempts, n.err, n.results, n.taken = s.Attempts, s.Error, s.Elements().Results, !s.Owed
		n.decision = &journal.NodeDecided{Node: s.Node, Run: s.Reason == "", Reason: s.Reason}
		m.settle(i, statusNamed(s.Status))
	}
	for _, i := range m.g.Order {
		if n := &m.nodes[i]; m.plan.unless && n.kept && n.status == skipped {
			n.cause = m.causeOf(i)
		}
	}
	m.show()
	for k := range m.cur.Latches {
		l := &m.cur.Latches[k]
		if x, ok := m.plan.edgeOf(l); ok {
			m.edges[x] = judged{known: true, live: !l.Dead, err: l.Fault}
		}
	}
}

// isOpen reports that nobody knows yet how a node settles: it waits, or was skipped
// because something waits.
func (m *Machine) isOpen(i int) bool {
	if i == graph.Start {
		return false
	}
	n := &m.nodes[i]
	return n.status == waiting || n.open
}

// settledForGood reports that later cycles of the pass do not decide a node again.
func (m *Machine) settledForGood(i int) bool {
	return m.nodes[i].decided && m.nodes[i].status != pending && !m.isOpen(i)
}

// notePass remembers what the pass has come to, for the cycles that follow and for the
// time after the end. faults are those of the end of the cycle. A child is removed when
// it has ended.
func (m *Machine) notePass(faults []string) {
	if !m.g.Once || m.id.Parent != "" && !m.anyOutside() {
		return
	}
	pass := &journal.Pass{Fault: m.passFault(faults)}
	for i := range m.nodes {
		if !m.settledForGood(i) {
			continue
		}
		n := &m.nodes[i]
		s := journal.Settled{Node: m.g.Nodes[i].ID, Status: n.status.String(), Attempts: n.attempts, Error: n.err}
		if n.status == skipped {
			s.Reason = m.skipReason(i)
		}
		s.Owed = n.status == failed && !n.taken
		pass.Nodes = append(pass.Nodes, s)
	}
	m.cur.Pass, m.cur.Latches = pass, nil
	again := m.again(pass.Nodes)
	for k := range pass.Nodes {
		s := &pass.Nodes[k]
		if i := m.plan.index[s.Node]; m.plan.results[i].edges && m.isJudgedLater(i, again) {
			s.SetElements(journal.Each{Results: m.nodes[i].results})
		}
	}
	beside := m.besideFaults(again)
	for x := range m.g.Edges {
		e := &m.g.Edges[x]
		j, fromStart := &m.edges[x], e.From == graph.Start
		switch {
		case !j.known || !fromStart && !m.settledForGood(e.From):
			continue
		case beside[x] && j.err == "":
		case m.settledForGood(e.To) && (!again.has(e.To) || !fromStart && again.has(e.From) || j.err != ""):
			continue // it is not asked for again
		}
		m.cur.Latches = append(m.cur.Latches, m.plan.latch(x, !j.live, j.err))
	}
}

// besideFaults finds the edges whose verdicts are asked for again when the stack is
// reopened: those beside an else edge that had none, because one of them failed.
func (m *Machine) besideFaults(again nodeSet) map[int]bool {
	var all map[int]bool
	for x := range m.g.Edges {
		if e := &m.g.Edges[x]; e.Else && m.edges[x].err != "" && again.has(e.To) {
			for _, s := range e.Siblings {
				if all == nil {
					all = map[int]bool{}
				}
				all[s] = true
			}
		}
	}
	return all
}

// isJudgedLater reports that a condition of an edge from a node is yet to be evaluated:
// in a later cycle, or when the stack is reopened and decides the nodes of again once more.
func (m *Machine) isJudgedLater(i int, again nodeSet) bool {
	return slices.ContainsFunc(m.g.Nodes[i].Out, func(x int) bool {
		to := m.g.Edges[x].To
		return !m.edges[x].known && (!m.settledForGood(to) || again.has(to)) || m.edges[x].err != "" && m.nodes[to].status == skipped
	})
}

// passFault is why the pass is a failed one besides the failures of nodes, or "".
func (m *Machine) passFault(faults []string) string {
	if m.cur.Pass != nil && m.cur.Pass.Fault != "" {
		return m.cur.Pass.Fault
	}
	if !m.cycle.fault {
		if len(faults) > 0 {
			return faults[0]
		}
		return ""
	}
	if s := m.cycle.started; s != nil && len(s.Faults) > 0 {
		return s.Faults[0]
	}
	for i := range m.nodes {
		if n := &m.nodes[i]; n.kept || n.decision == nil {
			continue
		}
		for _, v := range m.nodes[i].decision.Edges {
			if v.Error != "" {
				return fmt.Sprintf("an edge to %q: %s", m.g.Nodes[i].ID, v.Error)
			}
		}
	}
	return "a condition could not be evaluated"
}

// isOldFault reports that a condition failed in an earlier cycle of the pass. The verdict
// holds, and it makes no later cycle a failed one.
func (m *Machine) isOldFault(edge int) bool {
	return m.g.Once && slices.ContainsFunc(m.cur.Latches, func(l journal.Latch) bool {
		x, ok := m.plan.edgeOf(&l)
		return ok && x == edge && l.Fault != ""
	})
}

// untakenOf is the first failure of the pass that no node took, -1 for none.
func (m *Machine) untakenOf() int {
	return slices.IndexFunc(m.nodes, func(n node) bool { return n.status == failed && !n.taken })
}

// anyOutside reports whether a node waits or is in the background.
func (m *Machine) anyOutside() bool { return len(m.cur.Waiting)+len(m.cur.Background) > 0 }

// passEnds is how the stack ends with this cycle; nil if something waits.
func (m *Machine) passEnds(faults []string) *journal.Outcome {
	if !m.g.Once || m.anyOutside() {
		return nil
	}
	end := &journal.Outcome{Status: journal.Completed, Reason: "the pass is complete"}
	fail := func(format string, args ...any) {
		end.Status, end.Reason = journal.Failed, diag.Shorten(fmt.Sprintf(format, args...), 2<<10)
	}
	switch i, fault := m.untakenOf(), m.passFault(faults); {
	case i >= 0 && m.nodes[i].err != nil:
		fail("%q failed: %s: %s", m.g.Nodes[i].ID, m.nodes[i].err.Kind, m.nodes[i].err.Message)
	case i >= 0:
		fail("%q failed", m.g.Nodes[i].ID)
	case fault != "":
		fail("%s", fault)
	}
	return end
}

// endOldPass ends a child that an earlier version has let finish its one cycle, and that
// was not over for it.
func (m *Machine) endOldPass() {
	c := &m.cur
	if !m.g.Once || m.id.Parent == "" || m.o.Rest || c.Status.Ended() || c.Open || c.Counts.Cycles == 0 || m.anyOutside() || c.Closing != nil {
		return
	}
	end := journal.Outcome{Status: journal.Completed, Reason: "the pass is complete"}
	if c.FailedInRow > 0 {
		end = journal.Outcome{Status: journal.Failed, Reason: "its cycle failed"}
	}
	m.stop(end.Status, end.Reason)
}

// carryPass moves what is remembered to a changed graph. Nodes and edges that it does not
// have, and verdicts over edges that it changed, are forgotten.
func (m *Machine) carryPass(g *graph.Graph) {
	p := m.o.planOf(g)
	m.cur.Latches = slices.DeleteFunc(slices.Clone(m.cur.Latches), func(l journal.Latch) bool {
		was, ok := m.plan.edgeOf(&l)
		is, still := p.edgeOf(&l)
		return !ok || !still || l.Dead && !g.Once || !sameEdge(m.g, &m.g.Edges[was], g, &g.Edges[is]) || !g.Once && !g.Nodes[g.Edges[is].To].Latch
	})
	slices.SortStableFunc(m.cur.Latches, func(a, b journal.Latch) int {
		x, _ := p.edgeOf(&a)
		y, _ := p.edgeOf(&b)
		return x - y
	})
	if len(m.cur.Latches) == 0 {
		m.cur.Latches = nil
	}
	switch pass := m.cur.Pass; {
	case pass == nil:
	case !g.Once:
		m.cur.Pass = nil
		m.hasten()
	default:
		kept := slices.DeleteFunc(slices.Clone(pass.Nodes), func(s journal.Settled) bool { _, ok := p.index[s.Node]; return !ok })
		slices.SortFunc(kept, func(a, b journal.Settled) int { return p.index[a.Node] - p.index[b.Node] })
		m.cur.Pass = &journal.Pass{Nodes: kept, Fault: pass.Fault}
	}
}

// sameEdge reports whether two edges between the same nodes have the same condition.
func sameEdge(ga *graph.Graph, a *graph.Edge, gb *graph.Graph, b *graph.Edge) bool {
	if textOf(a) != textOf(b) || a.Else != b.Else || len(a.Siblings) != len(b.Siblings) {
		return false
	}
	for k := range a.Siblings { // an else edge is their opposite
		if textOf(&ga.Edges[a.Siblings[k]]) != textOf(&gb.Edges[b.Siblings[k]]) {
			return false
		}
	}
	return true
}

func textOf(e *graph.Edge) string {
	if e.When == nil {
		return ""
	}
	return e.When.Text().Value
}
