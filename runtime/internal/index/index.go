package index

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/btree"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// Index is where the stacks of a store stand. The zero value is not ready to use: New makes
// one. Safe for concurrent use.
type Index struct {
	mu      sync.RWMutex
	ready   bool
	heard   map[string]bool // stacks that were put or removed since New; nil once it is ready
	heads   map[string]*head
	lists   map[class]*btree.BTreeG[*head] // by id; no list is empty
	asks    map[string]*btree.BTreeG[ask]  // by the graph of the outermost stack; "" has all
	within  map[string][]*head             // by stack: those within it, at any depth, that ask a person
	texts   map[string]string              // names of graphs: the same text once
	ailing  map[string]bool                // stacks that the runtime has trouble with
	visible map[string]int                 // by graph: stacks that are not Inner
}

// head is one stack.
type head struct {
	id, graph string
	parent    string // the stack whose node it does the work of; "" for none
	inner     bool
	broken    bool
	parked    bool
	group     Group
	status    journal.Status
	reason    string
	asking    *asking // nil while it asks nobody
	askers    int     // stacks within it that ask somebody
}

// asking are the open questions of a stack to people.
type asking struct {
	moments []int64 // when they began, in Unix nanoseconds: sorted, each once
	above   []string
	top     *head // the outermost stack; nil while one of those around it is missing
}

// class names a list: stacks of a graph, with a status, in a group. What is "" means any.
type class struct {
	graph  string
	status journal.Status
	group  Group
	inner  bool
}

// ask is a moment at which questions of a stack began.
type ask struct {
	at         int64
	top, stack string
}

func (a *ask) compare(b *ask) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.top, b.top), cmp.Compare(a.stack, b.stack))
}

// New makes an Index that knows nothing and is not ready.
func New() *Index {
	return &Index{
		heard: map[string]bool{}, heads: map[string]*head{}, lists: map[class]*btree.BTreeG[*head]{}, asks: map[string]*btree.BTreeG[ask]{},
		within: map[string][]*head{}, texts: map[string]string{}, ailing: map[string]bool{}, visible: map[string]int{},
	}
}

// Ready reports whether the Index knows all stacks.
func (x *Index) Ready() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.ready
}

// Fill adds a stack that a reader of the store has found. What was heard of the stack since
// New is newer, and stays.
func (x *Index) Fill(sum *journal.Summary) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ready && !x.heard[sum.Identity.Stack] {
		x.put(&sum.Identity, &sum.Cursor, sum.Err != nil)
	}
}

// Filled says that Fill was called for all stacks that were in the store.
func (x *Index) Filled() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ready, x.heard = true, nil
}

