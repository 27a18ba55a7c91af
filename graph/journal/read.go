package journal

import (
	"bytes"
	"errors"
	"slices"
)

// ErrNotFound is a stack or a graph that the store does not have.
var ErrNotFound = errors.New("runtime: stack not found")

// Beginning is a point before the end of every cycle.
var Beginning = Point{Cycle: 1, Wave: 1}

// After reports whether p comes after the end of a cycle, or is it.
func (p Point) After(cycle uint64) bool {
	return p == Point{} || cycle < p.Cycle || cycle == p.Cycle && p.Wave == 0 && !p.Start
}

// Want says which records are read, and what of them. The zero value is all
// records without their bulk.
type Want struct {
	From uint64 // the first Seq; 0 is the first that is kept, and of a fork Identity.First
	To   uint64 // the last Seq; 0 is the last there is
	// Last is how many cycles are read, counted from the end, each with what came
	// in since the cycle before it. 0 means no limit.
	Last int
	// Types are the records that are wanted, by Body.Type. nil means all.
	Types []string
	// Bulk says whether values that may be large are wanted: see Record.Bulk.
	Bulk bool
}

// Takes reports whether records of a type are wanted.
func (w *Want) Takes(kind string) bool {
	return len(w.Types) == 0 || slices.Contains(w.Types, kind)
}

// Cycles finds where the last cycles of a history begin. Feed it with the types
// of records, the last one first.
type Cycles struct {
	Left int // how many cycles are still to come
}

// Before takes the record before those that were taken already. It reports that
// the record does not belong to the cycles any more.
func (c *Cycles) Before(kind string) bool {
	switch kind {
	case "cycle.finished":
		return c.Left == 0
	case "cycle.started":
		c.Left = max(c.Left-1, 0)
	}
	return false
}

// Bulk is the value of a record that only the work itself needs, and that may be
// large: the output of a task, the content of a step, the payload of an event, the
// initial state of a stack. nil when there is none.
func (r *Record) Bulk() any {
	switch b := r.Body.(type) {
	case *StackStarted:
		if b.State != nil {
			return b.State
		}
	case *TaskFinished:
		return b.Output
	case *TaskStep:
		return b.Content
	case *EventReceived:
		return b.Payload
	}
	return nil
}

// WithBulk is the record with another bulk; nil for none. The record itself
// does not change.
func (r Record) WithBulk(v any) Record {
	switch b := r.Body.(type) {
	case *StackStarted:
		c := *b
		c.State, _ = v.(map[string]any)
		r.Body = &c
	case *TaskFinished:
		c := *b
		c.Output, r.Body = v, &c
	case *TaskStep:
		c := *b
		c.Content, r.Body = v, &c
	case *EventReceived:
		c := *b
		c.Payload, r.Body = v, &c
	}
	return r
}

// TypeOf is the type of a record that AppendRecord wrote, without reading the rest
// of it; "" when it is none.
func TypeOf(line []byte) string {
	_, rest, _ := bytes.Cut(line[:min(len(line), 160)], []byte(`,"type":"`))
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(kind)
}

// Summary is who a stack is and where it stands.
type Summary struct {
	Identity Identity
	Cursor   Cursor
	// Err is why the stack cannot be used (its rows are damaged). Then only
	// Identity.Stack is set. Other stacks are not affected.
	Err error
}

// StoredGraph is a definition that a store keeps for its stacks.
type StoredGraph struct {
	Hash   string
	Name   string
	File   string
	Def    []byte // graph.Def as JSON, to be compiled again
	Source []byte // the YAML text, for people; empty for a graph built in Go
}
