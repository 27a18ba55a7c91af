package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/schema"
)

// The payloads of queued events are kept beside the state, in a list for each event,
// oldest first, until a wait takes the first of them. An element is [SEQ, TIME, PAYLOAD]:
// the number of its record and its time in nanoseconds since 1970, so that a wait for
// several events takes what came first, and a wait whose time is over takes nothing that
// came later.

const queueName = journal.SidecarMark + "queue."

// restoreQueues reads the queues of a stored state.
func (m *Machine) restoreQueues(state map[string]any) {
	m.queues = nil
	for i := range m.g.Events {
		if e := &m.g.Events[i]; e.Queue > 0 {
			m.setQueue(i, restored(queueName+e.Name, state[queueName+e.Name]))
		}
	}
}

func (m *Machine) setQueue(event int, q *sidecar) {
	if m.queues == nil {
		m.queues = make([]*sidecar, len(m.g.Events))
	}
	m.queues[event] = q
}

// queueOf is the queue of an event; nil if the event has none.
func (m *Machine) queueOf(event string) *sidecar {
	if m.queues == nil {
		return nil
	}
	i, ok := m.g.EventByName(event)
	if !ok {
		return nil
	}
	return m.queues[i]
}

// enlist adds a payload to the queue of its event.
func (m *Machine) enlist(b *journal.EventReceived, at time.Time, seq uint64) {
	q := m.queueOf(b.Event)
	if q == nil {
		return
	}
	m.put(q, []any{int64(seq), at.UnixNano(), b.Payload}, 0)
	m.countQueue(b.Event, len(q.list))
}

// countQueue notes in the cursor how many payloads of an event are queued.
func (m *Machine) countQueue(event string, n int) {
	at := slices.IndexFunc(m.cur.Queued, func(q journal.Queued) bool { return q.Event == event })
	m.cur.Queued = slices.Clone(m.cur.Queued)
	switch {
	case at < 0 && n > 0:
		m.cur.Queued = append(m.cur.Queued, journal.Queued{Event: event, N: n})
	case at >= 0 && n > 0:
		m.cur.Queued[at].N = n
	case at >= 0:
		m.cur.Queued = slices.Delete(m.cur.Queued, at, at+1)
	}
	m.out.moved = true
}

// offer is an event that may settle a wait.
type offer struct {
	event   string
	payload any
	seq     uint64
	queue   *sidecar // that it is the first of; nil for one that the cycle applies
}

// offerFor finds the first event, by arrival, that settles a wait: of those that the cycle
// applies, and of the first ones in their queues. What came after the end of the wait is
// none.
func (m *Machine) offerFor(w *journal.Waiting, applied []arrived) (best offer, ok bool) {
	end := w.Ends()
	consider := func(o offer, at time.Time) {
		if (end.IsZero() || at.Before(end)) && (!ok || o.seq < best.seq) {
			best, ok = o, true
		}
	}
	for _, name := range w.EventNames() {
		if q := m.queueOf(name); q != nil && len(q.list) > 0 {
			e, _ := q.list[0].([]any)
			seq, _ := e[0].(int64)
			at, _ := e[1].(int64)
			consider(offer{name, e[2], uint64(seq), q}, time.Unix(0, at))
		}
		if k := slices.IndexFunc(applied, func(a arrived) bool { return a.Event == name }); k >= 0 {
			consider(offer{name, applied[k].Payload, applied[k].seq, nil}, applied[k].at)
		}
	}
	return best, ok
}

// canServe reports whether a queued payload waits for nothing but the next cycle.
func (m *Machine) canServe() bool {
	if len(m.cur.Queued) == 0 {
		return false
	}
	for k := range m.cur.Waiting {
		if w := &m.cur.Waiting[k]; !w.Answered {
			if _, ok := m.offerFor(w, nil); ok {
				return true
			}
		}
	}
	return false
}

// serve settles waits by the events that the cycle applies and by queued payloads, in the
// order in which they are declared. A replay settles those that were settled then: under
// earlier versions, an event settled no wait that began after it.
func (m *Machine) serve(applied []arrived) {
	if len(applied) == 0 && len(m.cur.Queued) == 0 {
		return
	}
	all := m.cur.Waiting
	for k := range all {
		w := &all[k]
		if w.Answered {
			continue
		}
		o, ok := m.offerFor(w, applied)
		if ok && (m.told == nil || m.told(w) != nil) {
			m.take(w, o)
		}
	}
}

// take settles a wait by an event.
func (m *Machine) take(w *journal.Waiting, o offer) {
	output := o.payload
	if w.Events != nil {
		output = map[string]any{"event": o.event, "payload": o.payload}
	}
	if o.queue != nil {
		if len(o.queue.list) == 1 {
			m.empty(o.queue)
		} else {
			m.cutFront(o.queue)
		}
		m.countQueue(o.event, len(o.queue.list))
	}
	m.endWait(w, output, nil)
}

// moveQueues takes the queues to a changed graph. It is refused when a payload has no
// place there.
func (m *Machine) moveQueues(g *graph.Graph) (link func(), err error) {
	if m.queues == nil && !slices.ContainsFunc(g.Events, func(e graph.Event) bool { return e.Queue > 0 }) {
		return func() {}, nil
	}
	kept := map[string]*sidecar{}
	for i, q := range m.queues {
		if q == nil {
			continue
		}
		was := &m.g.Events[i]
		k, ok := g.EventByName(was.Name)
		if ok = ok && g.Events[k].Queue > 0; ok {
			kept[was.Name] = q
		}
		if len(q.list) == 0 {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("event %q has queued payloads (%d), and the graph has no queue for them any more", was.Name, len(q.list))
		}
		if err := fitQueue(q, g.Events[k].Type); err != nil {
			return nil, fmt.Errorf("the queued payloads of event %q were %s and are now %s: %w", was.Name, was.Type, g.Events[k].Type, err)
		}
	}
	return func() {
		m.queues = nil
		for i := range g.Events {
			if e := &g.Events[i]; e.Queue > 0 && kept[e.Name] != nil {
				m.setQueue(i, kept[e.Name])
			} else if e.Queue > 0 {
				m.setQueue(i, restored(queueName+e.Name, nil))
			}
		}
	}, nil
}

// fitQueue says whether all queued payloads have a type.
func fitQueue(q *sidecar, t *schema.Type) error {
	for i := range q.list {
		e, _ := q.list[i].([]any)
		if _, err := t.Check(fmt.Sprintf("payload %d", i+1), e[2]); err != nil {
			return err
		}
	}
	return nil
}
