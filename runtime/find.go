package runtime

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/internal/index"
)

// Filter says which stacks are wanted. What is "" means any.
type Filter struct {
	Graph  string
	Status journal.Status
	Inner  bool   // also those that are part of the stack around them: see IsInner
	Within string // only those whose outermost stack is of this graph
	After  string // only those whose ids come after this one, which need not be there
}

// IsInner reports whether a list of stacks leaves a stack out since the stack around it
// stands for it.
func (s *Status) IsInner() bool {
	if !s.Child {
		return false
	}
	_, _, known := inspect.ParentOf(&journal.Identity{Stack: s.Stack, Parent: s.Parent})
	return known || s.Cursor.Status.Ended()
}

// Wants reports whether a stack of a store is one of those. It does not look at After.
func (f *Filter) Wants(ctx context.Context, store inspect.Reader, s *Status) (bool, error) {
	if f.Graph != "" && f.Graph != s.Graph || f.Status != "" && f.Status != s.Cursor.Status || !f.Inner && s.IsInner() {
		return false, nil
	}
	if f.Within == "" {
		return true, nil
	}
	top, _, err := inspect.Outermost(ctx, store, &journal.Identity{Stack: s.Stack, Graph: s.Graph, Parent: s.Parent})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && top.Graph == f.Within, err
}

// indexed is the index, or nil while it does not know all stacks.
func (rt *Runtime) indexed() *index.Index {
	if rt.index != nil && rt.index.Ready() {
		return rt.index
	}
	return nil
}

// known is the index. While it does not know all stacks, known makes one of the store as it is.
func (rt *Runtime) known(ctx context.Context) (*index.Index, error) {
	if x := rt.indexed(); x != nil {
		return x, nil
	}
	x := index.New()
	err := rt.cfg.Store.Stacks(ctx, func(sum Summary) error {
		x.Fill(&sum)
		if rt.status(sum).Problem != nil {
			x.Ail(sum.Identity.Stack, true)
		}
		return nil
	})
	x.Filled()
	return x, err
}

