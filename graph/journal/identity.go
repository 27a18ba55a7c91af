package journal

import "time"

// Identity is what never changes about a stack.
type Identity struct {
	Stack     string
	Graph     string
	Nonce     string         // tells this stack from others of its name, in idempotency keys; the driver chooses it
	Params    map[string]any // complete and canonical
	CreatedAt time.Time
	Parent    string // the idempotency key of the task that runs this stack; "" if no task does
}

func (id *Identity) members(c *codec) {
	c.text("stack", &id.Stack)
	c.text("graph", &id.Graph)
	c.text("nonce", &id.Nonce)
	if c.reading() || id.Params != nil {
		c.object("params", &id.Params)
	}
	c.time("created_at", &id.CreatedAt)
	c.someText("parent", &id.Parent)
}

// TaskKey names one task. It is the same for every attempt.
type TaskKey struct {
	Cycle, Wave uint64
	Node        string
	Item        string // the element's key under for_each, else ""
}
