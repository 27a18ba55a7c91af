package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// A kind that waits runs under for_each as a node in the background does: its tasks are
// in a wave of their own, and what they gave outlives a restart in its sidecar. A task
// whose wait is open is on hold and has a question of its own in Cursor.Waiting; `max`
// bounds these. The node is over when all its elements are.

// openWait begins the wait of an element. Its question is in the cursor when all that
// begin at this moment have begun.
func (m *Machine) openWait(t *task, r *run, n *graph.Node) {
	w, f := m.question(t, r, n)
	m.emit(m.started(r, t.item, t.attempt))
	if f != nil {
		body := m.finished(t, r)
		body.Error = f
		m.finish(t, r, body)
		return
	}
	t.with, t.bound = nil, graph.Bound{}
	m.opening = append(m.opening, w)
}

// placeWaits puts the questions that have begun into the cursor: after those of nodes
// that are declared before, and of their own.
func (m *Machine) placeWaits() {
	if len(m.opening) == 0 {
		return
	}
	opening := m.opening
	m.opening = nil
	opening = slices.DeleteFunc(opening, func(w journal.Waiting) bool {
		t, _ := m.find(w.Task())
		return t == nil || t.state != onHold // ended with another element
	})
	if len(opening) == 0 {
		return
	}
	node := m.plan.index[opening[0].Node]
	at, _ := slices.BinarySearchFunc(m.cur.Waiting, node+1, func(w journal.Waiting, i int) int { return m.plan.index[w.Node] - i })
	m.cur.Waiting = slices.Insert(slices.Clone(m.cur.Waiting), at, opening...)
	for k := range opening {
		m.noticeWaiting(&opening[k])
	}
	m.out.moved = true
}

// dropWaits takes the questions of elements that are over out of the cursor.
func (m *Machine) dropWaits(r *run) {
	n := &m.g.Nodes[r.node]
	if !n.Kind.Waits {
		return
	}
	gone := func(w journal.Waiting) bool {
		if w.Node != n.ID {
			return false
		}
		t, _ := m.in(r, w.Item)
		return t == nil || t.state == over
	}
	if slices.ContainsFunc(m.cur.Waiting, gone) {
		m.cur.Waiting = slices.DeleteFunc(slices.Clone(m.cur.Waiting), gone)
	}
	if m.o.Rest && !r.over && r.max > 0 { // who continues the stack opens the next question
		m.hasten()
	}
}

// elementAsked finds the question of a node under for_each that an answer is for.
func (m *Machine) elementAsked(i int, in Answer) (*journal.Waiting, error) {
	var found *journal.Waiting
	var items []string
	for k := range m.cur.Waiting {
		w := &m.cur.Waiting[k]
		if w.Node != in.Node || in.Item != "" && w.Item != in.Item || in.For != "" && w.ID() != in.For {
			continue
		}
		found = w
		items = append(items, w.Item)
	}
	if len(items) > 1 {
		return nil, &CallsError{Node: in.Node, Items: items}
	}
	return found, nil
}

// sameForElement reports whether an element was answered like that.
func (m *Machine) sameForElement(i int, in Answer, output any) bool {
	r := m.runOf(i)
	if r == nil || in.Item == "" || in.For != "" {
		return false
	}
	t, _ := m.in(r, in.Item)
	return t != nil && t.state == over && t.attempt > 0 && sumOf(t.output, t.err) == sumOf(output, in.Failure)
}
