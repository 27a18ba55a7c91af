package api

import "encoding/json"

// StartRequest starts a stack: of a graph that the engine knows by its name, or
// (by an admin only) of a definition that comes along.
type StartRequest struct {
	Graph  string          `json:"graph,omitzero"`
	Def    json.RawMessage `json:"def,omitzero"`    // graph.Def as JSON
	Source string          `json:"source,omitzero"` // its text
	Stack  string          `json:"stack,omitzero"`  // defaults to the graph's name
	Params Values          `json:"params,omitzero"`
	State  Values          `json:"state,omitzero"`
}

// EventRequest sends an event. One with an ID that was sent before does nothing.
type EventRequest struct {
	Event   string `json:"event"`
	Payload Value  `json:"payload"`
	ID      string `json:"id,omitzero"`
}

// EventReply says what became of an event.
type EventReply struct {
	Stack     string `json:"stack"`
	Event     string `json:"event"`
	Duplicate bool   `json:"duplicate"`
}

// AnswerRequest answers a node that waits for somebody. What is not said is null
// in the node's output.
type AnswerRequest struct {
	Node     string  `json:"node"`          // or a place: NODE[KEY], NODE/INNER
	Item     string  `json:"item,omitzero"` // the key of the element that asks, of a call under for_each
	For      string  `json:"for,omitzero"`  // the id of the question; "" means the one that is open
	Call     string  `json:"call,omitzero"` // the id of the call that gets the word; "" if only one waits
	Approved *bool   `json:"approved"`
	Comment  *string `json:"comment,omitzero"`
	By       *string `json:"by,omitzero"`
	Value    *Value  `json:"value,omitzero"` // of the type that the node declares as `answer`; of a call: args
	Args     *Value  `json:"args,omitzero"`  // what a call is made with in place of the model's arguments
}

// CancelRequest ends a stack, or only a task of it where Node is set.
type CancelRequest struct {
	Reason string `json:"reason,omitzero"`
	Node   string `json:"node,omitzero"` // or a place, as in AnswerRequest
	Item   string `json:"item,omitzero"`
}

// RetryRequest continues a stack that has ended.
type RetryRequest struct {
	By     string `json:"by,omitzero"`     // who asks for it, for the record
	Limits Values `json:"limits,omitzero"` // as `limits` of a graph, in place of the graph's
}

// ForkRequest makes a new stack that continues from a moment of another one.
type ForkRequest struct {
	At  string `json:"at,omitzero"` // CYCLE[.WAVE]; "" is the present
	As  string `json:"as"`          // the id of the new stack
	Set Values `json:"set,omitzero"`
}

// PoolRequest changes how many tasks a pool runs at once; 0 holds it.
type PoolRequest struct {
	Parallel *int `json:"parallel"`
}

// FileRequest names a file on the machine of the engine.
type FileRequest struct {
	File string `json:"file"`
}

// TokenRequest asks for a token.
type TokenRequest struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Graph string `json:"graph,omitzero"` // "" means all graphs
}

// NewToken is a token that was made. Its holder reads it here, and nowhere later.
type NewToken struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Graph string `json:"graph,omitzero"`
	Token string `json:"token"`
}
