package journal

import (
	"slices"
	"time"
)

// From is the moment of another stack that a fork continues from.
type From struct {
	Stack string
	Cycle uint64 // 0 is the beginning of the stack
	Wave  uint64 // its last committed wave; 0 is how the cycle begins
}

func (f *From) members(c *codec) {
	c.text("stack", &f.Stack)
	c.uint("cycle", &f.Cycle)
	c.uint("wave", &f.Wave)
}

// Origin is where a fork comes from. The records before Seq are those of the other stack,
// as far as the fork has them: they were decided under its id and not under the fork's.
type Origin struct {
	From
	Nonce     string // of the other stack
	CreatedAt time.Time
	Seq       uint64 // of the fork's first own record
	First     uint64 // with which its history begins: the record that began the cycle that was open, or Seq
}

func (o *Origin) members(c *codec) {
	o.From.members(c)
	c.text("nonce", &o.Nonce)
	c.time("created_at", &o.CreatedAt)
	c.uint("seq", &o.Seq)
	c.uint("first", &o.First)
}

// At is the identity under which a record was decided: the stack's own, or, of a fork, that
// of a stack that it comes from.
func (id Identity) At(seq uint64) Identity {
	for i := range id.Origins {
		o := &id.Origins[i]
		if seq >= o.Seq {
			break
		}
		id.Stack, id.Nonce, id.CreatedAt = o.Stack, o.Nonce, o.CreatedAt
	}
	id.Origins = slices.DeleteFunc(slices.Clone(id.Origins), func(o Origin) bool { return o.Seq > seq })
	return id
}

// ForkedBetween reports that a fork begins between two records of its history: the first
// is one of the stack that it comes from, and the second its own.
func (id *Identity) ForkedBetween(before, seq uint64) bool {
	return slices.ContainsFunc(id.Origins, func(o Origin) bool { return before < o.Seq && seq >= o.Seq })
}

// First is the record with which the history of a fork begins, 0 for any other stack.
func (id *Identity) First() uint64 {
	if len(id.Origins) == 0 {
		return 0
	}
	return id.Origins[0].First
}
