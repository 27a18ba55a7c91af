package machine

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
)

// judged is the verdict over an edge that is needed more than once: by an else
// edge beside it, or by a `first` node that is not decided yet.
type judged struct {
	known, live bool
	err         string
}

// held is what a condition over the state gave, kept until the state changes.
type held struct {
	known, live bool
	err         string
}

// judge gives the verdict over an edge whose source has settled. It is taken
// once in a cycle.
func (m *Machine) judge(e *graph.Edge) (live bool, err string) {
	if !m.plan.shared[e.Index] {
		return m.weigh(e)
	}
	j := &m.edges[e.Index]
	if !j.known {
		j.live, j.err = m.weigh(e)
		j.known = true
		m.early = append(m.early, e.Index)
	}
	return j.live, j.err
}

// weigh is the rule: the outcome matches, and the condition holds.
func (m *Machine) weigh(e *graph.Edge) (live bool, err string) {
	switch {
	case !m.matches(e):
		return false, ""
	case e.Else:
		for _, s := range e.Siblings {
			l, bad := m.judge(&m.g.Edges[s])
			if bad != "" {
				return false, bad
			}
			live = live || l
		}
		return !live, ""
	case e.When == nil:
		return true, ""
	}
	h := &m.held[e.Index]
	if h.known && !m.watches(e.To) {
		return h.live, h.err
	}
	m.env.Slots[graph.SlotError] = nil
	if !e.After && e.Outcome.TakesFailure() {
		m.env.Slots[graph.SlotError] = m.errorOver(e)
	}
	if e.From != graph.Start && m.plan.results[e.From].edges {
		m.env.Slots[graph.SlotResults] = m.resultsOver(e)
	}
	defer m.lookAhead(e)()
	m.takeApart(e)
	live, err = holds(e, m.env)
	if e.Steady {
		*h = held{known: true, live: live, err: err}
	}
	return live, err
}

// holds evaluates the condition of an edge. One that fails does not hold.
func holds(e *graph.Edge, env *cond.Env) (live bool, err string) {
	live, fault := e.When.Holds(env)
	if fault != nil {
		return false, message(fault)
	}
	return live, ""
}

// matches: the source settled as the edge asks.
func (m *Machine) matches(e *graph.Edge) bool {
	s := m.settledAs(e)
	switch {
	case e.From == graph.Start:
		return true
	case m.g.Once && (e.NextCycle || m.isOpen(e.From)):
		return false
	case e.After:
		return true
	}
	switch e.Outcome {
	case graph.Failure:
		return s == failed
	case graph.Always:
		return s == failed || s == succeeded
	case graph.UnlessFailed:
		return s == succeeded || s == skipped && m.causeOver(e) == plain
	}
	return s == succeeded
}

// settledAs is how the source of an edge ended, in the cycle that the edge
// looks at.
func (m *Machine) settledAs(e *graph.Edge) status {
	switch {
	case e.From == graph.Start:
		return succeeded
	case e.NextCycle:
		return statusNamed(m.cur.Last[m.g.Nodes[e.From].ID].Status)
	}
	return m.nodes[e.From].status
}

// errorOver is `error` on an edge, nil when its source did not fail.
func (m *Machine) errorOver(e *graph.Edge) any {
	if e.From == graph.Start {
		return nil
	}
	return m.errorText(e, m.failureOver(e))
}

func (m *Machine) errorText(e *graph.Edge, f *journal.Failure) any {
	if f == nil {
		return nil
	}
	return f.Value(m.g.Nodes[e.From].ID)
}

// errorOf is `error` in the `with` of a node: of the first of its live edges
// that follow a failure, in declaration order.
func (m *Machine) errorOf(i int) any {
	d := m.nodes[i].decision
	if d == nil {
		return nil
	}
	for k := range d.Edges {
		v := &d.Edges[k]
		if e := &m.g.Edges[v.Edge]; v.Live && !e.After && e.Outcome.TakesFailure() {
			if l := m.latchOver(v.Edge); l != nil {
				return m.errorText(e, l.Failure)
			}
			return m.errorOver(e)
		}
	}
	return nil
}

// openOver reports that nobody knows yet how the source of an edge settles.
func (m *Machine) openOver(e *graph.Edge) bool {
	if e.NextCycle {
		return !m.g.Once && m.settledAs(e) == waiting
	}
	return m.isOpen(e.From)
}

// tally counts the verdicts of one node.
type tally struct {
	counted, live              int
	open                       int  // of those that are not live: nobody knows yet how their source settles
	behind                     bool // under `once`: it comes after a node that is not known yet
	held                       bool // it is not decided for good: what is not known yet may change that
	fault, upstream, suspended bool
	cancelled                  bool // a `join: first` node has cancelled it
}

// runs is the join: whether a node with these verdicts runs.
func (t tally) runs(n *graph.Node) bool {
	if t.counted == 0 {
		return true
	}
	switch n.Join {
	case graph.JoinAll:
		return t.live == t.counted
	case graph.JoinNone:
		return t.live == 0
	case graph.JoinAtLeast:
		return t.live >= n.JoinN
	}
	return t.live > 0
}

// reason is why it does not run: the first that applies.
func (t tally) reason() string {
	switch {
	case t.cancelled:
		return reasonCancelled
	case t.held:
		return "waiting"
	case t.fault:
		return "condition-error"
	case t.upstream:
		return "upstream-failed"
	case t.suspended:
		return "waiting"
	}
	return "no-live-edge"
}

// mayChange reports that what is not known yet may still make the node run that is
// skipped now, or keep the one from running that runs now.
func (t tally) mayChange(n *graph.Node) bool {
	switch n.Join {
	case graph.JoinNone:
		return t.live == 0 && t.open > 0
	case graph.JoinAll:
		return t.open > 0 && t.live+t.open == t.counted
	case graph.JoinAtLeast:
		return t.live < n.JoinN && t.live+t.open >= n.JoinN
	}
	return t.live == 0 && t.open > 0
}

// early reports, under `once`, that a node is not decided for good: it comes after one
// that is not known yet, or it is skipped while a source is not known. Even where that
// source cannot make it run any more, the reason of the skip would be another one if
// nothing waited, and with it what the skip means for the nodes behind.
func (t tally) early(n *graph.Node) bool {
	if n.Join == graph.JoinFirst && t.live > 0 {
		return false
	}
	return t.behind || t.open > 0 && !t.runs(n)
}

// mayChange is the same for a decision that was taken.
func (m *Machine) mayChange(i int, b *journal.NodeDecided) bool {
	t := tally{counted: len(b.Edges)}
	for k := range b.Edges {
		switch e := &m.g.Edges[b.Edges[k].Edge]; {
		case b.Edges[k].Live:
			t.live++
		case e.From != graph.Start && !e.After && m.openOver(e):
			t.open++
		}
	}
	return t.mayChange(&m.g.Nodes[i])
}

// SkipReasons lists why nodes do not run, as node.decided says it.
func SkipReasons() []string {
	return []string{"no-live-edge", "upstream-failed", "condition-error", "waiting", reasonCancelled}
}
