package memory

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes"
	"github.com/graphrun/graphrun/nodes/agent"
)

// Embed makes vectors of texts with a model of the task's graph, PROVIDER/MODEL: one for
// each text, of equal lengths. agent.Agents has it.
type Embed func(ctx context.Context, t nodes.Task, model string, texts []string) ([][]float32, error)

// The bounds of an item. A text that is longer is kind "limit".
const (
	MaxID   = 256
	MaxText = 64 << 10 // also of a query
	MaxData = 64 << 10 // as JSON
	// MaxLimit is how many items a search gives at most.
	MaxLimit = 1000
	// DefaultLimit is how many it gives if nothing is said.
	DefaultLimit = 5
	// MaxDims is how many dimensions a vector has at most.
	MaxDims = 16_384
	// DefaultBytes is the default of Memories.Bytes.
	DefaultBytes = 1 << 30
)

// Memories searches and writes the memories of all graphs of a process. It keeps what it
// has read of them, and reads what is new when a task searches. The zero value searches
// by words. Its fields must not be changed once it is used; it is safe for concurrent use.
type Memories struct {
	// Embed makes the vectors. Without it a memory with `embed` is kind "config".
	Embed Embed
	// Bytes is about how much of memories stays in the process; those that were not used
	// for the longest time are dropped first. The one that is searched is there whatever its
	// size. 0 means DefaultBytes.
	Bytes int64

	mu     sync.Mutex
	used   list.List                // of *kept, the last used first
	kept   map[string]*list.Element // by MemoryState.ID
	amount int64
}

var _ agent.Memory = (*Memories)(nil)

// kept is a memory that stays in the process.
type kept struct {
	id    string
	index *index
	bytes int64 // that are counted in amount
}

// Search returns the list of {id, text, data, score}, the best first; see the package's
// comment. limit is 1 to MaxLimit, 0 means DefaultLimit. Errors are *nodes.Error, or the
// cause of ctx.
func (m *Memories) Search(ctx context.Context, t nodes.Task, memory, query string, limit int) (any, error) {
	return m.search(ctx, t, memory, query, limit, nil)
}

func (m *Memories) search(ctx context.Context, t nodes.Task, memory, text string, limit int, where func(any) (bool, error)) (any, error) {
	of, err := memoryOf(&t, memory)
	if err != nil {
		return nil, err
	}
	switch {
	case limit == 0:
		limit = DefaultLimit
	case limit < 0 || limit > MaxLimit:
		return nil, bad("the limit of a search is %d, expected 1 to %d", limit, MaxLimit)
	}
	if len(text) > MaxText {
		return nil, tooLong("the query", len(text), MaxText)
	}
	x, state, err := m.open(ctx, &t, memory)
	if err != nil {
		return nil, err
	}
	q := query{words: queryWords(text), limit: limit, where: where}
	if of.Embed != "" && state.Count > 0 {
		if q.vector, err = m.embed(ctx, &t, of, state, text); err != nil {
			return nil, err
		}
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	hits, err := x.search(&q)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(hits))
	for i, h := range hits {
		it := &x.items[h.item]
		out[i] = map[string]any{"id": it.id, "text": it.text, "data": it.data, "score": h.score}
	}
	return out, nil
}

// Write makes a write of an item, which belongs into the Result of the task. Without id it
// is one that follows from key. The output is {id}. data nil means none: null, or {} where
// the memory's type takes no null. Errors are *nodes.Error, or the cause of ctx.
func (m *Memories) Write(ctx context.Context, t nodes.Task, memory, id, key, text string, data any) (output any, w journal.MemoryWrite, err error) {
	of, err := memoryOf(&t, memory)
	if err != nil {
		return nil, w, err
	}
	if id == "" {
		id = idOf(key)
	}
	switch {
	case len(id) > MaxID:
		return nil, w, tooLong("the id", len(id), MaxID)
	case text == "":
		return nil, w, bad("there is no text to write into memory %q", memory)
	case len(text) > MaxText:
		return nil, w, tooLong("the text", len(text), MaxText)
	}
	if data, err = dataFor(of, data); err != nil {
		return nil, w, err
	}
	w = journal.MemoryWrite{Memory: memory, ID: id, Text: text, Data: data}
	if of.Embed != "" {
		state, err := stateOf(ctx, &t, memory)
		if err != nil {
			return nil, w, err
		}
		v, err := m.embed(ctx, &t, of, state, text)
		if err != nil {
			return nil, w, err
		}
		w.Vector = textOf(v)
		w.Model = modelOf(&t, of)
	}
	return map[string]any{"id": id}, w, nil
}

// remove makes the deletion of an item; there says whether it is there at present.
func (m *Memories) remove(ctx context.Context, t nodes.Task, memory, id string) (there bool, w journal.MemoryWrite, err error) {
	if _, err := memoryOf(&t, memory); err != nil {
		return false, w, err
	}
	x, _, err := m.open(ctx, &t, memory)
	if err != nil {
		return false, w, err
	}
	x.mu.RLock()
	_, there = x.ids[id]
	x.mu.RUnlock()
	return there, journal.MemoryWrite{Memory: memory, ID: id, Delete: true}, nil
}

