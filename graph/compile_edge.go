package graph

import (
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
)

// declareNodes adds the nodes with their names, kinds and joins. Edges and scopes
// need them.
func (c *compiler) declareNodes() {
	c.g.Nodes = make([]Node, len(c.def.Nodes))
	c.stuck, c.cut = make([]bool, len(c.g.Nodes)), make([]bool, len(c.g.Nodes))
	for i := range c.def.Nodes {
		d := &c.def.Nodes[i]
		n := &c.g.Nodes[i]
		*n = Node{Index: i, ID: d.ID.Value, Background: d.Background, Def: d}
		n.Join, n.JoinN = c.join(d.Join)
		c.mention(NameOfKind, d.Uses)
		k, ok := c.kinds.Kind(d.Uses.Value)
		if !ok {
			c.unknown(diag.UnknownKind, "kind", d.Uses, c.kinds.Names())
			k.Open = true // the kind is unknown, so its `with` may hold anything
		}
		n.Kind = k
	}
}

// compileEdges turns the edges as written into one edge per source and target,
// and gives the nodes their edges. Conditions are compiled once all are known.
func (c *compiler) compileEdges() {
	for i := range c.def.Edges {
		c.expand(i)
	}
	for i := range c.g.Edges {
		e := &c.g.Edges[i]
		c.g.Nodes[e.To].In = append(c.g.Nodes[e.To].In, i)
		if e.From != Start {
			c.g.Nodes[e.From].Out = append(c.g.Nodes[e.From].Out, i)
		}
	}
	c.groupElse()
	c.collectWaits()
}

// source is one end of an edge as written: a flow or an order source.
type source struct {
	node  int
	after bool
	name  diag.Text
}

// expand adds the edges that one entry of `edges` stands for.
func (c *compiler) expand(def int) {
	d := &c.def.Edges[def]
	if len(d.To) == 0 {
		c.diags.Add(diag.MissingField, d.At, "", "an edge needs %q", "to")
	}
	if len(d.From) > 0 && len(d.After) > 0 {
		c.diags.Add(diag.WrongType, d.After[0].Span, "`from` for the flow, `after` for the order alone; write two edges for both",
			"an edge has %q or %q, not both", "from", "after")
	}
	sources := c.sources(d)
	c.checkForm(d, sources)
	outcome := c.outcome(d)
	if len(d.After) > 0 {
		outcome = Success
	}
	var when *cond.Program
	if !c.readsResults(d) {
		when = c.condition(d.When, c.edgeScopes(d).edge(outcome))
	}
	for _, s := range sources {
		for _, to := range d.To {
			t, ok := c.node(to)
			if !ok {
				continue
			}
			if s.node == unresolved {
				c.cut[t] = true
				continue
			}
			e := Edge{Index: len(c.g.Edges), From: s.node, To: t, After: s.after, Outcome: outcome,
				When: when, Else: d.Else, NextCycle: d.NextCycle, At: d.At, def: def}
			if c.checkEdge(&e, s, to) {
				c.g.Edges = append(c.g.Edges, e)
			}
		}
	}
}

// unresolved is the source of an edge whose name is not known.
const unresolved = -2

func (c *compiler) sources(d *EdgeDef) []source {
	var out []source
	for _, t := range d.From {
		if t.Value == "start" {
			out = append(out, source{node: Start, name: t})
			continue
		}
		out = append(out, source{node: c.nodeOr(t), name: t})
	}
	for _, t := range d.After {
		if t.Value == "start" {
			c.diags.Add(diag.WrongType, t.Span, "leave `after` away: every cycle begins with its start",
				"%q cannot be in %q", "start", "after")
			continue
		}
		out = append(out, source{node: c.nodeOr(t), after: true, name: t})
	}
	if len(d.From)+len(d.After) == 0 {
		out = append(out, source{node: Start})
	}
	return out
}

func (c *compiler) nodeOr(t diag.Text) int {
	if i, ok := c.node(t); ok {
		return i
	}
	return unresolved
}

// node finds a node by name, and reports one that is not there.
func (c *compiler) node(t diag.Text) (int, bool) {
	c.mention(NameOfNode, t)
	i, ok := c.g.index.nodes[t.Value]
	if !ok {
		c.unknown(diag.UnknownNode, "node", t, c.g.NodeIDs())
	}
	return i, ok
}

// groupElse finds the siblings of else edges: the conditional edges of the
// same source and outcome.
func (c *compiler) groupElse() {
	type group struct {
		from    int
		outcome Outcome
		final   bool // of the edges from the start: those of `finally` are apart
	}
	grouped := func(e *Edge) bool { return !e.After && !e.NextCycle }
	members := map[group][]int{}
	for i := range c.g.Edges {
		if e := &c.g.Edges[i]; grouped(e) && c.conditional(e) {
			g := group{e.From, e.Outcome, c.g.Nodes[e.To].Final}
			members[g] = append(members[g], i)
		}
	}
	for i := range c.g.Edges {
		e := &c.g.Edges[i]
		if !e.Else || !grouped(e) {
			continue
		}
		e.Siblings = members[group{e.From, e.Outcome, c.g.Nodes[e.To].Final}]
		if len(e.Siblings) == 0 {
			c.diags.Add(diag.WrongType, placed(c.def.Edges[e.def].ElseAt, e.At), "`else` needs another edge from the same source, with a `when`, whose opposite it is",
				"%q has no condition that it could be the opposite of", "else")
		}
	}
}

// conditional reports whether an edge was written with a condition, also one
// that has errors.
func (c *compiler) conditional(e *Edge) bool { return !e.Else && c.def.Edges[e.def].When.Value != "" }

// collectWaits decides which nodes settle before another is decided. An else
// edge is known when its siblings are, which is when their targets are decided:
// so its target waits for all that they wait for.
func (c *compiler) collectWaits() {
	nodes := c.g.Nodes
	var behind [][2]int // target of an else edge, target of a sibling
	for i := range nodes {
		for _, in := range nodes[i].In {
			e := &c.g.Edges[in]
			if e.NextCycle {
				continue
			}
			if e.From != Start {
				nodes[i].Waits = append(nodes[i].Waits, e.From)
			}
			for _, s := range e.Siblings {
				if to := c.g.Edges[s].To; to != i {
					behind = append(behind, [2]int{i, to})
				}
			}
		}
		nodes[i].Waits = sortedSet(nodes[i].Waits)
	}
	for changed := true; changed; {
		changed = false
		for _, b := range behind {
			n := &nodes[b[0]]
			all := sortedSet(append(slices.Clone(n.Waits), nodes[b[1]].Waits...))
			changed = changed || len(all) > len(n.Waits)
			n.Waits = all
		}
	}
}

func sortedSet(s []int) []int {
	slices.Sort(s)
	return slices.Compact(s)
}
