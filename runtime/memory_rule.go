package runtime

import (
	"encoding/base64"
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// CheckMemories returns what is wrong with the memories that a commit names; nil if
// nothing is. Stores call it before they write.
func CheckMemories(c Commit) error {
	for _, m := range c.Memory {
		if (m.Ref.Graph == "") == (m.Ref.Stack == "") || m.Ref.Name == "" || m.Ref.Stack != "" && m.Ref.Stack != c.Stack {
			return fmt.Errorf("runtime: stack %q: a change of memory %q of graph %q, stack %q", c.Stack, m.Ref.Name, m.Ref.Graph, m.Ref.Stack)
		}
		for _, w := range m.Writes {
			if w.ID == "" {
				return fmt.Errorf("runtime: stack %q: a write to memory %q without an id", c.Stack, m.Ref.Name)
			}
		}
	}
	if c.MemoriesOf != "" && c.Create == nil {
		return fmt.Errorf("runtime: stack %q: memories of stack %q for a stack that is not new", c.Stack, c.MemoriesOf)
	}
	return nil
}

// MemoryRows are the items of one memory, as a store has them within the transaction of
// a commit.
type MemoryRows interface {
	// Find returns the Seq of the item with an id, 0 if there is none.
	Find(id string) (uint64, error)
	// Next returns the Seq of the oldest item at or after seq, 0 if there is none.
	Next(seq uint64) (uint64, error)
	// Get returns an item by its Seq; false if it is not there.
	Get(seq uint64) (journal.MemoryItem, bool, error)
	// Put adds an item, or replaces the one with its Seq, which has the same id.
	Put(item journal.MemoryItem) error
	// Drop deletes an item that is there.
	Drop(seq uint64) error
}

// ChangeMemory decides what a change does to a memory: every store does the same. s is
// brought to where the memory stands afterwards.
//
//   - A write gets the next Seq. An item with its id is replaced, and with that the newest.
//   - After each write the oldest written items go until no more than Keep are left, and
//     never more than graph.MaxMemoryItems.
//   - A delete of an id that is not there does nothing.
//   - The first vector decides about model and dimensions of the memory, until its last item
//     is gone. An item whose vector does not fit is kept without it: the kind `memory`
//     refuses such a write (kind `config`), so it can only be one that was made before
//     another task's first write, or before a `memory reembed`. Words find it, and the
//     next reembed gives it a vector.
func ChangeMemory(s *journal.MemoryState, rows MemoryRows, c MemoryWrites) error {
	m := memory{s, rows}
	for i := range c.Writes {
		if err := m.write(&c.Writes[i], c.Keep); err != nil {
			return err
		}
	}
	return nil
}

// memory is one that is being changed.
type memory struct {
	*journal.MemoryState
	rows MemoryRows
}

func (m memory) write(w *journal.MemoryWrite, keep int) error {
	old, err := m.rows.Find(w.ID)
	if err != nil {
		return err
	}
	if old > 0 {
		if err := m.drop(old); err != nil {
			return err
		}
	}
	if w.Delete {
		if old > 0 {
			m.Deletes++
		}
		return nil
	}
	item := journal.MemoryItem{Seq: m.Seq + 1, ID: w.ID, Text: w.Text, Data: w.Data, Vector: m.accept(w)}
	item.Epoch = m.Epoch
	if err := m.rows.Put(item); err != nil {
		return err
	}
	m.Seq++
	m.Count++
	if m.First == 0 {
		m.First = m.Seq
	}
	if keep <= 0 || keep > graph.MaxMemoryItems {
		keep = graph.MaxMemoryItems
	}
	for m.Count > keep {
		if err := m.drop(m.First); err != nil {
			return err
		}
	}
	return nil
}

// accept returns the vector of a write, nil if it has none that fits the memory.
func (m memory) accept(w *journal.MemoryWrite) []byte {
	v, err := base64.StdEncoding.DecodeString(w.Vector)
	if err != nil || len(v) == 0 || len(v)%4 != 0 || w.Model == "" {
		return nil
	}
	if m.Model == "" {
		m.Model, m.Dims = w.Model, len(v)/4
		m.Epoch++
	}
	if w.Model != m.Model || len(v)/4 != m.Dims {
		return nil
	}
	return v
}

func (m memory) drop(seq uint64) (err error) {
	if err := m.rows.Drop(seq); err != nil {
		return err
	}
	if m.Count--; m.Count == 0 {
		m.First, m.Model, m.Dims = 0, "", 0
		return nil
	}
	if seq == m.First {
		m.First, err = m.rows.Next(seq + 1)
	}
	return err
}

// ReembedMemory decides what MemoryStore.Reembed does, as ChangeMemory does for commits.
func ReembedMemory(s *journal.MemoryState, rows MemoryRows, model string, items []journal.MemoryItem) (n int, err error) {
	if model == "" {
		return 0, fmt.Errorf("runtime: vectors without the model that made them")
	}
	for _, it := range items {
		if len(it.Vector) == 0 || len(it.Vector)%4 != 0 || len(it.Vector) != len(items[0].Vector) {
			return 0, fmt.Errorf("runtime: the vector of item %q has %d bytes, the one of %q %d", it.ID, len(it.Vector), items[0].ID, len(items[0].Vector))
		}
	}
	for _, it := range items {
		old, found, err := rows.Get(it.Seq)
		if err != nil {
			return n, err
		}
		if !found || old.ID != it.ID {
			continue
		}
		if dims := len(it.Vector) / 4; s.Model != model || s.Dims != dims {
			s.Model, s.Dims = model, dims
			s.Epoch++
		}
		old.Vector, old.Epoch = it.Vector, s.Epoch
		if err := rows.Put(old); err != nil {
			return n, err
		}
		n++
	}
	if n > 0 {
		s.Deletes++
	}
	return n, nil
}
