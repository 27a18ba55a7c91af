package graph

import (
	"github.com/graphrun/graphrun/diag"
)

// checkReach reports every node that nothing can start: each way to it begins at
// a node that cannot run itself, as a node whose only edge is a next_cycle edge
// from itself.
func (c *compiler) checkReach() {
	g := c.g
	can := make([]bool, len(g.Nodes))
	var queue []int
	mark := func(i int) {
		if !can[i] {
			can[i] = true
			queue = append(queue, i)
		}
	}
	live := make([]int, len(g.Nodes))  // edges that can be live
	count := make([]int, len(g.Nodes)) // edges that count
	enough := func(i int) bool {
		switch n := &g.Nodes[i]; n.Join {
		case JoinNone:
			return true
		case JoinAll:
			return live[i] == count[i]
		case JoinAtLeast:
			return live[i] >= n.JoinN
		}
		return live[i] > 0
	}
	for i := range g.Edges {
		if e := &g.Edges[i]; e.Counts() {
			count[e.To]++
			if e.From == Start || e.After || e.Outcome == UnlessFailed { // which a skip is enough for
				live[e.To]++
			}
		}
	}
	inLoop := c.inLoop()
	for i := range g.Nodes {
		// A node whose join or edges have errors counts as one that can run: one
		// problem, one message.
		if count[i] == 0 || enough(i) || c.stuck[i] || c.cut[i] || inLoop[i] {
			mark(i)
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, out := range g.Nodes[i].Out {
			if e := &g.Edges[out]; e.Counts() && !e.After && e.Outcome != UnlessFailed {
				live[e.To]++
				if enough(e.To) {
					mark(e.To)
				}
			}
		}
	}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; !can[i] {
			c.diags.Add(diag.Unreachable, placed(n.Def.ID.Span, n.Def.At), "add an edge to it: one without `from` is live at the start of each cycle",
				"nothing can start %q", n.ID)
		}
	}
}

// inLoop returns the nodes that are not part of the order.
func (c *compiler) inLoop() []bool {
	in := make([]bool, len(c.g.Nodes))
	for i := range in {
		in[i] = c.loops
	}
	for _, i := range c.g.Order {
		in[i] = false
	}
	return in
}
