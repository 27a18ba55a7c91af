package api

import (
	"cmp"
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
		st, err := c.engine.Status(c.ctx, in.Stack)
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
		if _, err := c.engine.Status(c.ctx, c.stack()); err != nil {
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
