package machine

import (
	"fmt"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
)

// When a stack ends that has `finally`, its last cycle begins once nothing of the stack
// runs any more: the nodes of `finally` alone, by the edges among them. Cursor.Finally
// has the end that was decided, which nothing changes any more. The cycle looks at no
// limit and no stop condition, and takes no events in.

// finallyIsDue reports that the last cycle is to begin before the stack ends.
func (m *Machine) finallyIsDue() bool { return m.cur.Finally == nil && len(m.g.Finally) > 0 }

// startFinally begins the last cycle of a stack that is closing.
func (m *Machine) startFinally(end *journal.Outcome) {
	body := &journal.CycleStarted{Hash: m.cur.Hash, Finally: true, Status: end.Status, Reason: end.Reason, Failure: end.Failure, By: end.By}
	for _, e := range m.inbox {
		body.Left = append(body.Left, journal.LeftEvent{Seq: e.seq, Time: e.at, Event: e.Event, Payload: e.Payload})
	}
	m.emit(body)
}

// applyLeft keeps the events that no cycle has applied, for a stack that is reopened.
func (m *Machine) applyLeft(b *journal.CycleStarted) {
	for _, e := range b.Left {
		m.inbox = append(m.inbox, arrived{&journal.EventReceived{Event: e.Event, Payload: e.Payload}, e.Seq, e.Time})
	}
}

// applyFinally leaves behind all that the last cycle has nothing to do with.
func (m *Machine) applyFinally(b *journal.CycleStarted) {
	c := &m.cur
	if c.Open && m.id.Parent == "" {
		m.notePass(nil)
	}
	c.Finally = &journal.Outcome{Status: b.Status, Reason: b.Reason, Failure: b.Failure, By: b.By}
	c.Status, c.Closing, c.Stopping, c.StoppedBy = journal.Running, nil, "", ""
	c.Waiting, c.Background, c.Asking, c.Parked, c.Ending, c.Children = nil, nil, nil, nil, nil, nil
	m.wave.close()
	m.closeEach()
	for i := range m.nodes {
		m.nodes[i].answer, m.nodes[i].apart = nil, nil
	}
	m.seeStack()
}

// finishFinally ends the last cycle, and the stack as it was decided.
func (m *Machine) finishFinally() {
	m.emit(&journal.CycleFinished{Waves: m.cycle.waves, NodeRuns: m.cycle.nodeRuns,
		Failed: m.cycle.fault || m.untaken(true), Active: m.cycle.fault || m.cycle.nodeRuns > 0})
	m.endFinally()
}

// endFinally ends the stack as it was decided, whatever the last cycle has come to.
func (m *Machine) endFinally() { m.stopAs(*m.cur.Finally) }

// finallyEnds is when the time of the last cycle is over; zero while there is none.
func (m *Machine) finallyEnds() time.Time {
	if m.cur.Finally == nil || !m.cur.Open {
		return time.Time{}
	}
	from := m.cycle.startedAt
	if m.restoredAt.After(from) {
		from = m.restoredAt // nothing of it ran meanwhile
	}
	return from.Add(m.g.FinallyTimeout)
}

// cutFinally ends the last cycle when its time is over. The failure is noted before the
// stack is closing, so that it outlives a restart.
func (m *Machine) cutFinally() {
	end := m.finallyEnds()
	if end.IsZero() || end.After(m.at) || m.cur.Closing != nil || m.o.Rest {
		return
	}
	m.eachWave(func(w *wave) {
		for k := range w.runs {
			m.endRunning(&w.runs[k], nil, m.finallyTimeout())
		}
	})
	m.endFinally()
}

func (m *Machine) finallyTimeout() *journal.Failure {
	return &journal.Failure{Kind: "timeout", Message: fmt.Sprintf("finally_timeout of %s exceeded", m.g.FinallyTimeout), Permanent: true}
}

// finallyEndedIt reports that a failure is that of a task which ran when the time of the last
// cycle was over.
func (m *Machine) finallyEndedIt(f *journal.Failure) bool {
	return m.cur.Finally != nil && m.cur.Closing == nil && f != nil && f.Kind == "timeout" && f.Message == m.finallyTimeout().Message
}