// ListWhere is List for some of the stacks. With Config.Index it reads no others.
func (rt *Runtime) ListWhere(ctx context.Context, f Filter, fn func(Status) error) error {
	wanted := func(sum Summary) error {
		st := rt.status(sum)
		if wants, err := f.Wants(ctx, rt.cfg.Store, &st); err != nil || !wants {
			return err
		}
		return fn(st)
	}
	x := rt.indexed()
	if x == nil || f.Graph == "" && f.Status == "" && f.Within == "" && f.Inner { // all of them: the store is as fast
		return inspect.StacksAfter(ctx, rt.cfg.Store, f.After, wanted)
	}
	where := index.Where{Graph: f.Graph, Status: f.Status, Inner: f.Inner, Within: f.Within}
	after := f.After
	for n := firstPage; ; n = min(2*n, lastPage) {
		ids := x.After(where, after, n)
		for _, id := range ids {
			sum, err := rt.cfg.Store.Stack(ctx, id)
			if errors.Is(err, ErrNotFound) { // it was removed meanwhile
				continue
			}
			var damaged *StoreError
			if errors.As(err, &damaged) && !damaged.Fatal && ctx.Err() == nil {
				sum, err = Summary{Identity: journal.Identity{Stack: id}, Err: err}, nil
			}
			if err == nil {
				err = wanted(sum)
			}
			if err != nil {
				return err
			}
		}
		if len(ids) < n {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// firstPage and lastPage are how many ids are taken of the index at a time: few at first,
// since the caller may want no more.
const (
	firstPage = 128
	lastPage  = 1024
)

// Group says what a stack needs of a person.
type Group = index.Group

// Groups of stacks.
const (
	GroupAsking  = index.Asking  // a person is to answer it, or a stack within it
	GroupFailed  = index.Failed  // it has failed, cannot be read, is not driven any more, waits for the store, or has parked tasks
	GroupRunning = index.Running // it does its work, or waits for an event or a time
	GroupPaused  = index.Paused
	GroupEnded   = index.Ended // completed or cancelled
)

// Groups are all groups, the most urgent first.
func Groups() []Group { return slices.Clone(index.Groups) }

// OverviewQuery says which stacks an Overview lists. What is "" means any.
type OverviewQuery struct {
	Of    string // only stacks of this graph exist
	Graph string
	Group Group
	Text  string // that the id has, or the first 100 bytes of the reason
	Skip  int    // so many are left out at the front
	Limit int    // so many are listed at most
}

// Overview is where the stacks stand that no other one stands for.
type Overview struct {
	Groups map[Group]int            // how many there are, whatever is listed
	Graphs map[string]map[Group]int // the same, by graph
	Found  int                      // how many the query means
	Stacks []GroupedStack
}

// GroupedStack is a stack with the group that it was listed in.
type GroupedStack struct {
	Status
	Group Group
}

// Overview lists stacks by what they need of a person: the most urgent first, and by id
// within a group.
func (rt *Runtime) Overview(ctx context.Context, q OverviewQuery) (o Overview, err error) {
	x, err := rt.known(ctx)
	if err != nil {
		return o, err
	}
	o.Groups, o.Graphs = x.Counts(q.Of)
	graph := cmp.Or(q.Graph, q.Of)
	if q.Of != "" && graph != q.Of {
		return o, nil
	}
	for _, group := range index.Groups {
		if q.Group != "" && q.Group != group {
			continue
		}
		ids, all := x.InGroup(graph, group, q.Text, max(0, q.Skip-o.Found), q.Limit-len(o.Stacks))
		o.Found += all
		for _, id := range ids {
			sum, err := rt.cfg.Store.Stack(ctx, id)
			if errors.Is(err, ErrNotFound) { // it was removed meanwhile
				continue
			}
			if err != nil {
				if ctx.Err() != nil {
					return o, err
				}
				sum = Summary{Identity: journal.Identity{Stack: id}, Err: err}
			}
			o.Stacks = append(o.Stacks, GroupedStack{rt.status(sum), group})
		}
	}
	return o, nil
}

// Question names an open question to a person, and its place in the order of Asked.
type Question struct {
	Since time.Time
	Top   string // the outermost stack
	Stack string // that asks
	ID    string // journal.Waiting.ID
}

// compare orders questions: the oldest first.
func (q *Question) compare(o *Question) int {
	return cmp.Or(q.Since.Compare(o.Since), cmp.Compare(q.Top, o.Top), cmp.Compare(q.Stack, o.Stack), cmp.Compare(q.ID, o.ID))
}

// Asked calls fn with each question that waits for a person, the oldest first, of stacks whose
// outermost one is of a graph ("" means any). It begins behind a question, which need not be
// open any more; the zero one begins with the first. A stack that cannot be read is left out.
// An error of fn comes back as it is. With Config.Index it reads no stacks that nobody is
// asked in.
func (rt *Runtime) Asked(ctx context.Context, graph string, after Question, fn func(Question, inspect.Asked) error) error {
	x, err := rt.known(ctx)
	if err != nil {
		return err
	}
	from := index.Ask{At: after.Since, Top: after.Top, Stack: after.Stack}
	for n := firstPage; ; n = min(2*n, lastPage) {
		asks := x.Asks(graph, from, n)
		for i := range asks {
			if err := rt.askedAt(ctx, asks[i], graph, &after, fn); err != nil {
				return err
			}
		}
		if len(asks) < n {
			return nil
		}
		from = asks[n-1] // it comes again, but none of its questions comes after the last one
	}
}

// askedAt calls fn with the questions of a stack that began at a moment and come after
// another one.
func (rt *Runtime) askedAt(ctx context.Context, ask index.Ask, graph string, after *Question, fn func(Question, inspect.Asked) error) error {
	sum, err := rt.cfg.Store.Stack(ctx, ask.Stack)
	if err != nil {
		return ctx.Err() // it was removed meanwhile, or cannot be read
	}
	all, err := inspect.AskedIn(ctx, rt.cfg.Store, &sum)
	if err != nil {
		return err
	}
	type asked struct {
		Question
		inspect.Asked
	}
	var list []asked
	for _, a := range all {
		q := Question{a.Waiting.Since, a.Stack, ask.Stack, a.Waiting.ID()}
		if q.Since.UnixNano() == ask.At.UnixNano() && q.compare(after) > 0 && (graph == "" || graph == a.Graph) {
			list = append(list, asked{q, a})
		}
	}
	slices.SortFunc(list, func(a, b asked) int { return a.compare(&b.Question) })
	for i := range list {
		*after = list[i].Question
		if err := fn(list[i].Question, list[i].Asked); err != nil {
			return err
		}
	}
	return nil
}
