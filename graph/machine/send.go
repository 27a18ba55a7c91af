package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// Nodes of kinds that send leave a message with the commit of their wave: in
// declaration order, and under for_each in the order of the elements, whichever
// task was done first. A node that fails sends nothing. Messages wait in a sidecar
// until they are delivered, so that a restart delivers them.

const outboxName = journal.SidecarMark + "outbox"

// MaxEventID is how many bytes the id of an event may have.
const MaxEventID = 256

// Message is an event that a node sends to another stack.
type Message struct {
	ID      string // of the event: it follows from the task, so that a second delivery is known
	Node    string // that sent it
	To      string // the stack
	Event   string
	Payload any
	Hook    *Hook // of a notice, which has no To and no Event and is no event; else nil
}

// Lost is a message to the stack itself that it cannot take.
type Lost struct {
	Message
	Err error
}

// messageOf reads the output of a task that sends.
func messageOf(id, node string, output any) Message {
	if len(id) > MaxEventID {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	out, _ := output.(map[string]any)
	m := Message{ID: id, Node: node, Payload: out["payload"], Hook: hookOf(out)}
	m.To, _ = out["to"].(string)
	m.Event, _ = out["event"].(string)
	return m
}

// Messages are those of a stored state that are yet to be delivered, oldest first.
func Messages(state map[string]any) []Message {
	list, _ := state[outboxName].([]any)
	out := make([]Message, 0, len(list))
	for _, e := range list {
		fields, _ := e.(map[string]any)
		id, _ := fields["id"].(string)
		node, _ := fields["node"].(string)
		out = append(out, messageOf(id, node, fields))
	}
	return out
}

// Undelivered is the change that leaves these messages in a stored state, for a
// driver that delivers those of a stack that has ended without a machine.
func Undelivered(left []Message) graph.Change {
	list := make([]any, len(left))
	for i := range left {
		list[i] = left[i].stored()
	}
	return graph.Change{Key: -1, Name: outboxName, Value: list, Whole: true}
}

func (m *Message) stored() any {
	if m.Hook != nil {
		return map[string]any{"id": m.ID, "payload": m.Payload, "hook": m.Hook.stored()}
	}
	return map[string]any{"id": m.ID, "node": m.Node, "to": m.To, "event": m.Event, "payload": m.Payload}
}

// send leaves the messages of a node that has succeeded. A replay sends nothing.
func (m *Machine) send(r *run) {
	n := &m.g.Nodes[r.node]
	if !n.Kind.Sends || m.pace != nil {
		return
	}
	for x := r.first; x < r.first+r.n; x++ {
		t := &r.w.tasks[x]
		if !t.ok {
			continue
		}
		msg := messageOf(m.id.TaskKey(m.key(t, r)), n.ID, t.output)
		m.put(m.outbox, msg.stored(), 0)
		m.cur.Outbox = len(m.outbox.list)
		if msg.To != m.id.Stack {
			m.out.send = append(m.out.send, msg)
		}
	}
}

// sent forgets a message that was delivered, or that can never be.
func (m *Machine) sent(id string) {
	for i, e := range m.outbox.list {
		if fields, _ := e.(map[string]any); fields["id"] != id {
			continue
		}
		switch {
		case len(m.outbox.list) == 1:
			m.empty(m.outbox)
		case i == 0:
			m.cutFront(m.outbox)
		default:
			m.outbox.list = slices.Delete(slices.Clone(m.outbox.list), i, i+1)
			m.outbox.whole, m.outbox.shown = true, false
			m.touch(m.outbox)
		}
		m.cur.Outbox, m.out.moved = len(m.outbox.list), true
		return
	}
}

// takeOwn applies what the stack has sent to itself, before its next cycle can
// begin: nobody has to carry it. A stack that has ended takes nothing any more.
func (m *Machine) takeOwn() {
	if m.cur.Outbox == 0 || m.o.Rest || m.pace != nil || m.cur.Closing != nil && !m.cur.Status.Ended() {
		return
	}
	for _, msg := range Messages(map[string]any{outboxName: m.outbox.list}) {
		if msg.To != m.id.Stack {
			continue
		}
		err := ErrEnded
		if !m.cur.Status.Ended() && m.cur.Finally == nil {
			err = m.event(Event{At: m.at, ID: msg.ID, Name: msg.Event, Payload: msg.Payload})
		}
		var full *QueueFullError
		if errors.As(err, &full) {
			continue // until a wait has made room
		}
		if err != nil {
			m.out.lost = append(m.out.lost, Lost{msg, err})
		}
		m.sent(msg.ID)
	}
}

// resend has everything delivered that waits in the outbox of a restored stack.
func (m *Machine) resend() {
	for _, msg := range Messages(map[string]any{outboxName: m.outbox.list}) {
		if msg.To != m.id.Stack && !m.o.Rest && m.pace == nil {
			m.out.send = append(m.out.send, msg)
		}
	}
}

// FitsStack makes the payload of an event for a stack canonical, or says why a node that
// sends it fails. g is the graph of the stack, and queued what waits there.
func FitsStack(g *graph.Graph, stack string, queued []journal.Queued, event string, payload any) (any, *journal.Failure) {
	e, ok := g.EventByName(event)
	if !ok {
		return nil, &journal.Failure{Kind: "config", Permanent: true, Message: fmt.Sprintf("stack %q of graph %q has no event %q", stack, g.Name, event)}
	}
	known := &g.Events[e]
	given, err := value.Of(payload)
	var fit any
	if err == nil {
		fit, err = g.CheckPayload(e, "payload", given.Any())
	}
	if err != nil {
		return nil, &journal.Failure{Kind: "schema", Permanent: true, Message: fmt.Sprintf("the payload of event %q does not fit %s: %v", event, known.Type, err)}
	}
	if known.Queue > 0 && journal.QueuedOf(queued, event) >= known.Queue {
		return nil, &journal.Failure{Kind: "limit", Message: fmt.Sprintf("the queue of event %q of stack %q is full: it has %d payloads that no wait has taken yet", event, stack, known.Queue)}
	}
	return fit, nil
}
