package inspect

import (
	"context"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// ExplainPlaces is Explain for nodes at places, also within the graphs that nodes run. Those
// are explained in the stack that does the work of the node around them: with a cycle, the
// newest one that it began in that cycle, else the one that works, or the newest. Of such a
// stack it is the open or the last cycle. live says what the engine knows of a stack; it
// may be nil. Errors are those of Explain, and *ChildError.
func ExplainPlaces(ctx context.Context, r Reader, kinds graph.Kinds, stack string, places []journal.Place, o ExplainOptions, live func(stack string) (*Live, error)) (Explanation, error) {
	within := map[string][]journal.Place{} // by stack
	for _, p := range places {
		if len(p) == 1 {
			o.Nodes = append(o.Nodes, p[0].Node)
			continue
		}
		in, err := locateIn(ctx, r, stack, p, o.Cycle)
		if err != nil {
			return Explanation{}, err
		}
		within[in] = append(within[in], p)
	}
	x, err := explainLive(ctx, r, kinds, stack, o, live)
	if err != nil || len(within) == 0 {
		return x, err
	}
	nodes := map[string]ExplainedNode{} // by place
	for i := range x.Nodes {
		nodes[x.Nodes[i].Node] = x.Nodes[i]
	}
	for in, all := range within { // in any order: each has places of its own
		of := ExplainOptions{Now: o.Now, Compile: o.Compile}
		for _, p := range all {
			of.Nodes = append(of.Nodes, p[len(p)-1].Node)
		}
		inner, err := explainLive(ctx, r, kinds, in, of, live)
		if err != nil {
			return Explanation{}, err
		}
		for k, p := range all {
			n := inner.Nodes[k]
			n.Path, n.Stack = p.String(), in
			if n.Cycle == 0 {
				n.Cycle = inner.Cycle
			}
			nodes[n.Path] = n
		}
	}
	x.Nodes = []ExplainedNode{}
	for _, p := range places {
		name := p.String()
		if len(p) == 1 {
			name = p[0].Node
		}
		x.Nodes = append(x.Nodes, nodes[name])
	}
	return x, nil
}

func explainLive(ctx context.Context, r Reader, kinds graph.Kinds, stack string, o ExplainOptions, live func(string) (*Live, error)) (Explanation, error) {
	if live != nil && o.Cycle == 0 {
		known, err := live(stack)
		if err != nil {
			return Explanation{}, err
		}
		o.Live = known
	}
	return Explain(ctx, r, kinds, stack, o)
}

// locateIn finds the stack that a place is in, as Locate does; with a cycle, the one whose
// task began in that cycle.
func locateIn(ctx context.Context, r Reader, stack string, p journal.Place, cycle uint64) (in string, err error) {
	if cycle == 0 {
		in, _, err = Locate(ctx, r, stack, p, true)
		return in, err
	}
	all, err := Children(ctx, r, stack, true)
	if err != nil {
		return "", err
	}
	around := p[:len(p)-1].String()
	for k := range slices.Backward(all) {
		c := &all[k]
		if c.Place.String() == around && beganIn(all, c, stack, cycle) {
			return c.Summary.Identity.Stack, nil
		}
	}
	var known []string
	for i := range all {
		if name := all[i].Place.String(); beganIn(all, &all[i], stack, cycle) && !slices.Contains(known, name) && len(known) < manyPlaces {
			known = append(known, name)
		}
	}
	return "", &ChildError{Stack: stack, Place: p, Known: known}
}

// beganIn reports whether a child, or the one around it that is a child of the stack itself,
// began in a cycle of the stack.
func beganIn(all []Child, c *Child, stack string, cycle uint64) bool {
	for c.Parent != stack {
		i := slices.IndexFunc(all, func(o Child) bool { return o.Summary.Identity.Stack == c.Parent })
		if i < 0 {
			return false
		}
		c = &all[i]
	}
	return c.Task.Cycle == cycle
}
