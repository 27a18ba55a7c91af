package graph

import (
	"math"
	"time"

	"github.com/graphrun/graphrun/diag"
)

// checkValues reports numbers and durations that are out of bounds. For a file,
// package dsl has already reported them, at their places. This check is for a
// definition that was built in Go or came through the API.
func (c *compiler) checkValues() {
	d := c.def
	at := diag.Span{File: d.File}
	for i := range d.Pools {
		p := &d.Pools[i]
		c.least("parallel", p.Parallel, 0, p.Name.Span)
		c.least("rate", p.Rate, 0, p.Name.Span)
		if p.Rate > 0 && p.RatePer <= 0 {
			c.diags.Add(diag.WrongType, p.Name.Span, "", "the rate of pool %q needs a time", p.Name.Value)
		}
	}
	for i := range d.Events {
		c.least("queue", d.Events[i].Queue, 0, placed(d.Events[i].QueueAt, d.Events[i].Name.Span))
	}
	c.notNegative("timeout", d.Defaults.Timeout, at)
	c.checkRetryValues(&d.Defaults.Retry, at)
	for i := range d.Nodes {
		n := &d.Nodes[i]
		c.notNegative("timeout", n.Timeout, n.At)
		c.notNegative("deadline", n.Deadline, n.At)
		if n.Retry != nil {
			c.checkRetryValues(n.Retry, n.At)
		}
		if n.Cache != nil {
			c.notNegative("ttl", n.Cache.TTL, n.At)
		}
	}
	c.notNegative("active", d.Pause.Active, placed(d.Pause.At, at))
	c.notNegative("idle", d.Pause.Idle, placed(d.Pause.At, at))
	c.amount("factor", d.Pause.Factor, placed(d.Pause.At, at))
	l := &d.Limits
	c.least("cycles", l.Cycles, 0, at)
	c.least("node_runs", l.NodeRuns, 0, at)
	c.least("tokens", l.Tokens, 0, at)
	if l.Failures != nil {
		c.least("failures", *l.Failures, 0, at)
	}
	c.notNegative("duration", l.Duration, at)
	c.amount("cost", l.Cost, at)
	c.least("cycles", d.History.Cycles, 0, at)
	c.notNegative("age", d.History.Age, at)
}

func (c *compiler) checkRetryValues(r *RetryDef, at diag.Span) {
	if r.Attempts != nil {
		c.least("attempts", *r.Attempts, 1, at)
	}
	if r.Backoff != nil {
		c.notNegative("backoff", *r.Backoff, at)
	}
	if r.MaxBackoff != nil {
		c.notNegative("max_backoff", *r.MaxBackoff, at)
	}
	if r.Factor != nil {
		c.amount("factor", *r.Factor, at)
	}
}

func (c *compiler) least(field string, n, least int, at diag.Span) {
	if n < least {
		c.diags.Add(diag.WrongType, at, "", "%q is %d, expected %d or more", field, n, least)
	}
}

func (c *compiler) amount(field string, x float64, at diag.Span) {
	if !(x >= 0) || math.IsInf(x, 0) {
		c.diags.Add(diag.WrongType, at, "", "%q is %v, expected no negative number", field, x)
	}
}

func (c *compiler) notNegative(field string, d time.Duration, at diag.Span) {
	if d < 0 {
		c.diags.Add(diag.BadDuration, at, "a duration cannot be negative", "%q is %s, expected a duration", field, d)
	}
}
