package machine

import (
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// Watch has a machine tell how it comes to its decisions, while it takes them. It is for
// drivers that explain or count them: a replay (Replayer.Watch), a simulation, a test.
// Nothing is decided otherwise because of it, but taking conditions apart takes time.
//
// Its functions are called within Step, Ready and Advance of the machine, and may not call
// those. What they are given is theirs to keep, and must not be changed: records and
// values are shared.
type Watch struct {
	// Left is called with the machine when it leaves a cycle: when the next one begins, before
	// anything of the cycle is forgotten. It may ask for StatusOf, Awaits, Decision and the
	// like. nil for none.
	Left func(*Machine)
	// Cycle is the first cycle whose decisions it hears of; 0 means all.
	Cycle uint64
	// Nodes are those whose decisions it hears of; none means all. Of other nodes nothing is
	// taken apart, and they cost next to nothing. A name that the graph does not have says
	// nothing: a graph may change within a history.
	Nodes []string
	// Decided is called with each decision: those of one moment in the order of their
	// records. It is not called for decisions that Restore finds in records. nil for none.
	Decided func(Decision)
	// Stopped is called at the end of a cycle with all stop conditions of the graph, in
	// their order, unless there are none. nil for none.
	Stopped func(cycle uint64, all []StopDecision)
}

// Decision is how the machine came to the decision over a node, or how far it has come.
type Decision struct {
	Cycle uint64
	Node  int                  // index in the graph
	Taken *journal.NodeDecided // the record's body; nil while the node is not decided
	Seq   uint64               // of the record
	At    time.Time            // of the record
	Join  Join
	Edges []EdgeDecision // all edges to the node, in declaration order; none in a round-robin cycle, which goes by turns
}

// Join is how the live edges of a node stand against what it needs.
type Join struct {
	Rule string // any, all, none, first or at_least(N)
	Live int    // edges that are live
	Of   int    // edges that count: all but those that only order
}

// EdgeDecision is one edge of a Decision.
type EdgeDecision struct {
	// Verdict is as in the record. What never changes of it is set for every edge; Live
	// and Error only if there is a verdict.
	Verdict journal.Verdict
	Judged  bool // there is a verdict: in the record, or ahead of it
	Why     Why
	// Condition is the edge's condition with what became of it. It is nil for an edge
	// without one, and if no verdict needed it in this cycle: cond.Program.Unevaluated has
	// its parts then.
	Condition *Condition
	// Beside are the edges that were live beside an else edge, by their index.
	Beside []int
}

// StopDecision is a stop condition at the end of a cycle, or at this moment.
type StopDecision struct {
	Stop      int  // index in the graph
	Holds     bool // false too if it was not asked, or failed
	Error     string
	Condition *Condition // nil when one before it has held already, and it was not asked
}

// Condition is an expression taken apart.
type Condition struct {
	cond.Part
	By map[string]journal.By // who last wrote the keys of the state that it reads, as far as that is known
}

// Why is why an edge is live or not, or has no verdict. The words are those of the
// results of `explain`.
type Why string

const (
	// WhyLive says that the source settled as the edge asks, and the condition holds.
	WhyLive Why = "live"
	// WhyLatched says that the edge was live in an earlier cycle, and its target has `latch`.
	WhyLatched Why = "latched"
	// WhyFalse says that the condition does not hold.
	WhyFalse Why = "false"
	// WhyError says that the condition, or one beside an else edge, failed to evaluate.
	WhyError Why = "error"
	// WhySiblingLive says that an edge beside this else edge is live.
	WhySiblingLive Why = "sibling-live"

	// The source settled in another way than the edge asks.
	WhySourceSkipped   Why = "source-skipped"
	WhySourceFailed    Why = "source-failed"
	WhySourceSucceeded Why = "source-succeeded"
	// WhySourceWaiting says that the source waits or is in the background, or under `once`
	// that it was skipped and what waits may still change that.
	WhySourceWaiting Why = "source-waiting"
	// WhyNotLastCycle says of a next_cycle edge that its source did not settle in a cycle
	// before, and of an edge among the nodes of `finally` that the stack does not end yet.
	WhyNotLastCycle Why = "not-last-cycle"

	// There is no verdict.
	WhyNotSettled  Why = "not-settled"  // the source, or one that an else edge depends on, has not settled
	WhyEarlierLive Why = "earlier-live" // another edge of a `join: first` was live before this one could be
	WhyNodeWaiting Why = "node-waiting" // the node itself still waits, or is in the background, since an earlier cycle
	WhyOrder       Why = "order"        // the edge only orders, and does not count
)

// Watch has the machine tell its decisions from now on. It takes the place of the Watch
// before it; the zero Watch ends that.
func (m *Machine) Watch(w Watch) {
	m.begin()
	m.watch = nil
	if w.Decided != nil || w.Stopped != nil || w.Left != nil {
		m.watch = &watch{Watch: w, parts: map[int]*Condition{}}
	}
}

// watch is a Watch with the conditions that were evaluated in the present cycle, by edge.
type watch struct {
	Watch
	parts map[int]*Condition
}

// watches reports whether the Watch asks for the decisions over a node.
func (m *Machine) watches(node int) bool {
	w := m.watch
	return w != nil && w.Decided != nil && m.cur.Cycle >= w.Cycle && (len(w.Nodes) == 0 || slices.Contains(w.Nodes, m.g.Nodes[node].ID))
}

// takeApart keeps the condition of an edge that is about to be evaluated.
func (m *Machine) takeApart(e *graph.Edge) {
	if m.watches(e.To) {
		m.watch.parts[e.Index] = m.explained(e.When)
	}
}

// explained takes an expression apart, as it is evaluated now.
func (m *Machine) explained(p *cond.Program) *Condition {
	c := &Condition{Part: p.Explain(m.env), By: map[string]journal.By{}}
	m.writersOf(&c.Part, c.By)
	return c
}

// writersOf collects who wrote what a part reads.
func (m *Machine) writersOf(p *cond.Part, to map[string]journal.By) {
	for _, r := range p.Reads {
		if r.Name != "state" || r.Field == "" {
			continue
		}
		if by, known := m.WriterOf(r.Field); known {
			to[r.Field] = by
		}
	}
	for i := range p.Parts {
		m.writersOf(&p.Parts[i], to)
	}
}

// tell tells the decision over a node, which was recorded just now.
func (m *Machine) tell(i int, seq uint64) {
	if m.watches(i) {
		d := m.Decision(i)
		d.Seq = seq
		m.watch.Decided(d)
	}
}

// Decision is how the decision over a node was come to in the present cycle, or how far
// it has come. Conditions are taken apart only where a Watch asks for the node.
func (m *Machine) Decision(node int) Decision {
	m.begin()
	n := &m.g.Nodes[node]
	out := Decision{Cycle: m.cur.Cycle, Node: node, Join: Join{Rule: n.Rule()}}
	if d := m.nodes[node].decision; d != nil && m.nodes[node].decided {
		out.Taken, out.Seq, out.At = d, m.cur.Seq, m.at
	}
	if m.cycle.robin {
		return out
	}
	for _, x := range n.In {
		e := m.edgeDecision(&m.g.Edges[x], out.Taken)
		if m.g.Edges[x].Counts() {
			out.Join.Of++
		}
		if e.Verdict.Live {
			out.Join.Live++
		}
		out.Edges = append(out.Edges, e)
	}
	return out
}

// edgeDecision is one edge, for the decision that was taken over its target.
func (m *Machine) edgeDecision(e *graph.Edge, taken *journal.NodeDecided) EdgeDecision {
	out := EdgeDecision{Verdict: m.plan.verdict[e.Index]}
	out.Verdict.Live, out.Verdict.Error = false, ""
	if v := verdictOver(e.Index, taken); v != nil {
		out.Verdict, out.Judged = *v, true
	} else if j := &m.edges[e.Index]; (taken == nil || m.nodes[e.To].kept) && j.known && e.Counts() {
		out.Verdict.Live, out.Verdict.Error, out.Judged = j.live, j.err, true
	}
	if m.watch != nil {
		out.Condition = m.watch.parts[e.Index]
	}
	if !out.Judged { // it was asked for beside an else edge
		out.Condition = nil
	}
	out.Why = m.why(e, &out, taken)
	if out.Why == WhySiblingLive {
		for _, s := range e.Siblings {
			if j := m.edges[s]; j.known && j.live {
				out.Beside = append(out.Beside, s)
			}
		}
	}
	return out
}

// verdictOver finds the verdict over an edge in a decision.
func verdictOver(edge int, taken *journal.NodeDecided) *journal.Verdict {
	if taken != nil {
		for k := range taken.Edges {
			if v := &taken.Edges[k]; v.Edge == edge {
				return v
			}
		}
	}
	return nil
}

// why says why an edge has its verdict, or none.
func (m *Machine) why(e *graph.Edge, d *EdgeDecision, taken *journal.NodeDecided) Why {
	switch {
	case m.g.Nodes[e.To].Final && m.cur.Finally == nil:
		return WhyNotLastCycle
	case taken != nil && !taken.Run && m.isOutside(e.To):
		return WhyNodeWaiting
	case !e.Counts():
		return WhyOrder
	case !d.Judged && taken != nil && taken.Run:
		return WhyEarlierLive
	case !d.Judged:
		return WhyNotSettled
	case m.latchOver(e.Index) != nil:
		return WhyLatched
	case d.Verdict.Live:
		return WhyLive
	case d.Verdict.Error != "":
		return WhyError
	case !m.matches(e):
		return m.whyNoMatch(e)
	case e.Else:
		return WhySiblingLive
	}
	return WhyFalse
}

// whyNoMatch is how the source of an edge settled that asks for something else.
func (m *Machine) whyNoMatch(e *graph.Edge) Why {
	switch s := m.settledAs(e); {
	case e.NextCycle && (m.g.Once || s == pending):
		return WhyNotLastCycle
	case s == waiting || m.g.Once && m.isOpen(e.From):
		return WhySourceWaiting
	case s == skipped:
		return WhySourceSkipped
	case s == failed:
		return WhySourceFailed
	}
	return WhySourceSucceeded
}

// tellStops tells the stop conditions at the end of the cycle.
func (m *Machine) tellStops() {
	if w := m.watch; w != nil && w.Stopped != nil && m.cur.Cycle >= w.Cycle && len(m.g.Stops) > 0 {
		w.Stopped(m.cur.Cycle, m.Stops())
	}
}

// leave tells that a cycle is over.
func (m *Machine) leave() {
	w := m.watch
	if w == nil {
		return
	}
	if w.Left != nil && m.cur.Cycle > 0 && m.cur.Cycle >= w.Cycle {
		w.Left(m)
	}
	clear(w.parts)
}

// Stops are the stop conditions with what they come to at this moment: at the end of a
// cycle they decide whether the stack ends.
func (m *Machine) Stops() []StopDecision {
	var all []StopDecision
	held := false
	for i := range m.g.Stops {
		s := StopDecision{Stop: i}
		if when := m.g.Stops[i].When; !held {
			s.Condition = m.explained(when)
			holds, err := when.Holds(m.env)
			if err != nil {
				s.Error = message(err)
			}
			s.Holds = holds && err == nil
			held = s.Holds
		}
		all = append(all, s)
	}
	return all
}

// StatusOf is how a node stands in the present cycle, or between two cycles in the last
// one: pending, succeeded, failed, skipped or waiting. A node whose tasks run is pending;
// attempts are those that it has had.
func (m *Machine) StatusOf(node int) (status string, attempts int, failure *journal.Failure) {
	m.begin()
	n := &m.nodes[node]
	return n.status.String(), n.attempts, n.err
}

// Awaits lists the nodes that have to settle before a node that is not decided yet is.
func (m *Machine) Awaits(node int) (sources []int) {
	m.begin()
	if m.nodes[node].decided {
		return nil
	}
	for _, s := range m.g.Nodes[node].Waits {
		if m.nodes[s].status == pending {
			sources = append(sources, s)
		}
	}
	return sources
}
