package machine

import (
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// event accepts an event. It is durable with the next Ready, and applied when the
// next cycle begins.
func (m *Machine) event(in Event) error {
	e, ok := m.g.EventByName(in.Name)
	if !ok {
		return &UnknownEventError{Event: in.Name, Known: m.g.EventNames()}
	}
	key := m.g.Events[e].Key
	payload, err := m.payload(key, in.Payload)
	if err != nil {
		k := &m.g.Keys[key]
		return &PayloadError{Event: in.Name, Key: k.Name, Expected: k.Payload().String(), Err: err}
	}
	if m.Known(in.ID) {
		return nil
	}
	m.at = in.At
	m.emit(&journal.EventReceived{Event: in.Name, ID: in.ID, Payload: payload})
	for _, w := range m.cur.Waiting {
		if w.Event == in.Name && !w.Answered && !w.Late(in.At) {
			m.emit(m.settled(&w, payload, nil))
		}
	}
	return nil
}

func (m *Machine) payload(key int, v any) (any, error) {
	given, err := value.CopyOf(v)
	if err != nil {
		return nil, err
	}
	return m.g.Keys[key].CheckPayload("payload", given.Any())
}

func (m *Machine) applyEvent(b *journal.EventReceived, at time.Time) {
	m.inbox = append(m.inbox, b)
	m.cur.Inbox = len(m.inbox)
	m.hasten()
	if b.ID == "" || m.restoring {
		return
	}
	m.ids.add(m, b.ID, at)
}
