package memstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sort"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// memory is one memory. Items are replaced, never changed: readers share them.
type memory struct {
	state journal.MemoryState
	items []*journal.MemoryItem // by their Seq
	gone  int                   // how many of them are deleted: an item without an id
	ids   map[string]uint64
}

var _ runtime.MemoryRows = (*memory)(nil)

// deleted takes the place of an item until there are many.
func deleted(seq uint64) *journal.MemoryItem { return &journal.MemoryItem{Seq: seq} }

func (m *memory) at(seq uint64) int {
	return sort.Search(len(m.items), func(i int) bool { return m.items[i].Seq >= seq })
}

// has reports whether an item is there; one that is deleted is in no list of ids.
func (m *memory) has(it *journal.MemoryItem) bool { return m.ids[it.ID] == it.Seq }

// Find returns the Seq of the item with an id.
func (m *memory) Find(id string) (uint64, error) { return m.ids[id], nil }

// Next returns the Seq of the oldest item at or after seq.
func (m *memory) Next(seq uint64) (uint64, error) {
	for _, it := range m.items[m.at(seq):] {
		if m.has(it) {
			return it.Seq, nil
		}
	}
	return 0, nil
}

// Get returns an item by its Seq.
func (m *memory) Get(seq uint64) (journal.MemoryItem, bool, error) {
	i := m.at(seq)
	if i == len(m.items) || m.items[i].Seq != seq || !m.has(m.items[i]) {
		return journal.MemoryItem{}, false, nil
	}
	return *m.items[i], true, nil
}

// Put adds an item at the end, or replaces the one with its Seq.
func (m *memory) Put(it journal.MemoryItem) error {
	m.ids[it.ID] = it.Seq
	if i := m.at(it.Seq); i < len(m.items) {
		m.items[i] = &it
		return nil
	}
	m.items = append(m.items, &it)
	return nil
}

// Drop deletes an item.
func (m *memory) Drop(seq uint64) error {
	i := m.at(seq)
	delete(m.ids, m.items[i].ID)
	m.items[i] = deleted(seq)
	if m.gone++; m.gone > len(m.items)/2 {
		m.items, m.gone = slices.DeleteFunc(slices.Clone(m.items), func(it *journal.MemoryItem) bool { return !m.has(it) }), 0
	}
	return nil
}

// change applies what a commit does to memories.
func (s *Store) change(list []runtime.MemoryWrites) error {
	for _, c := range list {
		m := s.memories[c.Ref]
		if m == nil {
			if m = s.newMemory(); s.memories == nil {
				s.memories = map[journal.MemoryRef]*memory{}
			}
			s.memories[c.Ref] = m
		}
		if err := runtime.ChangeMemory(&m.state, m, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) newMemory() *memory {
	return &memory{state: journal.MemoryState{ID: rand.Text()}, ids: map[string]uint64{}}
}

// copyMemories gives a stack copies of the memories of another one.
func (s *Store) copyMemories(from, to string) {
	for ref, m := range s.memories {
		if ref.Stack != from {
			continue
		}
		c := s.newMemory()
		id := c.state.ID
		c.state = m.state
		c.state.ID = id
		for _, it := range m.items {
			if m.has(it) {
				c.items = append(c.items, it)
				c.ids[it.ID] = it.Seq
			}
		}
		ref.Stack = to
		s.memories[ref] = c
	}
}

// Memory calls item for the items of a memory that were there when it began.
func (s *Store) Memory(ctx context.Context, ref journal.MemoryRef, after uint64, item func(journal.MemoryItem) error) (journal.MemoryState, error) {
	state, items, err := s.memory(ctx, ref, after)
	for i := 0; err == nil && i < len(items); i++ {
		it := *items[i]
		if it.ID == "" { // it is deleted
			continue
		}
		if it.Epoch != state.Epoch {
			it.Vector = nil
		}
		if err = ctx.Err(); err == nil {
			err = item(it)
		}
	}
	if err != nil {
		return journal.MemoryState{}, err
	}
	return state, nil
}

func (s *Store) memory(ctx context.Context, ref journal.MemoryRef, after uint64) (journal.MemoryState, []*journal.MemoryItem, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findMemory(ctx, ref)
	if err != nil || m == nil {
		return journal.MemoryState{}, nil, err
	}
	return m.state, slices.Clone(m.items[m.at(after+1):]), nil
}

// findMemory returns nil for a memory that was never written to.
func (s *Store) findMemory(ctx context.Context, ref journal.MemoryRef) (*memory, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed {
		return nil, runtime.ErrClosed
	}
	if ref.Stack != "" && s.stacks[ref.Stack] == nil {
		return nil, fmt.Errorf("%w: %q", runtime.ErrNotFound, ref.Stack)
	}
	return s.memories[ref], nil
}

// Reembed gives items other vectors.
func (s *Store) Reembed(ctx context.Context, ref journal.MemoryRef, model string, items []journal.MemoryItem) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findMemory(ctx, ref)
	if err != nil {
		return 0, err
	}
	if m == nil {
		m = s.newMemory() // without items, none of which can be changed
	}
	return runtime.ReembedMemory(&m.state, m, model, items)
}

// Keep keeps a small text.
func (s *Store) Keep(ctx context.Context, name, text string) error {
	if err := runtime.CheckKept(name, text); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.closed:
		return runtime.ErrClosed
	case text == "":
		delete(s.kept, name)
		return nil
	case s.kept == nil:
		s.kept = map[string]string{}
	}
	s.kept[name] = text
	return nil
}

// Kept returns a text that was kept.
func (s *Store) Kept(ctx context.Context, name string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", runtime.ErrClosed
	}
	return s.kept[name], ctx.Err()
}
