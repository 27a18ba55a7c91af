package journal

import (
	"fmt"
	"time"
)

// Identity is what never changes about a stack.
type Identity struct {
	Stack     string
	Graph     string
	Nonce     string         // tells this stack from others of its name, in idempotency keys; the driver chooses it
	Params    map[string]any // complete and canonical
	CreatedAt time.Time
	Parent    string // the idempotency key of the task that runs this stack; "" if no task does
	MaxCycles uint64 // of a stack that a node or a tool runs with `until`: how many cycles that are not idle it may take; else 0
	// Origins are where a fork comes from: the stack that it was forked from, then the one
	// which that was forked from, and so on, as far back as the records that it has.
	Origins []Origin
}

func (id *Identity) members(c *codec) {
	c.text("stack", &id.Stack)
	c.text("graph", &id.Graph)
	c.text("nonce", &id.Nonce)
	if c.visits() || id.Params != nil {
		c.object("params", &id.Params)
	}
	c.time("created_at", &id.CreatedAt)
	c.someText("parent", &id.Parent)
	c.someUint("max_cycles", &id.MaxCycles)
	someList(c, "origins", &id.Origins, (*Origin).members)
}

// TaskKey is the idempotency key of a task, STACK.NONCE/CYCLE/WAVE/NODE/ITEM: the
// same for every attempt, in every process, and that of no other task.
func (id *Identity) TaskKey(k TaskKey) string {
	return fmt.Sprintf("%s.%s/%d/%d/%s/%s", id.Stack, id.Nonce, k.Cycle, k.Wave, k.Node, k.Item)
}

// TaskKey names one task. It is the same for every attempt.
type TaskKey struct {
	Cycle, Wave uint64
	Node        string
	Item        string // the element's key under for_each, else ""
}