// Put says where a stack stands that has just been committed.
func (x *Index) Put(id *journal.Identity, at *journal.Cursor) {
	x.mu.RLock()
	h := x.heads[id.Stack]
	same := x.ready && h != nil && !h.broken && h.status == at.Status && h.parked == (len(at.Parked) > 0) && h.reason == brief(at.Reason) &&
		slices.Equal(h.moments(), momentsOf(at))
	x.mu.RUnlock()
	if same { // nearly always
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ready {
		x.heard[id.Stack] = true
	}
	x.put(id, at, false)
}

// Remove says that a stack is not in the store any more.
func (x *Index) Remove(stack string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ready {
		x.heard[stack] = true
	}
	x.drop(stack)
}

// Ail says whether the runtime has trouble with a stack that is not the stack's own.
func (x *Index) Ail(stack string, ails bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if ails == x.ailing[stack] {
		return
	}
	if ails {
		x.ailing[stack] = true
	} else {
		delete(x.ailing, stack)
	}
	if h := x.heads[stack]; h != nil {
		x.regroup(h)
	}
}

func (h *head) moments() []int64 {
	if h.asking == nil {
		return nil
	}
	return h.asking.moments
}

// momentsOf are the moments at which open questions of a stack to people began.
func momentsOf(at *journal.Cursor) (moments []int64) {
	if len(at.Waiting)+len(at.Asking) == 0 || at.Status.Ended() {
		return nil
	}
	for _, w := range at.Questions() {
		if inspect.AsksPerson(&w) {
			moments = append(moments, w.Since.UnixNano())
		}
	}
	slices.Sort(moments)
	return slices.Compact(moments)
}

// maxReason bounds what is kept of a reason, in bytes.
const maxReason = 100

func brief(reason string) string { return reason[:min(len(reason), maxReason)] }

func (x *Index) put(id *journal.Identity, at *journal.Cursor, broken bool) {
	parent, _, known := inspect.ParentOf(id)
	inner := id.Parent != "" && (known || at.Status.Ended())
	h := x.heads[id.Stack]
	if h != nil && (h.graph != id.Graph || h.parent != parent) { // another stack of this id
		x.drop(id.Stack)
		h = nil
	}
	if h == nil {
		h = &head{id: id.Stack, graph: x.text(id.Graph), parent: strings.Clone(parent), inner: inner, broken: broken}
		x.heads[h.id] = h
		defer x.replace(h.id)
	} else {
		x.silence(h)
		x.unlist(h)
	}
	h.inner, h.broken, h.parked, h.status, h.reason = inner, broken, len(at.Parked) > 0, at.Status, x.reason(h.reason, at.Reason)
	h.group = x.groupOf(h)
	x.list(h)
	if moments := momentsOf(at); !broken && len(moments) > 0 {
		h.asking = &asking{moments: moments}
		x.voice(h)
	}
}

// reason keeps one text for a reason that many stacks have.
func (x *Index) reason(was, is string) string {
	if is = brief(is); is == was {
		return was
	}
	return x.text(is)
}

// mostTexts bounds the texts that are kept once.
const mostTexts = 4096

func (x *Index) text(s string) string {
	if kept, ok := x.texts[s]; ok || s == "" {
		return kept
	}
	if len(x.texts) >= mostTexts {
		clear(x.texts)
	}
	s = strings.Clone(s)
	x.texts[s] = s
	return s
}

func (x *Index) drop(stack string) {
	h := x.heads[stack]
	if h == nil {
		return
	}
	x.silence(h)
	x.unlist(h)
	delete(x.heads, stack)
	x.replace(stack)
}

// replace looks again at the stacks within one that has come or gone.
func (x *Index) replace(stack string) {
	for _, h := range slices.Clone(x.within[stack]) {
		a := h.asking
		x.silence(h)
		h.asking = a
		x.voice(h)
	}
}

// listsOf are the lists that a stack is in.
func (h *head) listsOf(add func(class)) {
	add(class{inner: h.inner})
	if h.graph != "" {
		add(class{graph: h.graph, inner: h.inner})
	}
	if h.status != "" {
		add(class{status: h.status, inner: h.inner})
	}
	if h.graph != "" && h.status != "" {
		add(class{graph: h.graph, status: h.status, inner: h.inner})
	}
}

// groupsOf are the lists of groups that a stack is in.
func (h *head) groupsOf(add func(class)) {
	if h.inner {
		return
	}
	add(class{group: h.group})
	if h.graph != "" {
		add(class{graph: h.graph, group: h.group})
	}
}

func byID(a, b *head) bool { return a.id < b.id }

func (x *Index) enter(h *head) func(class) {
	return func(c class) {
		l := x.lists[c]
		if l == nil {
			l = btree.NewBTreeGOptions(byID, btree.Options{NoLocks: true})
			x.lists[c] = l
		}
		l.Load(h) // fast in the order of ids, as when it is filled
	}
}

func (x *Index) exit(h *head) func(class) {
	return func(c class) {
		l := x.lists[c]
		if l == nil {
			return
		}
		if l.Delete(h); l.Len() == 0 {
			delete(x.lists, c)
		}
	}
}

func (x *Index) list(h *head) {
	h.listsOf(x.enter(h))
	h.groupsOf(x.enter(h))
	if !h.inner && h.graph != "" {
		x.visible[h.graph]++
	}
}

func (x *Index) unlist(h *head) {
	h.listsOf(x.exit(h))
	h.groupsOf(x.exit(h))
	if !h.inner && h.graph != "" {
		if x.visible[h.graph]--; x.visible[h.graph] == 0 {
			delete(x.visible, h.graph)
		}
	}
}

// deepest bounds how deep stacks lie in each other; only damaged ones lie deeper.
const deepest = 1000

// voice lists the questions of a stack, as those of the outermost one that it is in.
func (x *Index) voice(h *head) {
	a, at := h.asking, h
	a.above, a.top = nil, nil
	for at != nil && at.parent != "" && len(a.above) < deepest {
		a.above = append(a.above, at.parent)
		x.within[at.parent] = append(x.within[at.parent], h)
		at = x.heads[at.parent]
	}
	if at == nil || at.parent != "" {
		return // one of those around it has gone
	}
	a.top = at
	for _, moment := range a.moments {
		for _, graph := range graphsOf(at) {
			l := x.asks[graph]
			if l == nil {
				l = btree.NewBTreeGOptions(func(a, b ask) bool { return a.compare(&b) < 0 }, btree.Options{NoLocks: true})
				x.asks[graph] = l
			}
			l.Load(ask{moment, at.id, h.id})
		}
	}
	at.askers++
	x.regroup(at)
}

// silence takes the questions of a stack away.
func (x *Index) silence(h *head) {
	a := h.asking
	if a == nil {
		return
	}
	h.asking = nil
	for _, id := range a.above {
		left := slices.DeleteFunc(x.within[id], func(o *head) bool { return o == h })
		if x.within[id] = left; len(left) == 0 {
			delete(x.within, id)
		}
	}
	if a.top == nil {
		return
	}
	for _, moment := range a.moments {
		for _, graph := range graphsOf(a.top) {
			l := x.asks[graph]
			if l.Delete(ask{moment, a.top.id, h.id}); l.Len() == 0 {
				delete(x.asks, graph)
			}
		}
	}
	a.top.askers--
	x.regroup(a.top)
}

// graphsOf are the lists of questions that those of a stack are in.
func graphsOf(top *head) []string {
	if top.graph == "" {
		return []string{""}
	}
	return []string{"", top.graph}
}

// regroup moves a stack to the group that it is in now.
func (x *Index) regroup(h *head) {
	group := x.groupOf(h)
	if group == h.group || x.heads[h.id] != h {
		return
	}
	h.groupsOf(x.exit(h))
	h.group = group
	h.groupsOf(x.enter(h))
}
