package cond

import (
	"time"

	"github.com/graphrun/graphrun/diag"
)

// Bounds of one expression. Work counts the compiled nodes that run inside
// loops, and the bytes that functions read. It is the same on every machine, so
// that an expression within its bounds is within them in every replay.
const (
	maxText    = 4 << 10 // bytes of source
	maxNesting = 64      // brackets within brackets
	maxNodes   = 1000    // of the syntax tree
	maxVisits  = 8 * maxNodes
	maxWork    = 8 << 20  // less than 0.1 s, or 0.5 s on a slow machine
	maxMemory  = 64 << 20 // bytes that one evaluation allocates, freed ones included
	maxDepth   = 100      // of a value that an expression builds
	maxPattern = 2000     // instructions of a compiled regular expression

	bytesPerItem  = 16 // an element of a list
	bytesPerBox   = 8  // a number inside it
	bytesPerEntry = 64 // an entry of a map
)

// spent is what the running evaluation has used so far.
type spent struct {
	work, memory int
}

// tick charges n units of work before they are done. It returns false when the
// evaluation must stop.
func (e *Env) tick(at *diag.Span, n int) bool {
	e.spent.work += n
	if uint(e.spent.work) <= maxWork && e.err == nil {
		return true
	}
	if e.err == nil {
		e.err = &Error{Span: *at, Limit: true, Message: "the expression takes too much work"}
	}
	return false
}

// alloc charges n bytes before they are allocated. It returns false when the
// evaluation must stop.
func (e *Env) alloc(at *diag.Span, n int) bool {
	if n < 0 || n > maxMemory-e.spent.memory {
		if e.err == nil {
			e.err = &Error{Span: *at, Limit: true, Message: "the expression takes too much memory"}
		}
		return false
	}
	e.spent.memory += n
	return e.tick(at, n>>4)
}

// allocList is alloc for a list of n elements.
func (e *Env) allocList(at *diag.Span, n int) bool {
	return e.alloc(at, min(n, maxMemory)*bytesPerItem)
}

// shortText is the length in bytes up to which reading a text is free: the cost
// of the node covers it.
const shortText = 64

// reads charges for comparing n bytes of two texts.
func (e *Env) reads(at *diag.Span, n int) bool { return n <= shortText || e.tick(at, n>>4) }

// readsBoth charges for comparing two values when both are texts.
func (e *Env) readsBoth(at *diag.Span, a, b any) bool {
	s, ok1 := a.(string)
	t, ok2 := b.(string)
	return !ok1 || !ok2 || e.reads(at, min(len(s), len(t)))
}

// looksUp charges for finding a key in an object, which reads the whole key.
func (e *Env) looksUp(at *diag.Span, key string) bool {
	return len(key) <= shortText || e.tick(at, len(key)>>3)
}

// walkCost is the work of visiting the n parts of a list or an object.
func walkCost(n int) int { return 8 + 4*n }

// measure bounds the size of v as JSON, its depth, and the work of walking it. A
// value can hold one part many times, so that a value that is small in memory is
// huge on disk. It returns the approximate number of bytes.
func (e *Env) measure(at diag.Span, v any) int {
	m := measuring{e: e, at: &at}
	m.walk(v, 0)
	return m.bytes
}

type measuring struct {
	e     *Env
	at    *diag.Span
	bytes int
}

func (m *measuring) walk(v any, depth int) bool {
	if depth > maxDepth {
		m.e.fail(*m.at, "the value is nested deeper than %d", maxDepth)
		return false
	}
	switch v := v.(type) {
	case string:
		m.bytes += len(v) + 2
	case []any:
		if !m.e.tick(m.at, walkCost(len(v))) {
			return false
		}
		m.bytes += 2 + len(v)
		for _, it := range v {
			if !m.walk(it, depth+1) {
				return false
			}
		}
	case map[string]any:
		if !m.e.tick(m.at, walkCost(len(v))) {
			return false
		}
		m.bytes += 2
		for k, it := range v { // in any order: a sum with a bound
			m.bytes += len(k) + 4
			if !m.walk(it, depth+1) {
				return false
			}
		}
	default:
		m.bytes += 8
	}
	if m.bytes > maxMemory {
		return m.e.alloc(m.at, maxMemory+1)
	}
	return true
}

// plainTimes returns v with moments and durations as text, which is how they
// are stored.
func plainTimes(e *Env, at *diag.Span, v any, depth int) any {
	if depth > maxDepth {
		return e.fail(*at, "the value is nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case time.Time:
		return timeText(v)
	case time.Duration:
		return v.String()
	case []any:
		if !e.allocList(at, len(v)) || !e.tick(at, walkCost(len(v))) {
			return nil
		}
		out := make([]any, len(v))
		for i, it := range v {
			out[i] = plainTimes(e, at, it, depth+1)
		}
		return out
	case map[string]any:
		if !e.alloc(at, len(v)*bytesPerEntry) {
			return nil
		}
		out := make(map[string]any, len(v))
		for k, it := range v { // in any order: a copy
			out[k] = plainTimes(e, at, it, depth+1)
		}
		return out
	}
	return v
}
