package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// MaxElements is how many elements a for_each may have. The task of an element
// takes 4 to 6 KiB of memory until its wave is committed (docs/performance.md).
const MaxElements = 100_000

// layElements lays out a task per element. An `in` that is null is empty.
func (m *Machine) layElements(r *run, k int, fe *graph.ForEach) *journal.Failure {
	v, err := fe.In.Eval(r.w.env)
	if err != nil {
		return m.maskFailure(*failureOf(err))
	}
	items, ok := v.([]any)
	if !ok && v != nil {
		return m.maskFailure(journal.Failure{Kind: "config", Permanent: true,
			Message: fmt.Sprintf("for_each in is %s, expected a list", brief(v))})
	}
	if len(items) > MaxElements && !m.restoring { // a wave that began under another bound goes to its end
		return &journal.Failure{Kind: "limit", Permanent: true,
			Message: fmt.Sprintf("for_each has %d elements, at most %d are allowed", len(items), MaxElements)}
	}
	if f := m.layMax(r, fe); f != nil {
		return f
	}
	w, first := r.w, len(r.w.tasks)
	r.byKey = make(map[string]int, len(items))
	for i, item := range items {
		key, f := m.elementKey(w, fe, i, item)
		if f == nil {
			if other, twice := r.byKey[key]; twice {
				f = &journal.Failure{Kind: "config", Permanent: true, Message: fmt.Sprintf(
					"for_each key %q is not unique: elements %d and %d", key, other-first, i)}
			}
		}
		if f != nil {
			w.tasks = w.tasks[:first]
			r.byKey = nil
			return m.maskFailure(*f)
		}
		r.byKey[key] = first + i
		w.tasks = append(w.tasks, task{run: k, index: i, item: key, value: item})
	}
	r.n = len(items)
	return nil
}

func (m *Machine) layMax(r *run, fe *graph.ForEach) *journal.Failure {
	if fe.Max == nil {
		return nil
	}
	v, err := fe.Max.Eval(r.w.env)
	if err != nil {
		return m.maskFailure(*failureOf(err))
	}
	if v == nil {
		return nil
	}
	n, ok := wholeNumber(v)
	if !ok || n < 1 {
		return m.maskFailure(journal.Failure{Kind: "config", Permanent: true,
			Message: fmt.Sprintf("for_each max is %s, expected an integer of at least 1", brief(v))})
	}
	r.max = n
	return nil
}

// elementKey names an element: its key as text, or its index.
func (m *Machine) elementKey(w *wave, fe *graph.ForEach, i int, item any) (string, *journal.Failure) {
	if fe.Key == nil {
		return fmt.Sprint(i), nil
	}
	s := w.env.Slots
	s[graph.SlotItem], s[graph.SlotIndex] = item, int64(i)
	v, err := fe.Key.Eval(w.env)
	s[graph.SlotItem], s[graph.SlotIndex] = nil, nil
	if err != nil {
		return "", failureOf(err)
	}
	key, isText := v.(string)
	if !isText {
		key = value.String(v)
	}
	if v == nil || key == "" {
		return "", &journal.Failure{Kind: "config", Permanent: true,
			Message: fmt.Sprintf("for_each key of element %d is %s, expected a text", i, brief(v))}
	}
	return key, nil
}

// sendingOrder is the elements' order, of nodes whose messages are to leave in
// it: their tasks end in any order.
func (m *Machine) sendingOrder(r *run) []string {
	if n := &m.g.Nodes[r.node]; n.ForEach == nil || !n.Kind.Sends {
		return nil
	}
	keys := make([]string, r.n)
	for i := range keys {
		keys[i] = r.w.tasks[r.first+i].item
	}
	return keys
}

// brief is a value as text, for a message.
func brief(v any) string {
	return diag.Shorten(value.String(v), 80)
}

// fill queues as many tasks of a node as may be queued: first those that are
// to be tried again, then the next elements in order.
func (m *Machine) fill(r *run) {
	if r.filling || m.o.Rest {
		return // tasks that end at once come back here
	}
	if m.cur.Closing != nil || r.failing != nil || r.enough || r.leaving {
		return
	}
	r.filling = true
	m.fillUp(r)
	r.filling = false
	m.placeWaits()
}

func (m *Machine) fillUp(r *run) {
	for {
		if r.over || r.max > 0 && r.active >= r.max {
			return
		}
		switch {
		case len(r.again) > 0:
			x := r.again[0]
			r.again = r.again[1:]
			if r.w.tasks[x].state == idle {
				m.enqueue(r, x)
			}
		case r.next < r.n:
			x := r.first + r.next
			t := &r.w.tasks[x]
			begins := t.state == idle && t.attempt == 0
			if begins && m.opened != nil && m.g.Nodes[r.node].Kind.Waits && !m.opened(m.key(t, r)) {
				return
			}
			r.next++
			if begins {
				m.enqueue(r, x)
			}
		default:
			return
		}
	}
}
