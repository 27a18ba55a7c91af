package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// arrived is an event that the next cycle applies.
type arrived struct {
	*journal.EventReceived
	seq uint64 // of its record
	at  time.Time
}

// event accepts an event. It is durable with the next Ready, and applied when the
// next cycle begins; the payload of a queued event is kept until a wait takes it.
func (m *Machine) event(in Event) error {
	i, ok := m.g.EventByName(in.Name)
	if !ok {
		return &UnknownEventError{Event: in.Name, Known: m.g.EventNames()}
	}
	e := &m.g.Events[i]
	payload, err := m.payload(i, in.Payload)
	if err != nil {
		p := &PayloadError{Event: in.Name, Expected: e.Type.String(), Err: err}
		if e.Key >= 0 {
			p.Key = m.g.Keys[e.Key].Name
		}
		return p
	}
	if m.Known(in.ID) {
		return nil
	}
	if q := m.queueOf(in.Name); q != nil && len(q.list) >= e.Queue && m.pace == nil {
		return &QueueFullError{Event: in.Name, Queue: e.Queue}
	}
	m.at = in.At
	m.emit(&journal.EventReceived{Event: in.Name, ID: in.ID, Payload: payload, Queued: e.Queue > 0, By: in.By})
	return nil
}

func (m *Machine) payload(event int, v any) (any, error) {
	given, err := value.CopyOf(v)
	if err != nil {
		return nil, err
	}
	return m.g.CheckPayload(event, "payload", given.Any())
}

// applyEvent keeps an event for the next cycle, which begins at once, or for a wait. A
// queued event that nobody waits for ends no pause.
func (m *Machine) applyEvent(b *journal.EventReceived, at time.Time, seq uint64) {
	switch {
	case !b.Queued:
		m.inbox = append(m.inbox, arrived{b, seq, at})
		m.cur.Inbox = len(m.inbox)
		m.hasten()
	case m.restoring: // the queue that was stored has it
		return
	default:
		m.enlist(b, at, seq)
		if m.canServe() {
			m.hasten()
		}
	}
	if b.ID == "" || m.restoring {
		return
	}
	m.ids.add(m, b.ID, at)
}
