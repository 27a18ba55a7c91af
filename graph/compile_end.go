package graph

import (
	"cmp"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

const (
	defaultPause    = 5 * time.Second
	defaultFactor   = 2
	defaultFailures = 10
	// defaultFinally is the time for the nodes of `finally`.
	defaultFinally     = time.Minute
	defaultFailedPause = time.Second
)

// compileEnd compiles the decisions at the end of a cycle: stop, limits, pause, and
// the mode of the next cycle.
func (c *compiler) compileEnd() {
	for i := range c.def.Stop {
		d := &c.def.Stop[i]
		c.g.Stops = append(c.g.Stops, Stop{
			When:   c.condition(d.When, c.scopes.base),
			Failed: c.word("status", d.Status, "completed", "failed") == 1,
			Reason: d.Reason,
		})
	}
	l := c.def.Limits
	c.g.Limits = Limits{Cycles: l.Cycles, NodeRuns: l.NodeRuns, Tokens: l.Tokens, Failures: defaultFailures,
		Duration: l.Duration, Cost: l.Cost, FailedPause: defaultFailedPause}
	set(&c.g.Limits.Failures, l.Failures)
	set(&c.g.Limits.FailedPause, l.FailedPause)
	c.g.Once, c.g.FinallyTimeout = c.def.Once, cmp.Or(c.def.FinallyTimeout, defaultFinally)
	if u := c.def.Until; u != nil {
		c.g.Until = &Until{MaxCycles: u.MaxCycles}
	}
	c.g.Eager = c.word("waves", c.def.Waves, "barrier", "eager") == 1
	c.g.History = History(c.def.History)
	if c.g.History == (History{}) {
		c.g.History.Cycles = DefaultHistory
	}
	c.compilePause()
	c.compileSchedule()
	c.g.Fleet = [...]Fleet{Independent, Lockstep}[c.word("fleet", c.def.Fleet, "independent", "lockstep")]
	if c.g.Eager && c.g.Fleet == Lockstep {
		c.diags.Add(diag.BadConfig, c.def.Waves.Span, "remove one of the two", "%q and %q exclude each other: without a barrier there is no wave that stacks could go through together", "waves: eager", "fleet: lockstep")
	}
	c.compileMode()
}

func (c *compiler) compilePause() {
	d := &c.def.Pause
	p := Pause{None: d.None, Active: d.Active, Idle: d.Idle, Factor: d.Factor}
	if !d.Set && p.Active == 0 {
		p.Active = defaultPause
	}
	if p.Factor == 0 {
		p.Factor = defaultFactor
	}
	if p.Idle == 0 {
		p.Idle = p.Active
	}
	if d.Template != nil && d.Template.Kind != tree.Null {
		p.Template = c.template(d.Template, c.scopes.base)
		if v, fixed := p.Template.Const(); fixed {
			c.checkDuration("pause", d.Template, v)
		} else if !oneKind(p.Template.Type(), schema.String, schema.Any) {
			c.diags.Add(diag.WrongType, d.Template.Span, "", "%q must give a duration, not %s", "pause", p.Template.Type())
		}
	}
	c.g.Pause = p
}

// modes are the values of `mode`. The first is the default.
var modes = []string{"graph", "round_robin"}

func (c *compiler) compileMode() {
	m := c.def.Mode
	if m == nil || m.Kind == tree.Null {
		return
	}
	t := c.template(m, c.scopes.base)
	v, fixed := t.Const()
	word, isText := v.(string)
	switch {
	case fixed && isText:
		name := m.Text
		name.Value = word
		if c.word("mode", name, modes...) == 0 {
			return // the default: no template to ask in every cycle
		}
	case fixed:
		c.diags.Add(diag.WrongType, m.Span, "graph or round_robin", "%q must be a word, not a %s", "mode", m.Kind)
	default:
		c.fits(`"mode"`, m, t.root, schema.EnumOf(schema.String, modes[0], modes[1]))
	}
	c.g.Mode = t
}