// memoryOf finds a memory of the task's graph.
func memoryOf(t *nodes.Task, name string) (*graph.Memory, error) {
	if t.Of == nil || t.Memories == nil {
		return nil, bad("the driver has no memories")
	}
	for i := range t.Of.Memories {
		if m := &t.Of.Memories[i]; m.Name == name {
			return m, nil
		}
	}
	return nil, bad("the graph has no memory %q", name)
}

func stateOf(ctx context.Context, t *nodes.Task, memory string) (nodes.MemoryState, error) {
	return t.Memories.Read(ctx, memory, after, nil)
}

// open brings a memory up to date with the store.
func (m *Memories) open(ctx context.Context, t *nodes.Task, memory string) (*index, nodes.MemoryState, error) {
	state, err := stateOf(ctx, t, memory)
	if err != nil {
		return nil, state, err
	}
	if state.ID == "" {
		return newIndex(), state, nil
	}
	x := m.take(state.ID)
	err = x.refresh(ctx, func(ctx context.Context, after uint64, item func(nodes.MemoryItem) error) (nodes.MemoryState, error) {
		return t.Memories.Read(ctx, memory, after, item)
	})
	if err != nil {
		return nil, state, err
	}
	x.mu.RLock()
	bytes, state := x.bytes, x.state
	x.mu.RUnlock()
	m.count(state.ID, x, bytes)
	return x, state, nil
}

// take returns a memory of the process, a new one if it is not there.
func (m *Memories) take(id string) *index {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.kept[id]; e != nil {
		m.used.MoveToFront(e)
		return e.Value.(*kept).index
	}
	if m.kept == nil {
		m.kept = map[string]*list.Element{}
	}
	k := &kept{id: id, index: newIndex()}
	m.kept[id] = m.used.PushFront(k)
	return k.index
}

// count notes how large a memory has become, and drops others where all are too large.
func (m *Memories) count(id string, x *index, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.kept[id]
	if e == nil || e.Value.(*kept).index != x { // it was dropped meanwhile
		return
	}
	k := e.Value.(*kept)
	m.amount += bytes - k.bytes
	k.bytes = bytes
	most := m.Bytes
	if most <= 0 {
		most = DefaultBytes
	}
	for m.amount > most && m.used.Len() > 1 {
		last := m.used.Back()
		if last == e { // others are in use, and are counted when they have been read
			break
		}
		old := m.used.Remove(last).(*kept)
		delete(m.kept, old.id)
		m.amount -= old.bytes
	}
}

// embed makes a vector that fits the memory.
func (m *Memories) embed(ctx context.Context, t *nodes.Task, of *graph.Memory, state nodes.MemoryState, text string) ([]float32, error) {
	model := modelOf(t, of)
	if state.Model != "" && state.Model != model {
		return nil, mismatch(t, of, state, model)
	}
	if m.Embed == nil {
		return nil, bad("memory %q has `embed`, and nothing makes vectors here", of.Name)
	}
	list, err := m.Embed(ctx, *t, of.Embed, []string{text})
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || len(list[0]) == 0 || len(list[0]) > MaxDims {
		return nil, nodes.Errorf("model", "model %s gave no vector of 1 to %d dimensions", model, MaxDims)
	}
	if state.Model != "" && len(list[0]) != state.Dims {
		return nil, mismatch(t, of, state, fmt.Sprintf("%s with %d dimensions", model, len(list[0])))
	}
	return list[0], nil
}

// modelOf is the name that is kept with the vectors: with its provider, also where the
// graph leaves that out.
func modelOf(t *nodes.Task, of *graph.Memory) string { return Model(t.Of, of) }

// Model is the name of the model that makes the vectors of a memory, as stores keep it:
// PROVIDER/MODEL, also where the graph leaves the provider out. It is "" for a memory
// without `embed`.
func Model(g *graph.Graph, of *graph.Memory) string {
	if of.Embed == "" {
		return ""
	}
	if p, name, err := g.Model(of.Embed); err == nil {
		return p.Name + "/" + name
	}
	return of.Embed
}

func mismatch(t *nodes.Task, of *graph.Memory, state nodes.MemoryState, now string) error {
	return bad("the vectors of memory %q are of %s with %d dimensions, the graph says %s; `graphrun memory reembed %s %s` replaces them",
		of.Name, state.Model, state.Dims, now, t.Of.Name, of.Name)
}

// dataFor checks the data of an item.
func dataFor(of *graph.Memory, data any) (any, error) {
	if of.Data != nil {
		fits, err := of.Data.Check("data", data)
		if err != nil && data == nil {
			if empty, ok := of.Data.Check("data", map[string]any{}); ok == nil {
				fits, err = empty, nil
			}
		}
		if err != nil {
			return nil, nodes.Permanent(nodes.Errorf("schema", "memory %q: %v", of.Name, err))
		}
		data = fits
	}
	if n := value.Size(data); n > MaxData {
		return nil, tooLong("the data", n, MaxData)
	}
	return data, nil
}

// idOf is the id of an item that follows from a task's key.
func idOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:12])
}

func bad(format string, args ...any) error {
	return nodes.Permanent(nodes.Errorf("config", format, args...))
}

func tooLong(what string, n, most int) error {
	return nodes.Permanent(nodes.Errorf("limit", "%s has %d bytes, at most %d are allowed", what, n, most))
}
