package graph

import "github.com/graphrun/graphrun/diag"

// checkBounds warns of stacks that may run, and values that may grow, for ever.
func (c *compiler) checkBounds() {
	if c.g.Once {
		return // its one pass ends
	}
	l := &c.def.Limits
	limited := l.Cycles > 0 || l.Duration > 0 || l.NodeRuns > 0 || l.Tokens > 0 || l.Cost > 0 ||
		l.Failures != nil && *l.Failures > 0
	if len(c.def.Stop) == 0 && !limited {
		c.diags.Add(diag.NoStop, c.def.Name.Span, "add a `stop` condition, or limits: {cycles: 1000}",
			"nothing ends a stack of %q", c.def.Name.Value)
	}
	for i := range c.def.State {
		d := &c.def.State[i]
		if c.g.Keys[i].Reduce.Name == "append" && d.Keep == 0 {
			c.diags.Add(diag.Unbounded, placed(d.Reduce.Name.Span, d.Name.Span), "add `keep: 100` to keep the last 100",
				"%q only grows", d.Name.Value)
		}
	}
}
