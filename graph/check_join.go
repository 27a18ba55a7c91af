package graph

import (
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// checkJoins reports joins that ask for more live edges than there can be.
func (c *compiler) checkJoins() {
	for i := range c.g.Nodes {
		c.checkJoin(&c.g.Nodes[i])
		c.checkTogether(&c.g.Nodes[i])
	}
}

func (c *compiler) checkJoin(n *Node) {
	at := placed(n.Def.Join.Text.Span, n.Def.At)
	count, most, exclusive := c.liveAtMost(n, nil)
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

// checkTogether warns of a join that needs live edges from several nodes that end in
// cycles of their own: in the cycle in which one of them ends, the edges of the others
// are dead.
func (c *compiler) checkTogether(n *Node) {
	if n.Latch && n.Join == JoinNone {
		c.diags.Add(diag.BadConfig, placed(n.Def.LatchAt, n.Def.At), "`join: none` asks that no edge is live; remove one of the two",
			"%q cannot be together with %q", "latch", "join: none")
	}
	if c.g.Once || n.Latch || c.stuck[n.Index] || n.Join != JoinAll && n.Join != JoinAtLeast {
		return
	}
	late := func(e *Edge) bool {
		return !e.After && !e.NextCycle && e.From != Start && c.g.Nodes[e.From].MayWait()
	}
	count, most, _ := c.liveAtMost(n, func(e *Edge) bool { return !late(e) })
	var names []string
	best := 0
	for _, i := range n.Waits {
		own, live, _ := c.liveAtMost(n, func(e *Edge) bool { return late(e) && e.From == i })
		if own > 0 {
			names = append(names, strconv.Quote(c.g.Nodes[i].ID))
		}
		count, best = count+own, max(best, live)
	}
	need := n.JoinN
	if n.Join == JoinAll {
		need = count
	}
	if len(names) > 1 && most+best < need {
		c.diags.Add(diag.NeverTogether, placed(n.Def.Join.Text.Span, n.Def.At),
			"add `latch: true` to the node, so that an edge that was live stays live, or put conditions over the state on its edges",
			"%s end in different cycles, so their edges to %q are not live together", strings.Join(names, " and "), n.ID)
	}
}

// liveAtMost counts the edges in a node's join and how many of them can be live
// at once: an edge that asks its source for failure is never live with one that asks it
// for success, or for no failure.
// Where of is set, only edges count for which it is true.
func (c *compiler) liveAtMost(n *Node, of func(*Edge) bool) (count, most, exclusive int) {
	type run struct {
		from      int
		nextCycle bool
	}
	type asks struct{ failure, other, counted bool }
	asked := map[run]asks{}
	for _, i := range n.In {
		e := &c.g.Edges[i]
		if !e.Counts() || of != nil && !of(e) {
			continue
		}
		count++
		most++
		if e.After || e.Outcome == Always {
			continue
		}
		r := run{e.From, e.NextCycle}
		a := asked[r]
		a.failure, a.other = a.failure || e.Outcome == Failure, a.other || e.Outcome != Failure
		if a.failure && a.other && !a.counted {
			most--
			exclusive, a.counted = e.From, true
		}
		asked[r] = a
	}
	return count, most, exclusive
}
