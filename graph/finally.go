package graph

import (
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// finalStackType is `stack` in the nodes of `finally`: it says how the stack ends.
var finalStackType = schema.ObjectOf(append(slices.Clone(stackType.Props),
	required("status", schema.EnumOf(schema.String, "completed", "failed", "cancelled")), required("reason", schema.StringType))...)

const noEnd = "how the stack ended is known in the nodes of `finally` only, and in the conditions of edges between them"

// declareFinally marks the nodes of `finally`.
func (c *compiler) declareFinally() {
	for _, t := range c.def.Finally {
		i, ok := c.node(t)
		if !ok {
			continue
		}
		n := &c.g.Nodes[i]
		switch {
		case n.Final:
			c.diags.Add(diag.BadConfig, t.Span, "name it once", "%q is in %q twice", t.Value, "finally")
			continue
		case n.Kind.Waits:
			c.diags.Add(diag.BadConfig, t.Span, "nobody answers a stack that ends; tell people with a node that does not wait",
				"%q waits, and cannot be in %q", t.Value, "finally")
		case n.Background:
			c.diags.Add(diag.BadConfig, t.Span, "leave `background` away: the stack waits for the node, up to `finally_timeout`",
				"%q runs in the background, and cannot be in %q", t.Value, "finally")
		}
		n.Final = true
		c.g.Finally = append(c.g.Finally, i)
	}
	slices.Sort(c.g.Finally)
	if len(c.def.Finally) == 0 && c.def.FinallyTimeout != 0 {
		c.diags.Add(diag.Unused, placed(c.def.FinallyAt, c.def.Name.Span), "", "%q is not used: the graph has no %q", "finally_timeout", "finally")
	}
}

// checkFinalWaits reports nodes of `finally` that may wait without being of a kind that
// does: those whose graph waits or works in the background, and agents that may need a
// person's word.
func (c *compiler) checkFinalWaits() {
	seen := map[int]bool{}
	for _, t := range c.def.Finally {
		i, ok := c.g.index.nodes[t.Value]
		if !ok || seen[i] || !c.g.Nodes[i].MayWait() || c.g.Nodes[i].Outside() {
			continue
		}
		seen[i] = true
		why, help := "may call a tool that needs a person's word", "take `approve` away, or another tool"
		if c.g.Nodes[i].Inner != nil {
			why, help = "runs a graph with a node that waits or runs in the background", "take a graph without one"
		}
		c.diags.Add(diag.BadConfig, t.Span, help, "%q %s, and cannot be in %q", t.Value, why, "finally")
	}
}

// checkFinally reports an edge that does not stay on its side: the nodes of `finally`
// run when all cycles are over. Such an edge does not become part of the graph.
func (c *compiler) checkFinally(e *Edge, s source, at diag.Span) bool {
	to := &c.g.Nodes[e.To]
	switch {
	case e.From == Start:
		return true
	case c.g.Nodes[e.From].Final != to.Final:
		c.diags.Add(diag.BadConfig, at, "the nodes of `finally` run when all cycles are over: order them among themselves, and tell them by the state what happened",
			"an edge from %q to %q leads into or out of %q", s.name.Value, to.ID, "finally")
		return false
	case to.Final && e.NextCycle:
		c.diags.Add(diag.BadConfig, placed(c.def.Edges[e.def].NextAt, at), "remove it", "no cycle follows that of %q", "finally")
		return false
	}
	return true
}

// finalScopes are the scopes of the nodes of `finally`.
func (c *compiler) finalScopes() scopes {
	stack := cond.Name{Name: "stack", Type: finalStackType, Slot: SlotStack}
	return scopes{base: c.scopes.base.With(stack), failed: c.scopes.failed.With(stack), settled: c.scopes.settled.With(stack)}
}

// scopesOf returns the scopes of the expressions of a node.
func (c *compiler) scopesOf(n *Node) *scopes {
	if n.Final {
		return &c.final
	}
	return &c.scopes
}

// edgeScopes returns the scopes of the condition of an edge, which its targets decide.
func (c *compiler) edgeScopes(d *EdgeDef) *scopes {
	for _, to := range d.To {
		if i, ok := c.g.index.nodes[to.Value]; !ok || !c.g.Nodes[i].Final {
			return &c.scopes
		}
	}
	if len(d.To) == 0 {
		return &c.scopes
	}
	return &c.final
}

// sayFinally adds where the end of the stack is known to problems about it.
func sayFinally(problems diag.List) {
	for i := range problems {
		if p := &problems[i]; p.Code == diag.UnknownProperty &&
			(p.Message == `"stack" has no property "status"` || p.Message == `"stack" has no property "reason"`) {
			p.Help = noEnd
		}
	}
}
