package machine

import (
	"slices"

	"github.com/graphrun/graphrun/graph/journal"
)

// Snapshot is the stack as a store has it once the present Ready is committed:
// Restore continues it, in this process or, by its JSON form, in another one. The
// values in it are shared and must not be changed. It is false within a cycle,
// unless Options.Snapshots is set.
func (m *Machine) Snapshot() (journal.Snapshot, bool) {
	if m.cur.Open && !m.o.Snapshots {
		return journal.Snapshot{}, false
	}
	s := journal.Snapshot{Identity: m.id, Cursor: m.cur, State: m.State(), Records: slices.Clone(m.recent)}
	for _, c := range m.caches { // in any order: each has its name
		c.sidecar.into(s.State)
	}
	m.ids.into(s.State)
	m.answers.into(s.State)
	m.outbox.into(s.State)
	m.past.into(s.State)
	m.writers.into(s.State)
	if m.kept != nil {
		m.kept.into(s.State)
	}
	m.filesInto(s.State)
	for _, q := range m.queues {
		if q != nil {
			q.into(s.State)
		}
	}
	for i := range m.nodes {
		if b := m.nodes[i].apart; b != nil {
			b.sidecar.into(s.State)
		}
	}
	return s, true
}

// into adds a sidecar to a stored state.
func (o *sidecar) into(state map[string]any) {
	if o.list != nil {
		state[o.name] = slices.Clip(o.list)
	}
}

// remember keeps a record that a snapshot needs: between two cycles those that
// the next cycle begins with, within a cycle all since it began.
func (m *Machine) remember(rec journal.Record) {
	switch b := rec.Body.(type) {
	case *journal.CycleStarted:
		m.recent = nil
		if len(b.Left) > 0 {
			m.recent = append(m.recent, rec)
			return
		}
	case *journal.EventReceived:
		if b.Queued && !m.o.Snapshots {
			return // its payload is in the queue
		}
		m.recent = append(m.recent, rec)
		return
	case *journal.TaskFinished:
		if i, ok := m.plan.index[b.Node]; ok && m.nodes[i].answer == b {
			m.recent = append(m.recent, rec)
			return
		}
	}
	if m.o.Snapshots {
		m.recent = append(m.recent, rec)
	}
}
