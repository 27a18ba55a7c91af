package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/runtime"
)

// A token of one graph sees the stacks of that graph, with those that do the work of their
// nodes. Everything else does not exist for it: the answer is the same as for an id that was
// never used.

// wide reports whether a route is closed to tokens of one graph.
func (r *route) wide() bool {
	of := strings.Contains(r.pattern, "{stack}") || strings.HasPrefix(r.pattern, "/v1/graphs/{name}")
	return !of && !r.narrow && r.access != open
}

// within checks that what the path names exists for the principal.
func (c *call) within(r route) error {
	if c.who.Graph == "" || r.access == open {
		return nil
	}
	if r.wide() {
		return errorf(CodeForbidden, "%s %s is about all graphs, this token is for graph %q", r.method, r.pattern, c.who.Graph)
	}
	if id, ok := c.ids["stack"]; ok {
		sees, err := c.seesStack(id)
		if err == nil && !sees {
			err = &runtime.UnknownStackError{Stack: id}
		}
		return err
	}
	if name, ok := c.ids["name"]; ok && !c.seesGraph(name) {
		return errorf(CodeNotFound, "unknown graph %q", name)
	}
	return nil
}

// seesGraph reports whether a graph exists for the principal.
func (c *call) seesGraph(name string) bool { return c.who.Graph == "" || c.who.Graph == name }

// seesStack reports whether a stack exists for the principal. It is false for one that does
// not exist at all.
func (c *call) seesStack(id string) (bool, error) { return Sees(c.ctx, c.o.Store, c.who, id) }

// sees is seesStack for a stack whose graph is known. child says that it does a node's work.
func (c *call) sees(id, graph string, child bool) (bool, error) {
	if c.who.Graph == "" || !child {
		return c.seesGraph(graph), nil
	}
	return c.seesStack(id)
}

// Sees reports whether a stack exists for a principal: it is of the principal's graph, or does
// the work of a node of such a stack at any depth. It is false for a stack that the store does
// not have.
func Sees(ctx context.Context, store inspect.Reader, p Principal, stack string) (bool, error) {
	for {
		sum, err := store.Stack(ctx, stack)
		if errors.Is(err, runtime.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		parent, _, child := inspect.ParentOf(&sum.Identity)
		if !child {
			return p.Graph == "" || p.Graph == sum.Identity.Graph, nil
		}
		stack = parent
	}
}

// seesDefinition reports whether a stored definition exists for the principal: one of its
// graph, or one that its graph runs.
func (c *call) seesDefinition(d *runtime.StoredGraph) bool {
	if c.seesGraph(d.Name) {
		return true
	}
	if c.o.Graphs == nil {
		return false
	}
	g, _, ok := c.o.Graphs.Graph(c.who.Graph)
	return ok && runsDefinition(g, d.Hash)
}

func runsDefinition(g *graph.Graph, hash string) bool {
	return slices.ContainsFunc(g.Inner(), func(inner *graph.Graph) bool {
		return inner.Hash == hash || runsDefinition(inner, hash)
	})
}

// graphNames are the names of the served graphs that exist for the principal.
func (c *call) graphNames() []string {
	if c.o.Graphs == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.o.Graphs.Names()), func(name string) bool { return !c.seesGraph(name) })
}

// hidden takes the names of other stacks out of an error.
func (c *call) hidden(err error) error {
	var unknown *runtime.UnknownStackError
	if c.who.Graph != "" && errors.As(err, &unknown) {
		return errorf(CodeNotFound, "unknown stack %q", unknown.Stack)
	}
	return err
}

// hideTasks takes from what tasks wait behind the tasks of stacks that do not exist for the
// principal: graphs may share what lets their tasks through.
func (c *call) hideTasks(tasks []Task) error {
	if c.who.Graph == "" {
		return nil
	}
	for i := range tasks {
		t := &tasks[i]
		if t.Behind != nil {
			if sees, err := c.seesStack(t.Behind.Stack); err != nil {
				return err
			} else if !sees {
				t.Behind = nil
			}
		}
		var err error
		if t.Slot, err = c.hideHolders(t.Slot); err != nil {
			return err
		}
	}
	return nil
}

// hideHolders is a slot without the tasks in it that are of stacks which do not exist for the
// principal.
func (c *call) hideHolders(slot *inspect.Slot) (*inspect.Slot, error) {
	if slot == nil || c.who.Graph == "" {
		return slot, nil
	}
	out := *slot
	out.By = []runtime.Behind{}
	for _, by := range slot.By {
		sees, err := c.seesStack(by.Stack)
		if err != nil {
			return nil, err
		}
		if sees {
			out.By = append(out.By, by)
		}
	}
	return &out, nil
}
