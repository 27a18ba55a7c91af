package index

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"github.com/graphrun/graphrun/graph/journal"
)

// Group says what a stack needs of a person.
type Group string

// Groups of stacks.
const (
	Asking  Group = "asking"  // a person is to answer it, or a stack within it
	Failed  Group = "failed"  // it has failed, cannot be read, is not driven any more, waits for the store, or has parked tasks
	Running Group = "running" // it does its work, or waits for an event or a time
	Paused  Group = "paused"
	Ended   Group = "ended" // completed or cancelled
)

// Groups are all of them, the most urgent first.
var Groups = []Group{Asking, Failed, Running, Paused, Ended}

func (x *Index) groupOf(h *head) Group {
	switch {
	case h.askers > 0 && !h.status.Ended():
		return Asking
	case h.status == journal.Failed || h.broken || h.parked || x.ailing[h.id]:
		return Failed
	case h.status.Ended():
		return Ended
	case h.status == journal.Paused:
		return Paused
	}
	return Running
}

// Where says which stacks are wanted. What is "" means any.
type Where struct {
	Graph  string
	Status journal.Status
	Inner  bool   // also those that are part of the stack around them
	Within string // only those whose outermost stack is of this graph
}

// chunk is how many stacks are looked at under one lock.
const chunk = 1000

// After lists at most n ids of stacks, sorted, that come after an id.
func (x *Index) After(w Where, after string, n int) (ids []string) {
	for more := true; more && len(ids) < n; {
		ids, after, more = x.after(w, after, n, ids)
	}
	return ids
}

func (x *Index) after(w Where, after string, n int, ids []string) ([]string, string, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []*head
	for _, inner := range []bool{false, true} {
		l := x.lists[class{graph: w.Graph, status: w.Status, inner: inner}]
		if l == nil || inner && !w.Inner {
			continue
		}
		looked := 0
		l.Ascend(&head{id: after}, func(h *head) bool {
			if h.id != after {
				found = append(found, h)
				looked++
			}
			return looked < min(chunk, max(n, 16))
		})
		if inner && looked > 0 {
			slices.SortFunc(found, func(a, b *head) int { return cmp.Compare(a.id, b.id) })
		}
	}
	found = found[:min(len(found), chunk, max(n, 16))] // what comes after them may be missing
	for _, h := range found {
		after = h.id
		if w.Within == "" || x.outermost(h) == w.Within {
			ids = append(ids, h.id)
		}
		if len(ids) == n {
			break
		}
	}
	return ids, after, len(found) > 0
}

// outermost is the graph of the outermost stack that a stack is in; "" if one around it has
// gone.
func (x *Index) outermost(h *head) string {
	for range deepest {
		if h == nil || h.parent == "" {
			break
		}
		h = x.heads[h.parent]
	}
	if h == nil {
		return ""
	}
	return h.graph
}

// Counts says how many stacks there are in each group, in all and by graph. With a graph it
// counts the stacks of that graph alone. Stacks within others are not counted.
func (x *Index) Counts(graph string) (all map[Group]int, graphs map[string]map[Group]int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	graphs = map[string]map[Group]int{}
	for name := range x.visible {
		if graph == "" || graph == name {
			graphs[name] = x.counts(name)
		}
	}
	return x.counts(graph), graphs
}

func (x *Index) counts(graph string) map[Group]int {
	out := map[Group]int{}
	for _, g := range Groups {
		out[g] = length(x.lists[class{graph: graph, group: g}])
	}
	return out
}

func length(l *btree.BTreeG[*head]) int {
	if l == nil {
		return 0
	}
	return l.Len()
}

// InGroup lists at most n ids of a group, sorted, without the first skip of them, and says
// how many there are in all. A graph of "" means any. With a text they are those whose id or
// reason has it; only the first 100 bytes of a reason count.
func (x *Index) InGroup(graph string, g Group, text string, skip, n int) (ids []string, all int) {
	of := class{graph: graph, group: g}
	if text == "" {
		x.mu.RLock()
		defer x.mu.RUnlock()
		l := x.lists[of]
		if l == nil {
			return nil, 0
		}
		for i := skip; i < skip+n; i++ {
			h, ok := l.GetAt(i)
			if !ok {
				break
			}
			ids = append(ids, h.id)
		}
		return ids, l.Len()
	}
	for after, more := "", true; more; {
		more = x.scan(of, &after, func(h *head) {
			if !strings.Contains(h.id, text) && !strings.Contains(h.reason, text) {
				return
			}
			if all++; all > skip && len(ids) < n {
				ids = append(ids, h.id)
			}
		})
	}
	return ids, all
}

// scan calls fn with some stacks of a list that come after an id, which becomes the last
// one's.
func (x *Index) scan(of class, after *string, fn func(*head)) (more bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	l, n, from := x.lists[of], 0, *after
	if l == nil {
		return false
	}
	l.Ascend(&head{id: from}, func(h *head) bool {
		if h.id != from {
			n, *after = n+1, h.id
			fn(h)
		}
		return n < chunk
	})
	return n == chunk
}

// Ask says that questions of a stack to a person began at a moment.
type Ask struct {
	At    time.Time
	Top   string // the outermost stack that it is in, or itself
	Stack string
}

// Asks lists at most n moments at which questions began that are open, the oldest first, from
// one on, which need not be there. A graph of "" means any; else it is that of the outermost
// stack.
func (x *Index) Asks(graph string, from Ask, n int) (all []Ask) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	l := x.asks[graph]
	if l == nil {
		return nil
	}
	pivot := ask{at: -1 << 63, top: from.Top, stack: from.Stack}
	if !from.At.IsZero() {
		pivot.at = from.At.UnixNano()
	}
	l.Ascend(pivot, func(a ask) bool {
		if len(all) < n {
			all = append(all, Ask{time.Unix(0, a.at).UTC(), a.top, a.stack})
		}
		return len(all) < n
	})
	return all
}
