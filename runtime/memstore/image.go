package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// Image is all that a store has of one stack, so that another store can continue it. Values are shared and must not be changed.
type Image struct {
	Identity journal.Identity
	Cursor   journal.Cursor
	State    map[string]any     // with the sidecars of the machine: see journal.Visible
	First    uint64             // the record with which the history begins; 0 is the first
	Points   []Point            // oldest first; the history begins with the first one unless First is 0
	Records  [][]journal.Record // by commit, without gaps between them
	Graphs   []Use              // that the history needs, and the one of the cursor
	Memories []Memory           // by name
}

// Memory is a memory of the stack's own.
type Memory struct {
	Name  string
	State journal.MemoryState  // without its ID, which every store makes for itself
	Items []journal.MemoryItem // in the order of their Seq
}

// Use is a graph that a stack needs for its records from one on; From 0 is until the stack is
// removed.
type Use struct {
	Graph journal.StoredGraph
	From  uint64
}

// Point is a stack at the end of a cycle.
type Point struct {
	Cursor journal.Cursor
	State  map[string]any
	At     time.Time
}

// Image gives what the store has of a stack. Later commits do not change it.
func (s *Store) Image(ctx context.Context, name string) (Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(ctx, name)
	if err != nil {
		return Image{}, err
	}
	m := Image{Identity: st.id, Cursor: st.cursor, State: maps.Clone(st.state), First: st.first, Records: slices.Clone(st.records)}
	for _, p := range st.points {
		m.Points = append(m.Points, Point{p.cursor, p.state, p.at})
	}
	for _, u := range st.uses {
		m.Graphs = append(m.Graphs, Use{s.graphs[u.hash].StoredGraph, u.from})
	}
	for ref, mem := range s.memories { // in any order: sorted below
		if ref.Stack != name {
			continue
		}
		own := Memory{Name: ref.Name, State: mem.state}
		own.State.ID = ""
		for _, it := range mem.items {
			if mem.has(it) {
				own.Items = append(own.Items, *it)
			}
		}
		m.Memories = append(m.Memories, own)
	}
	slices.SortFunc(m.Memories, func(a, b Memory) int { return strings.Compare(a.Name, b.Name) })
	return m, nil
}

// Shorten drops the older part of the history, and keeps what a machine needs to continue the
// stack: between two cycles all of it, else that before the newest checkpoint.
func (m *Image) Shorten(at time.Time) {
	switch n := len(m.Points); {
	case !m.Cursor.Open:
		m.Points = []Point{{m.Cursor, m.State, at}}
	case n > 0:
		m.Points = m.Points[n-1:]
	default:
		return
	}
	m.First = m.Points[0].Cursor.CycleSeq
	records := history(m.Records).from(m.First)
	m.Records = nil
	if len(records) > 0 {
		m.Records = [][]journal.Record{records}
	}
	for len(m.Graphs) > 1 && m.Graphs[1].From != 0 && m.Graphs[1].From <= m.First {
		m.Graphs = m.Graphs[1:]
	}
}

// Put adds a stack as an image has it. ErrExists when there is one with its id.
func (s *Store) Put(m Image) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return runtime.ErrClosed
	}
	name := m.Identity.Stack
	if s.stacks[name] != nil {
		return fmt.Errorf("%w: %q", runtime.ErrExists, name)
	}
	if s.stacks == nil {
		s.stacks, s.graphs = map[string]*stack{}, map[string]*keptGraph{}
	}
	st := &stack{id: m.Identity, cursor: m.Cursor, state: maps.Clone(m.State), first: m.First, records: slices.Clone(m.Records)}
	for _, p := range m.Points {
		st.points = append(st.points, point{p.Cursor, p.State, p.At})
	}
	for _, u := range m.Graphs {
		st.uses = append(st.uses, use{u.Graph.Hash, u.From})
		kept := s.graphs[u.Graph.Hash]
		if kept == nil {
			kept = &keptGraph{StoredGraph: u.Graph}
			s.graphs[u.Graph.Hash] = kept
		}
		kept.uses++
	}
	s.stacks[name] = st
	for i := range m.Memories {
		own := &m.Memories[i]
		mem := s.newMemory()
		id := mem.state.ID
		mem.state, mem.state.ID = own.State, id
		for _, it := range own.Items {
			if err := mem.Put(it); err != nil {
				return err
			}
		}
		if s.memories == nil {
			s.memories = map[journal.MemoryRef]*memory{}
		}
		s.memories[journal.MemoryRef{Stack: name, Name: own.Name}] = mem
	}
	return nil
}
