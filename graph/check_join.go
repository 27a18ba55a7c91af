package graph

import (
	"github.com/graphrun/graphrun/diag"
)

// checkJoins reports joins that ask for more live edges than there can be.
func (c *compiler) checkJoins() {
	for i := range c.g.Nodes {
		c.checkJoin(&c.g.Nodes[i])
	}
}

func (c *compiler) checkJoin(n *Node) {
	at := placed(n.Def.Join.Text.Span, n.Def.At)
	count, most, exclusive := c.liveAtMost(n)
	switch {
	case n.Join == JoinAtLeast && n.JoinN < 1:
		c.diags.Add(diag.JoinUnsatisfiable, at, "ask for at least one, or use `none`", "at_least(%d) asks for nothing", n.JoinN)
	case n.Join == JoinAtLeast && n.JoinN > count:
		c.diags.Add(diag.JoinUnsatisfiable, at, "an `after` edge without `when` does not count",
			"%q asks for %d live edges and has only %d that count", n.ID, n.JoinN, count)
	case n.Join == JoinAtLeast && n.JoinN > most, n.Join == JoinAll && most < count:
		c.diags.Add(diag.JoinUnsatisfiable, at, "a node settles with one outcome: `outcome: always` takes either",
			"the edges from %q to %q for success and for failure are never live together", c.g.Nodes[exclusive].ID, n.ID)
	}
	c.stuck[n.Index] = n.Join == JoinAtLeast && (n.JoinN < 1 || n.JoinN > most) || n.Join == JoinAll && most < count
}

// liveAtMost counts the edges in a node's join and how many of them can be live
// at once: of two that ask one source for success and for failure, one.
func (c *compiler) liveAtMost(n *Node) (count, most, exclusive int) {
	type run struct {
		from      int
		nextCycle bool
	}
	asked := map[run]Outcome{}
	for _, i := range n.In {
		e := &c.g.Edges[i]
		if !e.Counts() {
			continue
		}
		count++
		most++
		if e.After || e.Outcome == Always {
			continue
		}
		r := run{e.From, e.NextCycle}
		if o, ok := asked[r]; ok && o != e.Outcome {
			most--
			exclusive = e.From
		}
		asked[r] = e.Outcome
	}
	return count, most, exclusive
}
