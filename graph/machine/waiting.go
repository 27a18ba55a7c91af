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

// defaultSettle is how long a file is quiet before it counts.
const defaultSettle = time.Second

// beginToWait starts a node that waits: from now on it is in Cursor.Waiting,
// and not in its wave.
func (m *Machine) beginToWait(r *run) {
	n := &m.g.Nodes[r.node]
	var t task
	f := m.prepare(&t, r, n)
	var w journal.Waiting
	if f == nil {
		w, f = m.question(&t, r, n)
	}
	if f != nil {
		m.failAtOnce(r, f)
		return
	}
	m.emit(m.started(r, "", 1))
	at, _ := slices.BinarySearchFunc(m.cur.Waiting, r.node, func(w journal.Waiting, i int) int { return m.plan.index[w.Node] - i })
	m.cur.Waiting = slices.Insert(slices.Clone(m.cur.Waiting), at, w)
	m.noticeWaiting(&w)
}

// question is what a task waits for whose `with` is evaluated.
func (m *Machine) question(t *task, r *run, n *graph.Node) (journal.Waiting, *journal.Failure) {
	w := journal.Waiting{Node: n.ID, Item: t.item, Kind: n.Kind.Name, Cycle: r.w.cycle, Wave: r.w.number, Since: m.at}
	if f := m.awaits(&w, t.with); f != nil {
		return w, f
	}
	w.With = m.mask(t.with)
	for _, d := range []time.Duration{n.Timeout, n.Deadline} {
		if d > 0 {
			w.Until = sooner(w.Until, m.at.Add(d))
		}
	}
	return w, nil
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
	switch v := fields["event"].(type) {
	case string:
		w.Event = v
	case []any:
		for _, name := range v {
			text, _ := name.(string)
			w.Events = append(w.Events, text)
		}
	}
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
	if v, _ := fields["files"].(string); v != "" {
		if _, err := graph.ParsePathPattern(v); err != nil {
			return bad("files", err)
		}
		w.Files, w.Settle = v, defaultSettle
		if s := fields["settle"]; s != nil {
			d, err := durationOf(s)
			if err != nil {
				return bad("settle", err)
			}
			w.Settle = d
		}
	}
	if len(w.EventNames()) == 0 && w.Due.IsZero() && w.Files == "" {
		return bad("with", fmt.Errorf("event, for, until and files are all null"))
	}
	return nil
}

// waitOver ends the wait for a time, by that time or by the node's timeout. What came
// before that and is not applied yet settles it.
func (m *Machine) waitOver(w *journal.Waiting) {
	if o, ok := m.offerFor(w, m.inbox); ok && m.tookThen(w) {
		m.take(w, o)
		return
	}
	if !w.Due.IsZero() && !w.Due.After(m.at) && (w.Until.IsZero() || !w.Until.Before(w.Due)) {
		m.endWait(w, nil, nil)
		return
	}
	if output, ok := m.byDefault(w); ok {
		m.endWait(w, output, nil)
		return
	}
	m.endWait(w, nil, &journal.Failure{
		Kind: "timeout", Message: fmt.Sprintf("timeout of %s exceeded", w.Until.Sub(w.Since)),
	})
}

// tookThen says, in a replay, whether a wait whose time was over had got what it waited for.
func (m *Machine) tookThen(w *journal.Waiting) bool {
	if m.told == nil {
		return true
	}
	b := m.told(w)
	return b != nil && b.Error == nil
}

// endWait ends the waiting of a node, or of an element.
func (m *Machine) endWait(w *journal.Waiting, output any, f *journal.Failure) {
	m.endWaitBy(w, output, f, "")
}

// endWaitBy is endWait for an answer that somebody gave.
func (m *Machine) endWaitBy(w *journal.Waiting, output any, f *journal.Failure, by string) {
	body := m.settled(w, output, f)
	body.By = by
	if w.Item == "" {
		m.emit(body)
		return
	}
	if t, r := m.find(w.Task()); t != nil {
		m.finish(t, r, body)
	}
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
		Wave: w.Wave, Node: w.Node, Item: w.Item, Attempt: 1, Status: succeeded.String(),
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
		if w.Item != "" || w.Node != key.Node || w.Cycle != key.Cycle || w.Wave != key.Wave {
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

// waitingFor is the wait of a node, or of an element of it; nil if it does not wait.
func (m *Machine) waitingFor(node, item string) *journal.Waiting {
	for k := range m.cur.Waiting {
		if w := &m.cur.Waiting[k]; w.Node == node && w.Item == item {
			return w
		}
	}
	return nil
}
