package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// What became of the elements of a for_each is a value for expressions, `results`. It is
// made where an expression reads it, and nowhere else. An `until` reads it at the end of
// each element, so its list is kept, and only what has changed is set.

// results is which expressions read the results of a node.
type results struct {
	writes bool // an entry of its writes
	edges  bool // the condition of an edge from it
	next   bool // that of an edge into the next cycle
}

func resultsOf(g *graph.Graph, n *graph.Node) (out results) {
	if n.ForEach == nil {
		return out
	}
	const slot = 1 << graph.SlotResults
	for _, w := range n.Writes {
		out.writes = out.writes || w.Expr.Reads().Slots&slot != 0
	}
	for _, x := range n.Out {
		if e := &g.Edges[x]; e.When != nil && e.When.Reads().Slots&slot != 0 {
			out.edges, out.next = true, out.next || e.NextCycle
		}
	}
	return out
}

// stands is the status of an element in results.
func (t *task) stands() string {
	switch {
	case t.state != over && t.firstAt.IsZero():
		return pending.String()
	case t.state != over:
		return "running"
	case t.ok:
		return succeeded.String()
	case t.err != nil && t.err.Kind != "cancelled":
		return failed.String()
	}
	return "cancelled"
}

// results brings the list of what became of the elements up to date.
func (m *Machine) results(r *run) []any {
	node := m.g.Nodes[r.node].ID
	if r.results == nil {
		r.results = make([]any, r.n)
		for i := range r.results {
			t := &r.w.tasks[r.first+i]
			r.results[i] = map[string]any{"item": t.value, "key": t.item, "index": int64(i), "status": "", "output": nil, "error": nil}
		}
	}
	for i := range r.results {
		t, one := &r.w.tasks[r.first+i], r.results[i].(map[string]any)
		status := t.stands()
		if one["status"] == status {
			continue
		}
		one["status"] = status
		if t.state == over && t.ok {
			one["output"] = t.output
		}
		if t.state == over && t.err != nil {
			one["error"] = t.err.Value(node)
		}
	}
	return r.results
}

// shownResults are the results as edges see them: bounded, because they are recorded.
func (m *Machine) shownResults(r *run) (any, *journal.Failure) {
	if !m.plan.results[r.node].edges {
		return nil, nil
	}
	list := m.results(r)
	if size := value.Size(list); size > value.MaxBytes {
		return []any{}, &journal.Failure{Kind: "limit", Permanent: true,
			Message: fmt.Sprintf("the results that an edge reads have %d bytes, at most %d are allowed", size, value.MaxBytes)}
	}
	return list, nil
}

// resultsOver is `results` on an edge.
func (m *Machine) resultsOver(e *graph.Edge) any {
	var list any
	switch {
	case e.From == graph.Start:
	case e.NextCycle:
		s := m.cur.Last[m.g.Nodes[e.From].ID]
		list = s.Elements().Results
	default:
		list = m.nodes[e.From].results
	}
	if list == nil {
		return []any{}
	}
	return list
}

// failedOf counts the elements that failed, of all; 0 of 0 if none did.
func (m *Machine) failedOf(r *run) (failures, of int) {
	if m.g.Nodes[r.node].ForEach == nil {
		return 0, 0
	}
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t.err != nil && t.err.Kind != "cancelled" {
			failures++
		}
	}
	if failures > 0 {
		of = r.n
	}
	return failures, of
}

// untilAsks bounds how often the `until` of a node is asked, because each time it reads
// all elements.
const untilAsks = 1000

// asksUntil reports whether `until` is asked at the end of the present element: of large
// lists it is not asked at each one.
func asksUntil(r *run) bool {
	every := (r.n + untilAsks - 1) / untilAsks
	ended := r.n - r.left + 1
	return r.left == 1 || ended%every == 0
}

// enough evaluates the `until` of a for_each at the end of an element, as the record says
// that it ends.
func (m *Machine) enough(t *task, r *run, b *journal.TaskFinished) bool {
	fe := m.g.Nodes[r.node].ForEach
	if fe == nil || fe.Until == nil || r.enough || r.failing != nil || !b.RetryAt.IsZero() || !asksUntil(r) {
		return false
	}
	was := *t
	t.state, t.ok, t.output, t.err = over, b.Error == nil, b.Output, b.Error
	holds, err := m.untilHolds(r, fe)
	*t = was
	return holds && err == nil
}

func (m *Machine) untilHolds(r *run, fe *graph.ForEach) (bool, error) {
	s := r.w.env.Slots
	s[graph.SlotResults] = m.results(r)
	holds, err := fe.Until.Holds(r.w.env)
	s[graph.SlotResults] = nil
	return holds, err
}

// closeElements ends a for_each that has enough: what runs is ending, and the node is over
// when it has.
func (m *Machine) closeElements(r *run) {
	r.enough = true
	for x := r.first; x < r.first+r.n; x++ {
		if t := &r.w.tasks[x]; t.state == idle || t.state == queued || t.state == backoff || t.state == onHold {
			m.turn(t, r, over)
		}
	}
}

// added is what an element adds to the list `output`.
func (m *Machine) added(fe *graph.ForEach, t *task) (any, *journal.Failure) {
	if fe.Yield == nil {
		return t.output, nil
	}
	s := m.env.Slots
	s[graph.SlotItem], s[graph.SlotIndex], s[graph.SlotOutput] = t.value, int64(t.index), t.output
	v, err := fe.Yield.Eval(m.env)
	s[graph.SlotItem], s[graph.SlotIndex], s[graph.SlotOutput] = nil, nil, nil
	if err != nil {
		f := m.maskFailure(*failureOf(err))
		f.Item = t.item
		return nil, f
	}
	return v, nil
}
