package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// checkLoops orders the nodes by the edges without next_cycle, which must be a
// DAG. Each loop is reported once, with its path, at the edge that closes it.
func (c *compiler) checkLoops() {
	before := waits(c.g.Nodes)
	c.g.Order = topological(before)
	if len(c.g.Order) == len(c.g.Nodes) {
		return
	}
	c.loops = true
	next := reversed(before)
	for _, loop := range findLoops(next) {
		c.reportLoop(loopPath(c.entry(loop), loop, next))
	}
}

// entry returns the node at which a loop is entered: one with an edge from outside
// the loop, else the node that is declared first.
func (c *compiler) entry(loop []int) int {
	for _, i := range loop {
		for _, in := range c.g.Nodes[i].In {
			e := &c.g.Edges[in]
			if _, inside := slices.BinarySearch(loop, e.From); !inside && !e.NextCycle {
				return i
			}
		}
	}
	return loop[0]
}

func (c *compiler) reportLoop(path []int) {
	words := make([]string, len(path))
	for i, n := range path {
		words[i] = c.g.Nodes[n].ID
	}
	from, to := path[len(path)-2], path[0]
	help := fmt.Sprintf("add `next_cycle: true` to the edge from %q to %q if the loop continues in the next cycle", words[len(words)-2], words[0])
	at := c.g.Nodes[to].Def.At
	if e := c.edgeBetween(from, to); e != nil {
		at = e.At
	} else if e := c.elseInto(to); e != nil {
		at = e.At
		help = fmt.Sprintf("the `else` edge to %q waits for the sources of its siblings' targets, and %q is one of them", words[0], words[len(words)-2])
	}
	c.diags.Add(diag.Cycle, at, help, "the edges form a loop: %s", strings.Join(words, " -> "))
}

func (c *compiler) edgeBetween(from, to int) *Edge {
	for _, i := range c.g.Nodes[to].In {
		if e := &c.g.Edges[i]; e.From == from && !e.NextCycle {
			return e
		}
	}
	return nil
}

func (c *compiler) elseInto(to int) *Edge {
	for _, i := range c.g.Nodes[to].In {
		if e := &c.g.Edges[i]; e.Else {
			return e
		}
	}
	return nil
}

// waits returns the arrows of the DAG, from each node to those that it waits for.
func waits(nodes []Node) [][]int {
	before := make([][]int, len(nodes))
	for i := range nodes {
		before[i] = nodes[i].Waits
	}
	return before
}
