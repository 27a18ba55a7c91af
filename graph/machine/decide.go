package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// status of a node in a cycle.
type status uint8

const (
	pending status = iota
	succeeded
	failed
	skipped
	waiting
)

var statusNames = [...]string{"pending", "succeeded", "failed", "skipped", "waiting"}

func (s status) String() string { return statusNames[s] }

func statusNamed(name string) status {
	return status(max(0, slices.Index(statusNames[:], name)))
}

// node is a node in the open cycle.
type node struct {
	status   status
	settled  int  // it settled before this commit of the cycle: see view
	away     bool // it waited, or was in the background, when the cycle began
	decided  bool
	kept     bool // an earlier cycle of the pass has settled it
	open     bool // it was skipped, and what waits may still change that
	taken    bool // a node ran because of its failure
	repaid   bool // a node ran because of its failure in the cycle before
	waits    int  // sources that have not settled
	awaits   int  // waits after the first moment of the cycle: see foreseen
	attempts int
	run      int // its place in the wave
	err      *journal.Failure
	results  any   // of a for_each, where an edge reads them
	cause    cause // of a skip, where the plan asks for it
	decision *journal.NodeDecided
	answer   *journal.TaskFinished // of a node that waits, until the next cycle takes it in
	apart    *wave                 // of a node in the background
	lost     bool                  // under waves: eager: a `join: first` node has cancelled it
	alone    *wave                 // of a node that runs, under waves: eager

	// Decisions of earlier cycles, to be shared when the verdict is the same.
	ran, passed *journal.NodeDecided
	sure        *journal.NodeDecided // holds until a key changes that it read, while sourcesOf gives sources
	sources     uint64
}

// decide takes all decisions that the present commit allows, and gives the
// nodes that are to run, in declaration order. Skips decide what is behind
// them at once; the records come in declaration order.
func (m *Machine) decide() []int {
	m.see(m.at)
	m.order = m.order[:0]
	m.early = m.early[:0]
	plainly := m.cycle.plainly
	if m.cycle.plainly = false; m.foreseen.pending && m.mayBeForeseen() {
		return m.decideAsForeseen()
	}
	m.begin()
	m.outside(func(i int) {
		if !m.nodes[i].decided {
			m.order = append(m.order, i)
			m.applyDecided(i, m.decision(i, false, tally{suspended: true}, nil))
		}
	})
	if m.cycle.robin {
		m.decideTurn()
	}
	var ahead []int
	for len(m.ready) > 0 || len(m.firsts) > 0 || len(ahead) > 0 {
		if len(m.ready)+len(m.firsts) == 0 {
			slices.Sort(ahead) // one may cancel the other
			for _, i := range ahead {
				if !m.nodes[i].decided {
					m.decideNode(i)
				}
			}
			ahead = ahead[:0] // what they cancelled may decide more
			continue
		}
		for k := 0; k < len(m.ready); k++ {
			if i := m.ready[k]; !m.nodes[i].decided {
				m.decideNode(i)
			}
		}
		m.ready = m.ready[:0]
		for _, i := range m.firsts {
			if !m.nodes[i].decided && !slices.Contains(ahead, i) && m.anyLive(i) {
				ahead = append(ahead, i)
			}
		}
		m.firsts = m.firsts[:0]
	}
	if !slices.IsSorted(m.order) {
		slices.Sort(m.order)
	}
	body := m.bodyOf(m.order)
	if plainly && m.mayBeForeseen() {
		m.foresee(body)
	}
	return m.logDecisions(body)
}

// keptRounds is of how many waves the rounds are kept, for the next cycle.
const keptRounds = 64

// bodyOf is the record of the decisions over some nodes; nil for none. If they are those of
// the same wave in the cycle before, it is the same round.
func (m *Machine) bodyOf(nodes []int) journal.Body {
	switch len(nodes) {
	case 0:
		return nil
	case 1:
		return m.nodes[nodes[0]].decision
	}
	wave := m.cur.Wave
	if wave < uint64(len(m.rounds)) && m.isRound(m.rounds[wave], nodes) {
		return m.rounds[wave]
	}
	list := make([]*journal.NodeDecided, len(nodes))
	for k, i := range nodes {
		list[k] = m.nodes[i].decision
	}
	b := journal.NewRound(list)
	if wave < keptRounds {
		for uint64(len(m.rounds)) <= wave {
			m.rounds = append(m.rounds, nil)
		}
		m.rounds[wave] = b
	}
	return b
}

// isRound reports whether a round is the decisions over some nodes.
func (m *Machine) isRound(b *journal.Round, nodes []int) bool {
	if b == nil || len(b.Decided) != len(nodes) {
		return false
	}
	for k, i := range nodes {
		if b.Decided[k] != m.nodes[i].decision {
			return false
		}
	}
	return true
}

// logDecisions records what decide took, and gives the nodes to run.
func (m *Machine) logDecisions(body journal.Body) (run []int) {
	if body == nil {
		return nil
	}
	run = m.toRun[:0]
	first := m.cur.Seq + 1
	m.log(body)
	for k, i := range m.order {
		m.tell(i, first+uint64(k))
		if m.nodes[i].decision.Run {
			run = append(run, i)
		}
	}
	m.toRun = run
	return run
}

