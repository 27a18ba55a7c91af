package runtime

import "github.com/graphrun/graphrun/graph/machine"

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

// asEvent is a message of a node as an event for its stack.
func asEvent(m machine.Message) Send {
	return Send{Stack: m.To, Event: m.Event, Payload: m.Payload, ID: m.ID}
}
