package journal

import "time"

// Identity is what never changes of a stack.
type Identity struct {
	Stack     string         `json:"stack"`
	Graph     string         `json:"graph"`
	Nonce     string         `json:"nonce"` // makes idempotency keys unique among stacks of one name; chosen by the driver
	Params    map[string]any `json:"params,omitzero"`
	CreatedAt time.Time      `json:"created_at"`
	// Parent is the idempotency key of the task that runs this stack; "": none does.
	Parent string `json:"parent,omitzero"`
}

// TaskKey names one task; it is the same for every attempt.
type TaskKey struct {
	Cycle, Wave uint64
	Node        string
	Item        string // the element's key under for_each, else ""
}
