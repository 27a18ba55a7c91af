package temporaldriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/value"
)

// readRequest is a query of a stack: one method of inspect.Reader.
type readRequest struct {
	What  string         `json:"what"`
	At    *journal.Point `json:"at,omitempty"`
	Want  *journal.Want  `json:"want,omitempty"`
	Hash  string         `json:"hash,omitempty"`
	Name  string         `json:"name,omitempty"`  // of a memory
	After uint64         `json:"after,omitempty"` // of its items
}

// readReply has what was asked for.
type readReply struct {
	Identity *journal.Identity    `json:"identity,omitempty"`
	Cursor   *journal.Cursor      `json:"cursor,omitempty"`
	Snapshot *journal.Snapshot    `json:"snapshot,omitempty"`
	Records  []json.RawMessage    `json:"records,omitempty"`
	More     bool                 `json:"more,omitempty"` // records, items: there are more
	Seq      uint64               `json:"seq,omitempty"`  // records: of the last one that there is
	Graph    *journal.StoredGraph `json:"graph,omitempty"`
	Live     *live                `json:"live,omitempty"`
	Memory   *journal.MemoryState `json:"memory,omitempty"`
	MemoryID string               `json:"memory_id,omitempty"`
	Items    []memoryItem         `json:"items,omitempty"`
	Pools    []poolUse            `json:"pools,omitempty"`
	Missing  bool                 `json:"missing,omitempty"` // there is no such thing
}

// live is what no record says.
type live struct {
	Tasks     []inspect.TaskStatus `json:"tasks"`
	LastError *inspect.TaskError   `json:"last_error,omitempty"`
	Failed    []inspect.Elements   `json:"failed,omitempty"`
	Unfit     string               `json:"unfit,omitempty"` // why the changed graph was not adopted
	Offered   string               `json:"offered,omitempty"`
	Waits     []waitAt             `json:"waits,omitempty"`
}

// What a query may ask for.
const (
	readStack    = "stack"
	readState    = "state"
	readSnapshot = "snapshot"
	readBase     = "base"
	readRecords  = "records"
	readGraph    = "graph"
	readLive     = "live"
	readMemory   = "memory"
	readPools    = "pools" // of a limiter
)

// pageBytes bounds the records, or the items of a memory, of one reply: a cluster takes 2 MB.
const pageBytes = 1 << 20

var errEnough = errors.New("enough")

// answerRead reads the stack as it stands in this process.
func (s *stack) answerRead(ctx context.Context, q readRequest) (r readReply, err error) {
	switch q.What {
	case readStack:
		r.Identity, r.Cursor = &s.in.Identity, &s.cursor
		if sum, err := s.store.Stack(ctx, s.name); err == nil {
			r.Identity, r.Cursor = &sum.Identity, &sum.Cursor
		}
	case readState, readSnapshot:
		read := s.store.State
		if q.What == readSnapshot {
			read = s.store.Load
		}
		var snap journal.Snapshot
		snap, err = read(ctx, s.name)
		r.Snapshot = &snap
	case readBase:
		at := journal.Point{}
		if q.At != nil {
			at = *q.At
		}
		var snap journal.Snapshot
		snap, err = s.store.Base(ctx, s.name, at)
		r.Snapshot = &snap
	case readRecords:
		want := journal.Want{}
		if q.Want != nil {
			want = *q.Want
		}
		size := 0
		r.Seq = s.cursor.Seq
		err = s.store.Records(ctx, s.name, want, func(rec journal.Record) error {
			if !want.Bulk {
				rec = rec.WithBulk(nil)
			}
			line := journal.AppendRecord(nil, rec, true)
			if size += len(line); size > pageBytes && len(r.Records) > 0 {
				r.More = true
				return errEnough
			}
			r.Records = append(r.Records, line)
			return nil
		})
		if errors.Is(err, errEnough) {
			err = nil
		}
	case readGraph:
		var g journal.StoredGraph
		g, err = s.store.Graph(ctx, q.Hash)
		r.Graph = &g
	case readLive:
		r.Live, r.Identity, r.Cursor = s.live(), &s.in.Identity, &s.cursor
		if sum, err := s.store.Stack(ctx, s.name); err == nil {
			r.Identity = &sum.Identity
		}
	case readMemory:
		r.Memory, r.Items, r.More, err = memoryPage(ctx, s.store, journal.MemoryRef{Stack: s.name, Name: q.Name}, q.After)
		r.MemoryID = s.in.Identity.Nonce
	default:
		return r, fmt.Errorf("a query for %q is not known to this version of the worker", q.What)
	}
	if errors.Is(err, journal.ErrNotFound) {
		return readReply{Missing: true}, nil
	}
	return r, err
}

