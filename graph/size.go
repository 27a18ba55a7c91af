package graph

import (
	"fmt"

	"github.com/graphrun/graphrun/graph/value"
)

// TooLarge is the error for a value or a state that exceeds its bound.
type TooLarge struct {
	What string // as `state.todos`
	Size int    // in bytes of compact JSON
	Most int
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("%s would have %d bytes, at most %d are allowed", e.What, e.Size, e.Most)
}

// Sizes holds the sizes of the values of a state.
type Sizes struct {
	keys  []int
	total int
}

// Measure walks all values of a state, in the order of the keys.
func Measure(values []any) Sizes {
	s := Sizes{keys: make([]int, len(values))}
	for i, v := range values {
		s.keys[i] = value.Size(v)
		s.total += s.keys[i]
	}
	return s
}

// Key returns the size of one key.
func (s *Sizes) Key(i int) int { return s.keys[i] }

// Set sets the size of a key.
func (s *Sizes) Set(i, size int) {
	s.total += size - s.keys[i]
	s.keys[i] = size
}

// Check returns *TooLarge if the value of key i of g, or the whole state, would
// exceed its bound with size bytes for that key.
func (s *Sizes) Check(g *Graph, i, size int) error {
	if size > value.MaxBytes {
		return &TooLarge{"state." + g.Keys[i].Name, size, value.MaxBytes}
	}
	if all := s.total - s.keys[i] + size; all > value.MaxStateBytes {
		return &TooLarge{"the state", all, value.MaxStateBytes}
	}
	return nil
}

// CheckAll returns *TooLarge if a value or the whole state exceeds its bound.
func (s *Sizes) CheckAll(g *Graph) error {
	for i := range s.keys {
		if err := s.Check(g, i, s.keys[i]); err != nil {
			return err
		}
	}
	return nil
}

// Size returns the size of the key after the change. old is the value before the
// change, was its size. The cost grows with the change, not with the value.
func (c *Change) Size(old any, was int) int {
	if c.Whole {
		return value.Size(c.Value)
	}
	switch now := c.Value.(type) {
	case []any:
		list, _ := old.([]any)
		return c.sizeOfList(list, now, was)
	case map[string]any:
		object, _ := old.(map[string]any)
		return c.sizeOfObject(object, now, was)
	}
	return value.Size(c.Value)
}

func commas(parts int) int { return max(0, parts-1) }

func (c *Change) sizeOfList(list, now []any, was int) int {
	size := was - commas(len(list)) + commas(len(now))
	for _, v := range list[:c.Drop] {
		size -= value.Size(v)
	}
	for _, e := range c.Put {
		size += value.Size(e.Value)
		if at := e.At + c.Drop; at < len(list) {
			size -= value.Size(list[at])
		}
	}
	return size
}

func (c *Change) sizeOfObject(object, now map[string]any, was int) int {
	size := was - commas(len(object)) + commas(len(now))
	for _, p := range c.Set {
		size += value.Size(p.Value)
		if before, had := object[p.Name]; had {
			size -= value.Size(before)
		} else {
			size += value.Size(p.Name) + len(":")
		}
	}
	return size
}
