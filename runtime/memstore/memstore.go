package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime"
)

// DefaultCycles is how many cycles of its history a stack keeps in memory.
const DefaultCycles = 32

// Store is a runtime.Store without a disk. The zero value is empty. Safe for concurrent
// use.
type Store struct {
	// Cycles bounds the history of each stack, also where its graph keeps more: up to a
	// quarter more may be there. Zero is DefaultCycles; a negative value keeps what the graph
	// says. It must not change once the store is used.
	Cycles int

	mu     sync.Mutex
	closed bool
	stacks map[string]*stack
	graphs map[string]*keptGraph

	memories map[journal.MemoryRef]*memory
	kept     map[string]string
}

// stack is what the store has of one stack.
type stack struct {
	id      journal.Identity
	cursor  journal.Cursor
	state   map[string]any
	records history

	first  uint64 // record with which the kept history begins; 0 is the first
	points []point
	apart  bool // the end of the open cycle has to be a commit of its own: a checkpoint is due
	uses   []use
}

// New returns an empty store.
func New() *Store {
	return &Store{}
}

// Commit applies a commit whole or not at all.
func (s *Store) Commit(ctx context.Context, c runtime.Commit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return runtime.ErrClosed
	}
	if s.stacks == nil {
		s.stacks, s.graphs = map[string]*stack{}, map[string]*keptGraph{}
	}
	st := s.stacks[c.Stack]
	if c.Create != nil {
		if st != nil && (c.Create.Nonce == "" || c.Create.Nonce != st.id.Nonce) {
			return fmt.Errorf("%w: %q", runtime.ErrExists, c.Stack)
		}
		if st == nil {
			st = &stack{id: *c.Create, state: make(map[string]any, len(c.Changes))}
		}
	}
	if st == nil {
		return fmt.Errorf("%w: %q", runtime.ErrNotFound, c.Stack)
	}
	if n := len(c.Records); n > 0 {
		if c.Records[n-1].Last() <= st.cursor.Seq {
			return nil // a repetition
		}
		if first := c.Records[0].Seq; first != st.cursor.Seq+1 && c.Fork == nil {
			return fmt.Errorf("runtime: stack %q: commit begins at record %d, expected %d", c.Stack, first, st.cursor.Seq+1)
		}
	}
	if c.Graph != nil && c.Graph.Def == nil && s.graphs[c.Graph.Hash] == nil {
		return fmt.Errorf("%w: %.12s", runtime.ErrNoGraph, c.Graph.Hash)
	}
	if err := runtime.CheckMemories(c); err != nil {
		return err
	}
	if c.Fork != nil && c.Create != nil {
		if err := s.fork(st, c.Fork, c.Records[0].Seq, c.Cursor.Hash); err != nil {
			return err
		}
	}
	if c.MemoriesOf != "" {
		if s.stacks[c.MemoriesOf] == nil {
			return fmt.Errorf("%w: %q", runtime.ErrNotFound, c.MemoriesOf)
		}
		s.copyMemories(c.MemoriesOf, c.Stack)
	}
	if err := s.change(c.Memory); err != nil {
		return err
	}
	for i := range c.Changes {
		st.state[c.Changes[i].Name] = c.Changes[i].Value
	}
	if c.Graph != nil {
		s.use(st, c.Graph, &c.Cursor)
	}
	st.records.add(c.Records)
	st.cursor = c.Cursor
	if c.Create != nil {
		s.stacks[c.Stack] = st
	}
	if n := len(c.Records); n > 0 {
		before := st.first
		if st.retain(s.bounded(c.Keep), &c.Records[n-1]); st.first != before {
			s.dropUses(st, st.first)
		}
	}
	return nil
}

// Stack is who a stack is and where it stands.
func (s *Store) Stack(ctx context.Context, name string) (runtime.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(ctx, name)
	if err != nil {
		return runtime.Summary{}, err
	}
	return runtime.Summary{Identity: st.id, Cursor: st.cursor}, nil
}

// State gives a snapshot without records.
func (s *Store) State(ctx context.Context, name string) (journal.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(ctx, name)
	if err != nil {
		return journal.Snapshot{}, err
	}
	return journal.Snapshot{Identity: st.id, Cursor: st.cursor, State: maps.Clone(st.state)}, nil
}

// Load gives a snapshot that later commits do not change.
func (s *Store) Load(ctx context.Context, name string) (journal.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(ctx, name)
	if err != nil {
		return journal.Snapshot{}, err
	}
	return journal.Snapshot{
		Identity: st.id,
		Cursor:   st.cursor,
		State:    maps.Clone(st.state),
		Records:  st.records.from(st.cursor.CycleSeq),
	}, nil
}

// Graph is a stored definition by its hash.
func (s *Store) Graph(ctx context.Context, hash string) (runtime.StoredGraph, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return runtime.StoredGraph{}, runtime.ErrClosed
	}
	g, ok := s.graphs[hash]
	if !ok {
		return runtime.StoredGraph{}, fmt.Errorf("runtime: graph %q: %w", hash, runtime.ErrNotFound)
	}
	return g.StoredGraph, ctx.Err()
}

// Stacks calls fn for each stack that was there when it began.
func (s *Store) Stacks(ctx context.Context, fn func(runtime.Summary) error) error {
	return s.StacksAfter(ctx, "", fn)
}

// StacksAfter is Stacks for those whose ids come after one.
func (s *Store) StacksAfter(ctx context.Context, after string, fn func(runtime.Summary) error) error {
	list, err := s.list(after)
	for i := 0; err == nil && i < len(list); i++ {
		if err = ctx.Err(); err == nil {
			err = fn(list[i])
		}
	}
	return err
}

func (s *Store) list(after string) ([]runtime.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, runtime.ErrClosed
	}
	list := make([]runtime.Summary, 0, len(s.stacks))
	for _, st := range s.stacks {
		if st.id.Stack <= after {
			continue
		}
		list = append(list, runtime.Summary{Identity: st.id, Cursor: st.cursor})
	}
	slices.SortFunc(list, func(a, b runtime.Summary) int {
		return strings.Compare(a.Identity.Stack, b.Identity.Stack)
	})
	return list, nil
}

// Records calls fn for the records that are wanted and that were there when it
// began.
func (s *Store) Records(ctx context.Context, name string, want journal.Want, fn func(journal.Record) error) error {
	s.mu.Lock()
	st, err := s.find(ctx, name)
	var records []journal.Record
	if err == nil {
		first := st.first
		if want.From == 0 {
			first = max(first, st.id.First())
		}
		records = st.records.wanted(want, first)
	}
	s.mu.Unlock()
	for i := 0; err == nil && i < len(records); i++ {
		if !want.Takes(records[i].Body.Type()) {
			continue
		}
		if err = ctx.Err(); err == nil {
			err = fn(records[i])
		}
	}
	return err
}

// Remove deletes a stack and its history.
func (s *Store) Remove(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(ctx, name)
	if err != nil {
		return err
	}
	for _, u := range st.uses {
		s.unuse(u)
	}
	delete(s.stacks, name)
	maps.DeleteFunc(s.memories, func(ref journal.MemoryRef, _ *memory) bool { return ref.Stack == name })
	return nil
}

// Close makes every later call fail with ErrClosed and drops what was kept.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.stacks, s.graphs, s.memories, s.kept = true, nil, nil, nil, nil
	return nil
}

func (s *Store) find(ctx context.Context, name string) (*stack, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed {
		return nil, runtime.ErrClosed
	}
	st := s.stacks[name]
	if st == nil {
		return nil, fmt.Errorf("%w: %q", runtime.ErrNotFound, name)
	}
	return st, nil
}
