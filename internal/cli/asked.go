package cli

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
)

// asked are the open questions of a stack and of those within it, at any depth. Commits come
// from several goroutines.
type asked struct {
	stack string
	store inspect.Reader

	mu     sync.Mutex
	own    []question
	within map[string][]question // by the stack that asks
	places map[string]*question  // what is known of stacks that asked; nil for one that is not within
}

func newAsked(stack string, store inspect.Reader) *asked {
	return &asked{stack: stack, store: store, within: map[string][]question{}, places: map[string]*question{}}
}

// take takes where a stack stands, and gives show what is open then if that may have changed.
func (a *asked) take(ctx context.Context, stack string, c *journal.Cursor, show func([]question)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.note(ctx, stack, c) {
		show(a.open())
	}
}

// note takes where a stack stands. It reports whether it is one of those whose questions
// are wanted. mu is held.
func (a *asked) note(ctx context.Context, stack string, c *journal.Cursor) bool {
	list := questionsOf(c)
	if stack == a.stack {
		a.own = list
		return true
	}
	if len(list) == 0 {
		_, had := a.within[stack]
		delete(a.within, stack)
		delete(a.places, stack)
		return had
	}
	at, known := a.places[stack]
	if !known {
		at = a.find(ctx, stack)
		a.places[stack] = at
	}
	if at == nil {
		return false
	}
	for i := range list {
		q := &list[i]
		q.in, q.stack, q.top = at.in, at.stack, at.top
		q.path = journal.Spot{Node: q.node, Item: q.item}.String()
		if at.path != "" {
			q.path = at.path + "/" + q.path
		}
	}
	a.within[stack] = list
	return true
}

// find says where a stack is within the one that is looked at; nil if it is not.
func (a *asked) find(ctx context.Context, stack string) *question {
	sum, err := a.store.Stack(ctx, stack)
	if err != nil {
		return nil
	}
	around, err := inspect.Around(ctx, a.store, &sum.Identity)
	if err != nil || len(around) == 0 || around[len(around)-1].Identity.Stack != a.stack {
		return nil
	}
	top, place, err := inspect.Outermost(ctx, a.store, &sum.Identity)
	if err != nil {
		return nil
	}
	q := &question{in: stack, stack: top.Stack, path: place.String()}
	if top.Stack == a.stack {
		q.top = place[0].Node
	}
	return q
}

// begin takes the questions that are open before anything happens, and gives them.
func (a *asked) begin(ctx context.Context, g *graph.Graph, c *journal.Cursor) []question {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(ctx, a.stack, c)
	inner := func(sum journal.Summary) error {
		if sum.Err == nil && sum.Identity.Parent != "" && !sum.Cursor.Status.Ended() {
			a.note(ctx, sum.Identity.Stack, &sum.Cursor)
		}
		return nil
	}
	switch {
	case slices.ContainsFunc(g.Tools, func(t graph.Tool) bool { return t.Kind.Runs }):
		_ = a.store.Stacks(ctx, inner) // what cannot be read is shown when it moves
	case slices.ContainsFunc(g.Nodes, func(n graph.Node) bool { return n.Kind.Runs }):
		children, _ := inspect.Children(ctx, a.store, a.stack, false)
		for i := range children {
			_ = inner(children[i].Summary)
		}
	}
	return a.open()
}

// open lists the questions, the oldest first: one that comes does not push away the one that
// somebody reads.
func (a *asked) open() []question {
	all := slices.Clone(a.own)
	for _, list := range a.within { // in any order: they are sorted
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(p, q question) int {
		if p.in == "" && q.in == "" {
			return p.since.Compare(q.since)
		}
		return cmp.Or(p.since.Compare(q.since), cmp.Compare(p.in, q.in))
	})
	return all
}
