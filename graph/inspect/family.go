package inspect

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// ParentOf finds the task that a stack does the work of, by the identity of the stack alone.
// It is false for a stack that does no node's work.
func ParentOf(id *journal.Identity) (stack string, k journal.TaskKey, ok bool) {
	where, rest, _ := strings.Cut(id.Parent, "/")
	stack, _, ok = cutLast(where, ".")
	parts := strings.SplitN(rest, "/", 4)
	if !ok || len(parts) != 4 {
		return "", k, false
	}
	cycle, err1 := strconv.ParseUint(parts[0], 10, 64)
	wave, err2 := strconv.ParseUint(parts[1], 10, 64)
	if errors.Join(err1, err2) != nil {
		return "", k, false
	}
	k = journal.TaskKey{Cycle: cycle, Wave: wave, Node: parts[2], Item: parts[3]}
	if machine.ChildID(stack, k) == id.Stack {
		return stack, k, true
	}
	if item, try, cut := cutLast(k.Item, "#"); cut { // a later try
		if _, err := strconv.Atoi(try); err == nil {
			k.Item = item
		}
	}
	return stack, k, machine.ChildID(stack, k) == id.Stack
}

// Around lists the stacks around a stack, the innermost first: it does the work of a node, or
// of a call of a tool, of the first one, that does the work of the second, and so on.
// journal.ErrNotFound when one of them is not there any more.
func Around(ctx context.Context, r Reader, inner *journal.Identity) (list []journal.Summary, err error) {
	for id := inner; id.Parent != ""; {
		where, _, _ := strings.Cut(id.Parent, "/")
		name, nonce, _ := cutLast(where, ".")
		sum, err := r.Stack(ctx, name)
		if err == nil && sum.Identity.Nonce != nonce { // another one of its name
			err = fmt.Errorf("%w: %q", journal.ErrNotFound, name)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, sum)
		id = &sum.Identity
	}
	return list, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// RunsGraphs reports whether a node of a stored definition runs a graph.
func RunsGraphs(ctx context.Context, r Reader, hash string) (bool, error) {
	nodes, err := graphNodes(ctx, r, hash)
	return len(nodes) > 0, err
}

// Merge reads the records of a stack and of those within it as one journal.
type Merge struct {
	r     Reader
	stack string
	want  journal.Want
	next  map[string]uint64 // by stack: the seq that is read next
}

// NewMerge begins a Merge. Of want, From is for the stack itself, and Types and Bulk for
// all; To and Last say nothing.
func NewMerge(r Reader, stack string, want journal.Want) *Merge {
	return &Merge{r: r, stack: stack, want: want, next: map[string]uint64{stack: want.From}}
}

// Next is the seq of the stack's own record that comes next.
func (m *Merge) Next() uint64 { return m.next[m.stack] }

// Read calls fn with all records that are there and that it has not read before, by their
// times: those of one stack stay in their order, and an outer stack comes before those
// within it. The place is that of the node whose stack has the record, and empty for the
// stack itself. An error of fn comes back as it is.
func (m *Merge) Read(ctx context.Context, fn func(journal.Place, journal.Record) error) error {
	return m.read(ctx, true, fn)
}

// ReadChildren is Read without the records of the stack itself.
func (m *Merge) ReadChildren(ctx context.Context, fn func(journal.Place, journal.Record) error) error {
	return m.read(ctx, false, fn)
}

func (m *Merge) read(ctx context.Context, own bool, fn func(journal.Place, journal.Record) error) error {
	children, err := Children(ctx, m.r, m.stack, true)
	if err != nil {
		return err
	}
	top, err := m.r.Stack(ctx, m.stack)
	if err != nil {
		return err
	}
	var later []*source // sorted by when they began
	if own {
		later = append(later, &source{sum: &top})
	}
	for i := range children {
		later = append(later, &source{place: children[i].Place, sum: &children[i].Summary, rank: i + 1})
	}
	slices.SortStableFunc(later, func(a, b *source) int {
		return a.sum.Identity.CreatedAt.Compare(b.sum.Identity.CreatedAt)
	})
	var open sources
	for len(later) > 0 || len(open) > 0 {
		if len(later) > 0 && (len(open) == 0 || !later[0].sum.Identity.CreatedAt.After(open[0].at())) {
			s := later[0]
			later = later[1:]
			if err := m.fill(ctx, s); err != nil {
				return err
			}
			if len(s.page) > 0 {
				heap.Push(&open, s)
			}
			continue
		}
		s := open[0]
		rec := s.page[0]
		s.page = s.page[1:]
		if err := fn(s.place, rec); err != nil {
			return err
		}
		if len(s.page) == 0 {
			if err := m.fill(ctx, s); err != nil {
				return err
			}
		}
		if len(s.page) == 0 {
			heap.Pop(&open)
			continue
		}
		heap.Fix(&open, 0)
	}
	return nil
}

// pageOf is how many records of a stack are in memory at a time.
const pageOf = 64

// fill reads the next records of a stack that are wanted, if there are any.
func (m *Merge) fill(ctx context.Context, s *source) error {
	id := s.sum.Identity.Stack
	next := m.next[id]
	if next == 0 {
		next = max(s.sum.Identity.First(), 1)
	}
	for len(s.page) == 0 && next <= s.sum.Cursor.Seq {
		to := min(next+pageOf-1, s.sum.Cursor.Seq)
		err := m.r.Records(ctx, id, journal.Want{From: next, To: to, Types: m.want.Types, Bulk: m.want.Bulk}, func(rec journal.Record) error {
			s.page = append(s.page, rec)
			return nil
		})
		if errors.Is(err, journal.ErrNotFound) && id != m.stack { // it is removed just now
			return nil
		}
		if err != nil {
			return err
		}
		next = to + 1
	}
	m.next[id] = next
	return nil
}

// source is a stack whose records are read.
type source struct {
	place journal.Place
	sum   *journal.Summary
	rank  int // among records of one time
	page  []journal.Record
}

func (s *source) at() time.Time { return s.page[0].Time }

// sources are a heap by the time of their first records.
type sources []*source

func (h sources) Len() int { return len(h) }
func (h sources) Less(i, k int) bool {
	if c := h[i].at().Compare(h[k].at()); c != 0 {
		return c < 0
	}
	return h[i].rank < h[k].rank
}
func (h sources) Swap(i, k int) { h[i], h[k] = h[k], h[i] }
func (h *sources) Push(s any)   { *h = append(*h, s.(*source)) }
func (h *sources) Pop() any {
	s := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return s
}