// live is where the tasks stand, together with those that wait for a slot.
func (s *stack) live() *live {
	l := &live{Tasks: s.tasks.List(&s.cursor, !s.cursor.Status.Ended()), LastError: s.tasks.LastError(), Failed: s.tasks.Failed(), Unfit: s.unfit}
	if s.offered != nil {
		l.Offered = s.offered.Hash
	}
	if s.thinking == nil {
		return l
	}
	known := map[journal.TaskKey]bool{}
	for i := range l.Tasks {
		t := &l.Tasks[i]
		known[journal.TaskKey{Cycle: t.Cycle, Wave: t.Wave, Node: t.Node, Item: t.Item}] = true
	}
	for i := range s.queue {
		q := &s.queue[i]
		if !known[q.Key] {
			l.Tasks = append(l.Tasks, inspect.TaskStatus{Node: q.Key.Node, Item: q.Key.Item, Cycle: q.Key.Cycle, Wave: q.Key.Wave,
				State: inspect.TaskQueued, Attempt: q.Attempt, Of: q.Of, Since: s.at})
		}
	}
	s.noteWaits(l)
	return l
}

// memoryReader is the part of a store that reads memories.
type memoryReader interface {
	Memory(ctx context.Context, ref journal.MemoryRef, after uint64, item func(journal.MemoryItem) error) (journal.MemoryState, error)
}

// memoryItem is a journal.MemoryItem as it travels.
type memoryItem struct {
	Seq    uint64      `json:"seq"`
	ID     string      `json:"id"`
	Text   string      `json:"text,omitempty"`
	Data   value.Value `json:"data,omitzero"`
	Vector []byte      `json:"vector,omitempty"`
	Epoch  uint64      `json:"epoch,omitempty"`
}

func memoryItemOf(m *journal.MemoryItem) memoryItem {
	data, err := value.Of(m.Data)
	if err != nil {
		panic(err) // it was canonical
	}
	return memoryItem{m.Seq, m.ID, m.Text, data, m.Vector, m.Epoch}
}

func (m *memoryItem) journal() journal.MemoryItem {
	return journal.MemoryItem{Seq: m.Seq, ID: m.ID, Text: m.Text, Data: m.Data.Any(), Vector: m.Vector, Epoch: m.Epoch}
}

// memoryPage reads items of a memory that were written after seq, as many as one reply has.
func memoryPage(ctx context.Context, store memoryReader, ref journal.MemoryRef, after uint64) (*journal.MemoryState, []memoryItem, bool, error) {
	var items []memoryItem
	size, more := 0, false
	state, err := store.Memory(ctx, ref, after, func(m journal.MemoryItem) error {
		if size += len(m.Text) + 2*len(m.Vector) + value.Size(m.Data) + 256; more || size > pageBytes && len(items) > 0 {
			more = true
			return nil
		}
		items = append(items, memoryItemOf(&m))
		return nil
	})
	return &state, items, more, err
}

// memoryPages calls item for the items of a memory that were written after seq. ask gives a page.
func memoryPages(ask func(readRequest) (readReply, error), name string, after uint64, item func(journal.MemoryItem) error) (state journal.MemoryState, err error) {
	for first := true; ; first = false {
		r, err := ask(readRequest{What: readMemory, Name: name, After: after})
		if err != nil || r.Memory == nil {
			return state, err
		}
		deletes := state.Deletes
		if state = *r.Memory; !first {
			state.Deletes = deletes // as it was at the beginning
		}
		if state.Seq > 0 {
			state.ID = r.MemoryID
		}
		for i := range r.Items {
			after = r.Items[i].Seq
			if err := item(r.Items[i].journal()); err != nil {
				return state, err
			}
		}
		if !r.More {
			return state, nil
		}
	}
}
