package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/runtime"
)

// Child is a stack that does the work of a node of another one, at any depth.
type Child struct {
	Stack  string         `json:"stack"`
	Graph  string         `json:"graph"`
	Path   string         `json:"path"` // of its node: "check", "each[b]/low"
	Status journal.Status `json:"status"`
}

// maxOver is how many finished tasks of children a status lists. Tasks that are not over
// are all in it.
const maxOver = 1000

// addChildren adds what the stacks within a stack do and wait for. That its own node waits
// because they do is left out then.
func (c *call) addChildren(out *StackStatus) error {
	if out.Status.Ended() || out.Problem != "" && !out.Driven {
		return nil
	}
	children, err := inspect.Children(c.ctx, c.o.Store, out.Stack.Stack, false)
	if err != nil {
		return err
	}
	over := 0
	for i := range children {
		in, at := &children[i].Summary.Identity, children[i].Place.String()
		st, err := c.rt.Status(c.ctx, in.Stack)
		if errors.Is(err, runtime.ErrNotFound) { // its node has just ended
			continue
		}
		if err != nil {
			return err
		}
		body := statusBody(st, false)
		out.Children = append(out.Children, Child{in.Stack, in.Graph, at, body.Status})
		for _, w := range body.Waiting {
			w.Stack, w.Path = in.Stack, at+"/"+w.Path
			out.Waiting = append(out.Waiting, w)
		}
		for _, t := range body.Tasks {
			if t.State == runtime.TaskOver {
				if over++; over > maxOver {
					continue
				}
			}
			t.Stack, t.Path = in.Stack, at+"/"+t.Path
			out.Tasks = append(out.Tasks, t)
		}
	}
	out.dropNodes()
	return nil
}

// dropNodes drops from what the stack waits for the nodes whose children are listed: what
// those wait for is listed too.
func (s *Stack) dropNodes() {
	if len(s.Children) == 0 {
		return
	}
	listed := map[string]bool{}
	for _, child := range s.Children {
		listed[child.Path] = true
	}
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w WaitingNode) bool { return len(w.Calls) == 0 && listed[w.Path] })
}

// families are the children of all stacks of a store, as a list of stacks shows them.
type families struct {
	members map[string]*member // by their ids
	tops    map[string][]*member
}

// member is a child.
type member struct {
	Child
	parent  string        // the stack that its node belongs to
	top     string        // the stack that no node has the work of, which Path is below
	waiting []WaitingNode // for, if it is not over
}

// families reads which stacks are children and who their parents are, as far as the store can be
// read: the list itself says where it cannot.
func (c *call) families() *families {
	f := &families{members: map[string]*member{}, tops: map[string][]*member{}}
	var order []*member
	_ = c.o.Store.Stacks(c.ctx, func(sum journal.Summary) error {
		id := &sum.Identity
		if sum.Err != nil || id.Parent == "" {
			return nil
		}
		parent, task, ok := inspect.ParentOf(id)
		if !ok {
			return nil
		}
		m := &member{parent: parent, Child: Child{id.Stack, id.Graph, journal.Spot{Node: task.Node, Item: task.Item}.String(), sum.Cursor.Status}}
		if !m.Status.Ended() {
			for _, w := range sum.Cursor.Questions() {
				m.waiting = append(m.waiting, waitingNode(&w))
			}
		}
		f.members[id.Stack] = m
		order = append(order, m)
		return nil
	})
	for _, m := range order {
		f.place(m)
	}
	for _, list := range f.tops {
		slices.SortStableFunc(list, func(a, b *member) int { return cmp.Compare(a.Path, b.Path) })
	}
	return f
}

// runsGraphs reports whether stacks of a definition may have children. known has what was
// found before.
func (c *call) runsGraphs(hash string, known map[string]bool) bool {
	runs, ok := known[hash]
	if ok {
		return runs
	}
	var d struct {
		Nodes, Tools []struct{ Graph json.RawMessage }
	}
	kept, err := c.o.Store.Graph(c.ctx, hash)
	runs = err != nil || json.Unmarshal(kept.Def, &d) != nil
	for _, list := range [][]struct{ Graph json.RawMessage }{d.Nodes, d.Tools} {
		for i := range list {
			runs = runs || list[i].Graph != nil
		}
	}
	known[hash] = runs
	return runs
}

// place finds the stack at the top of a child, and the child's place below it.
func (f *families) place(m *member) {
	if m.top != "" {
		return
	}
	m.top = m.parent
	if up := f.members[m.parent]; up != nil {
		f.place(up)
		m.top, m.Path = up.top, up.Path+"/"+m.Path
	}
	if !m.Status.Ended() {
		f.tops[m.top] = append(f.tops[m.top], m)
	}
}

// complete adds to a line of the list of stacks its children, or where it is one itself.
func (f *families) complete(s *Stack) {
	if m := f.members[s.Stack]; m != nil {
		s.Parent, s.Path = m.top, m.Path
		return
	}
	for _, m := range f.tops[s.Stack] {
		s.Children = append(s.Children, m.Child)
		for _, w := range m.waiting {
			w.Stack, w.Path = m.Stack, m.Path+"/"+w.Path
			s.Waiting = append(s.Waiting, w)
		}
	}
	s.dropNodes()
}

// locate finds the stack and the node that a request means: its node may be a place within
// the graphs that nodes run. item is the element's key where the place does not say it.
func (c *call) locate(place, item string) (stack string, spot journal.Spot, err error) {
	p, err := journal.ParsePlace(place)
	if err != nil {
		return "", spot, errorf(CodeUsage, "%v", err)
	}
	last := &p[len(p)-1]
	if last.Item != "" && item != "" && last.Item != item {
		return "", spot, errorf(CodeUsage, "item %q and %q are two elements: give one of them", item, place)
	}
	last.Item = cmp.Or(last.Item, item)
	stack, spot, err = inspect.Locate(c.ctx, c.o.Store, c.stack(), p, true)
	if errors.Is(err, runtime.ErrNotFound) {
		if _, err := c.rt.Status(c.ctx, c.stack()); err != nil {
			return "", spot, err
		}
	}
	return stack, spot, err
}

// manyPlaces is how many places a message names.
const manyPlaces = 20

// withPlaces adds to an error, which says that there is nothing to answer at a place, what
// within the stack waits for a person.
func (c *call) withPlaces(err error) error {
	var (
		node  *machine.UnknownNodeError
		child *inspect.ChildError
	)
	if !errors.As(err, &node) && !errors.As(err, &child) && !errors.Is(err, machine.ErrNotWaiting) && !errors.Is(err, runtime.ErrEnded) {
		return err
	}
	children, failed := inspect.Children(c.ctx, c.o.Store, c.stack(), false)
	if failed != nil || len(children) == 0 {
		return err
	}
	sum, failed := c.o.Store.Stack(c.ctx, c.stack())
	if failed != nil {
		return err
	}
	var places []string
	asks := func(at journal.Place, cur *journal.Cursor) {
		for _, w := range cur.Questions() {
			if inspect.AsksPerson(&w) {
				places = append(places, append(slices.Clone(at), journal.Spot{Node: w.Node, Item: w.Item}).String())
			}
		}
	}
	asks(nil, &sum.Cursor)
	for i := range children {
		asks(children[i].Place, &children[i].Summary.Cursor)
	}
	what := "nobody is asked in it"
	if len(places) > manyPlaces {
		places = append(places[:manyPlaces], "…")
	}
	if len(places) > 0 {
		what = "what waits: " + strings.Join(places, ", ")
	}
	e := toWire(err)
	return errorf(e.Code, "%s; in stack %q %s", e.Message, c.stack(), what)
}
