package machine

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// The sidecar of a node in the background has what its expressions saw, and
// after it the records of its tasks. A record is an object with its members. What
// is large of it, an output or the content of a step, is the element that
// follows: so it has the same bytes as in the journal, and a store that keeps
// equal values once keeps it once. Earlier versions wrote a record as text.

// apartMark is the member that says that the element after a record belongs to it.
const apartMark = "apart"

// keep adds a record of a task in the background to what outlives a restart.
func (m *Machine) keep(rec journal.Record) {
	key, ok := rec.Task()
	if !ok {
		return
	}
	if i, known := m.plan.index[key.Node]; known {
		if w := m.nodes[i].apart; w != nil && w.cycle == key.Cycle && w.number == key.Wave {
			m.keepIn(w, rec)
		}
	}
}

// keepIn adds a record to the sidecar of a node in the background.
func (m *Machine) keepIn(w *wave, rec journal.Record) {
	rec, large := without(rec)
	v, _ := value.Decode(journal.AppendRecord(nil, rec, true))
	members, _ := v.(map[string]any) // a record is always an object
	if large != nil {
		members[apartMark] = true
	}
	m.put(w.sidecar, members, 0)
	if large != nil {
		m.put(w.sidecar, large, 0)
	}
}

// without takes the large value out of a record.
func without(rec journal.Record) (journal.Record, any) {
	switch b := rec.Body.(type) {
	case *journal.TaskFinished:
		bare := *b
		bare.Output, rec.Body = nil, &bare
		return rec, b.Output
	case *journal.TaskStep:
		bare := *b
		bare.Content, rec.Body = nil, &bare
		return rec, b.Content
	}
	return rec, nil
}

// keptRecords calls fn for the records that keep kept, in order.
func keptRecords(list []any, fn func(journal.Record)) error {
	for len(list) > 0 {
		text, old := list[0].(string)
		members, _ := list[0].(map[string]any)
		line := []byte(text)
		if !old {
			line = value.Append(nil, members)
		}
		rec, err := journal.ParseRecord(line)
		if err != nil {
			return err
		}
		list = list[1:]
		if members[apartMark] == true {
			if len(list) == 0 {
				return fmt.Errorf("machine: record %d of a task in the background lacks its value", rec.Seq)
			}
			switch b := rec.Body.(type) {
			case *journal.TaskFinished:
				b.Output = list[0]
			case *journal.TaskStep:
				b.Content = list[0]
			}
			list = list[1:]
		}
		fn(rec)
	}
	return nil
}

// restoreBackground brings the nodes in the background back. Their tasks stand
// where the records left them.
func (m *Machine) restoreBackground(s journal.Snapshot) error {
	for _, b := range s.Cursor.Background {
		i, ok := m.plan.index[b.Node]
		if !ok {
			return fmt.Errorf("machine: node %q is in the background, and not in the graph", b.Node)
		}
		o := restored(journal.SidecarMark+"task."+b.Node, s.State[journal.SidecarMark+"task."+b.Node])
		if len(o.list) == 0 {
			return fmt.Errorf("machine: what node %q in the background began with is missing", b.Node)
		}
		saw, _ := o.list[0].(map[string]any)
		w := m.layBackground(i, b, o, saw)
		r, last := &w.runs[0], uint64(0)
		forked := func(seq uint64) {
			if m.id.ForkedBetween(last, seq) {
				m.beginAgain(w, m.id.CreatedAt)
			}
			last = seq
		}
		err := keptRecords(o.list[1:], func(rec journal.Record) {
			forked(rec.Seq)
			key, _ := rec.Task()
			t, _ := m.in(r, key.Item)
			switch b := rec.Body.(type) {
			case *journal.TaskStarted:
				m.attemptStarted(t, r, b, rec.Time)
			case *journal.TaskStep:
				stepDone(t, b)
			case *journal.TaskWaiting:
				asked(t, r, b)
			case *journal.TaskAnswered:
				if t != nil {
					t.words = append(t.words, b)
				}
			case *journal.TaskHeld:
				if t != nil && t.state != over {
					m.turn(t, r, onHold)
				}
			case *journal.TaskFinished:
				m.attemptFinished(t, r, b, rec.Time)
			}
		})
		if err != nil {
			return err
		}
		forked(s.Cursor.Seq)
	}
	return nil
}
