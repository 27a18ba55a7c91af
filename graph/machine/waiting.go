package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/value"
)

// beginToWait starts a node that waits: from now on it is in Cursor.Waiting,
// and not in its wave.
func (m *Machine) beginToWait(r *run) {
	n := &m.g.Nodes[r.node]
	var t task
	f := m.prepare(&t, r, n)
	w := journal.Waiting{Node: n.ID, Kind: n.Kind.Name, Cycle: r.w.cycle, Wave: r.w.number, Since: m.at}
	if f == nil {
		f = m.awaits(&w, t.with)
	}
	if f != nil {
		m.failAtOnce(r, f)
		return
	}
	w.With = m.mask(t.with)
	for _, d := range []time.Duration{n.Timeout, n.Deadline} {
		if d > 0 {
			w.Until = sooner(w.Until, m.at.Add(d))
		}
	}
	m.emit(m.started(r, "", 1))
	at, _ := slices.BinarySearchFunc(m.cur.Waiting, r.node, func(w journal.Waiting, i int) int { return m.plan.index[w.Node] - i })
	m.cur.Waiting = slices.Insert(slices.Clone(m.cur.Waiting), at, w)
}

// awaits reads what a node of kind wait waits for. Any other kind waits for an
// answer.
func (m *Machine) awaits(w *journal.Waiting, with any) *journal.Failure {
	if w.Kind != "wait" {
		return nil
	}
	fields, _ := with.(map[string]any)
	bad := func(name string, err error) *journal.Failure {
		return m.maskFailure(journal.Failure{Kind: "config", Permanent: true, Message: fmt.Sprintf("%s: %v", name, err)})
	}
	w.Event, _ = fields["event"].(string)
	if v := fields["for"]; v != nil {
		d, err := durationOf(v)
		if err != nil {
			return bad("for", err)
		}
		w.Due = m.at.Add(d)
	}
	if v := fields["until"]; v != nil {
		text, _ := v.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return bad("until", fmt.Errorf("%s is no moment as \"2026-01-31T15:04:05Z\"", value.String(v)))
		}
		w.Due = at.UTC()
	}
	if w.Event == "" && w.Due.IsZero() {
		return bad("with", fmt.Errorf("event, for and until are all null"))
	}
	return nil
}

// waitOver ends the wait for a time, by that time or by the node's timeout.
func (m *Machine) waitOver(w *journal.Waiting) {
	if !w.Due.IsZero() && !w.Due.After(m.at) && (w.Until.IsZero() || !w.Until.Before(w.Due)) {
		m.emit(m.settled(w, nil, nil))
		return
	}
	if output, ok := m.byDefault(w); ok {
		m.emit(m.settled(w, output, nil))
		return
	}
	m.emit(m.settled(w, nil, &journal.Failure{
		Kind: "timeout", Message: fmt.Sprintf("timeout of %s exceeded", w.Until.Sub(w.Since)),
	}))
}

// byDefault is the answer that an approval has when nobody gave one in time.
func (m *Machine) byDefault(w *journal.Waiting) (output any, ok bool) {
	fields, _ := w.With.(map[string]any)
	approved, ok := fields["default"].(bool)
	if !ok || w.Kind == "wait" {
		return nil, false
	}
	output, err := m.answerOf(&m.g.Nodes[m.plan.index[w.Node]], Answer{Output: map[string]any{"approved": approved}})
	return output, err == nil
}

// answerOf makes an answer canonical, by the type of the node's output. What a
// complete answer has and this one lacks is null.
func (m *Machine) answerOf(n *graph.Node, in Answer) (any, error) {
	if in.Failure != nil {
		return nil, nil
	}
	copied, err := value.CopyOf(in.Output)
	if err != nil {
		return nil, err
	}
	v := copied.Any()
	if given, ok := v.(map[string]any); ok && n.Output.Kind == schema.Object {
		whole := make(map[string]any, len(n.Output.Props))
		for _, p := range n.Output.Props {
			if p.Type.Nullable {
				whole[p.Name] = nil
			}
		}
		for k, x := range given { // in any order: a copy
			whole[k] = x
		}
		v = whole
	}
	v, err = n.Output.Check("output", v)
	return m.mask(v), err
}

// settled is the record that ends the waiting of a node.
func (m *Machine) settled(w *journal.Waiting, output any, f *journal.Failure) *journal.TaskFinished {
	b := &journal.TaskFinished{
		Wave: w.Wave, Node: w.Node, Attempt: 1, Status: succeeded.String(),
		Duration: max(0, m.at.Sub(w.Since)), Output: output,
	}
	if w.Cycle != m.cur.Cycle {
		b.Began = w.Cycle
	}
	if f != nil {
		b.Status, b.Error, b.Output = failed.String(), m.maskFailure(*f), nil
		if b.Error.Kind == "" {
			b.Error.Kind = "error"
		}
	}
	return b
}

// applyAnswer takes the end of a task as a waiting node's answer, when it is one.
func (m *Machine) applyAnswer(key journal.TaskKey, b *journal.TaskFinished) bool {
	for k := range m.cur.Waiting {
		w := &m.cur.Waiting[k]
		if w.Node != key.Node || w.Cycle != key.Cycle || w.Wave != key.Wave {
			continue
		}
		m.cur.Waiting = slices.Clone(m.cur.Waiting)
		m.cur.Waiting[k].Answered = true
		m.nodes[m.plan.index[key.Node]].answer = b
		m.hasten()
		return true
	}
	return false
}

func (m *Machine) waitingFor(node string) *journal.Waiting {
	for k := range m.cur.Waiting {
		if w := &m.cur.Waiting[k]; w.Node == node {
			return w
		}
	}
	return nil
}
