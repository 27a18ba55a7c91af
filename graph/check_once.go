package graph

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// checkOnce reports what has no meaning in a graph with `once`, whose cycles are one
// pass: they follow when something comes in.
func (c *compiler) checkOnce() {
	if !c.def.Once {
		return
	}
	if p := c.def.Pause; p != (PauseDef{}) {
		c.diags.Add(diag.Unused, placed(p.At, c.def.OnceAt), "its next cycle begins when something comes in; remove one of the two",
			"%q is not used: the graph has %q", "pause", "once: true")
	}
	if s := c.def.Schedule; s.Cron.Value != "" && (s.AtStart == nil || *s.AtStart) {
		c.diags.Add(diag.Unused, placed(s.Cron.Span, c.def.OnceAt), "its one pass begins at once; with `at_start: false` it begins when the schedule is due",
			"%q is not used: the graph has %q", "schedule", "once: true")
	}
	if m := c.def.Mode; c.g.Mode != nil && m.Kind != tree.Null {
		c.diags.Add(diag.BadConfig, m.Span, "a pass goes by the edges; remove one of the two",
			"%q cannot be together with %q", "mode", "once: true")
	}
	for i := range c.def.Edges {
		if d := &c.def.Edges[i]; d.NextCycle {
			c.diags.Add(diag.NeverLive, placed(d.NextAt, d.At), "the cycles of a graph with `once: true` are one pass; remove `once`, or write the edge without `next_cycle`",
				"an edge with %q is never live under %q", "next_cycle", "once: true")
		}
	}
}
