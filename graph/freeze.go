package graph

import (
	"fmt"
	"strings"
)

// freeze fills in the fields that are computed from a graph without errors.
func (g *Graph) freeze() {
	g.Hash = hashOf(g.Def)
	g.Missing = g.missing()
	g.Readers = make([][]int, len(g.Keys))
	for i := range g.Edges {
		g.Edges[i].Steady = g.readBy(i)
	}
}

// readBy lists an edge under the keys that its condition reads, and reports
// whether it depends on nothing else that can change.
func (g *Graph) readBy(i int) bool {
	when := g.Edges[i].When
	if when == nil {
		return true
	}
	r := when.Reads()
	if r.Whole&(1<<SlotState) != 0 {
		for k := range g.Readers {
			g.Readers[k] = append(g.Readers[k], i)
		}
	} else {
		for _, k := range r.Fields[SlotState] {
			g.Readers[k] = append(g.Readers[k], i)
		}
	}
	return r.Slots&^(1<<SlotState|1<<SlotParams) == 0
}

// missing lists the kinds that this program cannot run.
func (g *Graph) missing() (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for i := range g.Nodes {
		n := &g.Nodes[i]
		switch {
		case n.Kind.Missing:
			add("node %q uses %s", n.ID, n.Kind.Name)
		case n.Kind.Runs && n.Inner == nil:
			add("node %q runs a graph that it does not have", n.ID)
		case n.Inner != nil && len(n.Inner.Missing) > 0:
			add("node %q runs graph %q, in which %s", n.ID, n.Inner.Name, strings.Join(n.Inner.Missing, ", "))
		}
	}
	for i := range g.Tools {
		t := &g.Tools[i]
		switch {
		case t.Kind.Missing:
			add("tool %q uses %s", t.Name, t.Kind.Name)
		case t.Kind.Runs && t.Inner == nil:
			add("tool %q runs a graph that it does not have", t.Name)
		case t.Inner != nil && len(t.Inner.Missing) > 0:
			add("tool %q runs graph %q, in which %s", t.Name, t.Inner.Name, strings.Join(t.Inner.Missing, ", "))
		}
	}
	return out
}
