package journal

import (
	"fmt"
	"strings"
	"time"
)

// StackReopened says that a stack continues that had ended. The next cycle follows.
type StackReopened struct {
	By     string // who asked for it, in their own words; "" if they did not say
	Limits Limits // that were set
}

// Type implements Body.
func (*StackReopened) Type() string { return "stack.reopened" }

func (b *StackReopened) members(c *codec) {
	c.text("by", &b.By)
	someLimits(c, "limits", &b.Limits)
}

// Reopened is what the limits of a stack go by since it was reopened.
type Reopened struct {
	At     time.Time // `duration` counts from here
	Before Counts    // what the limits do not count
	Limits Limits    // in place of those of the graph
}

func (r *Reopened) members(c *codec) {
	c.time("at", &r.At)
	nested(c, "before", &r.Before, (*Counts).members)
	someLimits(c, "limits", &r.Limits)
}

// Limits are the limits of a stack that take the place of its graph's: those that are not
// nil. 0 means no limit.
type Limits struct {
	Cycles, NodeRuns, Tokens, Failures *int
	Duration, FailedPause              *time.Duration
	Cost                               *float64
}

func (l *Limits) members(c *codec) {
	maybe(c, "cycles", &l.Cycles, number[int])
	maybe(c, "duration", &l.Duration, (*codec).duration)
	maybe(c, "failures", &l.Failures, number[int])
	maybe(c, "failed_pause", &l.FailedPause, (*codec).duration)
	maybe(c, "node_runs", &l.NodeRuns, number[int])
	maybe(c, "tokens", &l.Tokens, number[int])
	maybe(c, "cost", &l.Cost, (*codec).float)
}

// String is how a graph spells them: cycles=50, duration=1h0m0s. It is "" for none.
func (l *Limits) String() string {
	var all []string
	add := func(name string, is bool, v func() any) {
		if is {
			all = append(all, fmt.Sprintf("%s=%v", name, v()))
		}
	}
	add("cycles", l.Cycles != nil, func() any { return *l.Cycles })
	add("duration", l.Duration != nil, func() any { return *l.Duration })
	add("failures", l.Failures != nil, func() any { return *l.Failures })
	add("failed_pause", l.FailedPause != nil, func() any { return *l.FailedPause })
	add("node_runs", l.NodeRuns != nil, func() any { return *l.NodeRuns })
	add("tokens", l.Tokens != nil, func() any { return *l.Tokens })
	add("cost", l.Cost != nil, func() any { return *l.Cost })
	return strings.Join(all, ", ")
}

func someLimits(c *codec, k string, l *Limits) {
	if c.visits() || *l != (Limits{}) {
		nested(c, k, l, (*Limits).members)
	}
}

// duration is a duration as its text.
func (c *codec) duration(k string, d *time.Duration) {
	if c.packs {
		number(c, k, d)
		return
	}
	text := d.String()
	c.text(k, &text)
	if c.reading() {
		var err error
		*d, err = time.ParseDuration(text)
		c.fail(k, err)
	}
}
