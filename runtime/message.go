package runtime

import (
	"crypto/sha256"
	"encoding/hex"
)

// Send is an event for a stack.
type Send struct {
	Stack   string
	Event   string
	Payload any // that encoding/json can write, of the type of the event's key
	// ID is the sender's own name for this event, at most 256 bytes. An event that is
	// sent again with the same ID is received only once, for machine.KnownFor and
	// while fewer than machine.KnownLast others came after it. With "" every Send is another event.
	ID string
}

// maxEventID bounds the ids that senders choose.
const maxEventID = 256

// message is an event that a node sends to another stack.
type message struct {
	id      string // of the event: the task's key
	node    string
	item    string // only until its wave is committed
	to      string
	event   string
	payload any
}

func (m *message) asEvent() Send {
	return Send{Stack: m.to, Event: m.event, Payload: m.payload, ID: m.id}
}

// newMessage reads the output of a task. The id of the message is the task's key, or a
// hash of it when the key is too long for the id of an event.
func newMessage(key, node string, output any) message {
	if len(key) > maxEventID {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:])
	}
	out, _ := output.(map[string]any)
	m := message{id: key, node: node, payload: out["payload"]}
	m.to, _ = out["to"].(string)
	m.event, _ = out["event"].(string)
	return m
}
