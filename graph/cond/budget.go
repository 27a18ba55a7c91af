package cond

import (
	"time"

	"github.com/graphrun/graphrun/diag"
)

// Bounds of one expression. Work counts compiled nodes that ran inside loops
// and bytes that were looked at in bulk; it does not depend on the machine, so
// an expression that fits its budget once fits it in every replay.
const (
	maxText    = 4 << 10 // bytes of source
	maxNesting = 64      // brackets within brackets
	maxNodes   = 1000    // of the syntax tree
	maxVisits  = 8 * maxNodes
	maxWork    = 8 << 20  // under a tenth of a second, half a one on a slow machine
	maxMemory  = 64 << 20 // bytes allocated by one evaluation, freed ones included
	maxDepth   = 100      // of a value that an expression builds
	maxPattern = 2000     // instructions of a compiled regular expression

	bytesPerItem  = 16 // an element of a list
	bytesPerBox   = 8  // a number inside it
	bytesPerEntry = 64 // an entry of a map
)

// spent is what the running evaluation has used up.
type spent struct {
	work, memory int
}

// tick accounts for n units of work before they are done, and reports whether
// to go on.
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

// alloc accounts for n bytes before they are allocated, and reports whether to
// go on.
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

// shortText is up to how many bytes a text is read for nothing: what a node
// costs covers it.
const shortText = 64

// reads accounts for comparing n bytes of two texts.
func (e *Env) reads(at *diag.Span, n int) bool { return n <= shortText || e.tick(at, n>>4) }

// readsBoth accounts for comparing two values, where they are texts.
func (e *Env) readsBoth(at *diag.Span, a, b any) bool {
	s, ok1 := a.(string)
	t, ok2 := b.(string)
	return !ok1 || !ok2 || e.reads(at, min(len(s), len(t)))
}

// looksUp accounts for finding a key in an object: all of it is read.
func (e *Env) looksUp(at *diag.Span, key string) bool {
	return len(key) <= shortText || e.tick(at, len(key)>>3)
}

// walkCost is the work of visiting the n parts of a list or an object.
func walkCost(n int) int { return 8 + 4*n }

// measure bounds the size of v as JSON, its depth, and the work of walking it:
// a value may hold one part many times over, and what is small in memory may
// be endless on disk. It returns the number of bytes, about.
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

// plainTimes is v with moments and durations written as text, which is how
// they are stored.
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