// decideNode judges the edges of a node and applies its decision.
func (m *Machine) decideNode(i int) {
	m.order = append(m.order, i)
	d := m.judgeNode(i)
	m.applyDecided(i, d)
	if d.Run && m.g.Nodes[i].Cancel {
		m.skipLosers(i)
	}
}

// judgeNode judges the edges of a node and gives the decision.
func (m *Machine) judgeNode(i int) *journal.NodeDecided {
	if d := m.nodes[i].sure; d != nil && d.Wave == m.cur.Wave+1 && m.nodes[i].sources == m.sourcesOf(i) && !m.watches(i) {
		return d
	}
	n := &m.g.Nodes[i]
	var t tally
	verdicts := m.verdicts[:0]
	for _, x := range n.In {
		e := &m.g.Edges[x]
		if e.After && m.g.Once && m.isOpen(e.From) {
			t.behind = true
		}
		if !e.Counts() || !m.judgeable(n, e) {
			continue
		}
		live, err := m.judgeLatched(e)
		t.counted++
		if live {
			t.live++
		}
		t.fault = t.fault || err != ""
		if !live && e.From != graph.Start && !e.After {
			if m.openOver(e) {
				t.open++
			}
			switch m.settledAs(e) {
			case failed:
				t.upstream = t.upstream || e.Outcome == graph.Success || e.Outcome == graph.UnlessFailed
			case waiting:
				t.suspended = !m.g.Once
			case skipped:
				if e.Outcome == graph.UnlessFailed {
					cause := m.causeOver(e)
					t.upstream, t.suspended = t.upstream || cause == byFailure, t.suspended || cause == byWaiting && !m.g.Once
				}
			}
		}
		v := m.plan.verdict[x]
		v.Live, v.Error = live, err
		verdicts = append(verdicts, v)
	}
	m.verdicts = verdicts
	t.held = n.Join == graph.JoinNone && t.mayChange(n) || m.g.Once && t.early(n)
	d := m.decision(i, !t.held && t.runs(n), t, verdicts)
	if m.plan.steady[i] {
		m.nodes[i].sure, m.nodes[i].sources = d, m.sourcesOf(i)
	}
	return d
}

// maxSources is of how many edges sourcesOf can tell.
const maxSources = 10

// sourcesOf is how the sources of a node settled, as far as its decision may depend on it.
func (m *Machine) sourcesOf(i int) (all uint64) {
	for _, x := range m.g.Nodes[i].In {
		all <<= 6
		if from := m.g.Edges[x].From; from != graph.Start {
			n := &m.nodes[from]
			all |= uint64(n.status) | uint64(n.cause)<<3
			if n.open {
				all |= 1 << 5
			}
		}
	}
	return all
}

// decision is the record, or an equal one of an earlier cycle.
func (m *Machine) decision(i int, run bool, t tally, verdicts []journal.Verdict) *journal.NodeDecided {
	wave, kept := m.cur.Wave+1, &m.nodes[i].passed
	if run {
		kept = &m.nodes[i].ran
	}
	reason := ""
	if !run {
		reason = t.reason()
	}
	if d := *kept; d != nil && d.Wave == wave && d.Reason == reason && slices.Equal(d.Edges, verdicts) {
		return d
	}
	*kept = &journal.NodeDecided{Wave: wave, Node: m.g.Nodes[i].ID, Run: run, Reason: reason, Edges: slices.Clone(verdicts)}
	return *kept
}

// judgeable: the source has settled, and for an else edge whatever its
// siblings' targets wait for. It matters for `first` alone: every other node
// is decided when nothing is open.
func (m *Machine) judgeable(n *graph.Node, e *graph.Edge) bool {
	if m.nodes[n.Index].waits == 0 || e.From == graph.Start && !e.Else || e.NextCycle {
		return true
	}
	if e.From != graph.Start && m.nodes[e.From].status == pending {
		return false
	}
	for _, s := range e.Siblings {
		for _, w := range m.g.Nodes[m.g.Edges[s].To].Waits {
			if m.nodes[w].status == pending {
				return false
			}
		}
	}
	return true
}

// anyLive judges what can be judged of a `first` node.
func (m *Machine) anyLive(i int) bool {
	n := &m.g.Nodes[i]
	for _, x := range n.In {
		e := &m.g.Edges[x]
		if e.Counts() && m.judgeable(n, e) {
			if live, _ := m.judgeLatched(e); live {
				return true
			}
		}
	}
	return false
}

// settle makes a node's end known to those that wait for it.
func (m *Machine) settle(i int, s status) {
	m.nodes[i].status, m.nodes[i].settled = s, m.view.moved+1
	m.view.fresh = true
	for _, w := range m.plan.waiters[i] {
		n := &m.nodes[w]
		n.waits--
		switch {
		case n.waits == 0:
			m.ready = append(m.ready, w)
		case m.g.Nodes[w].Join == graph.JoinFirst:
			m.firsts = append(m.firsts, w)
		}
	}
}
