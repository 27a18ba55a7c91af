package graph

import (
	"errors"
	"fmt"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/cron"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// Schedule says at which moments cycles begin.
type Schedule struct {
	CatchUp CatchUp
	AtStart bool // the first cycle begins when the stack is created

	fixed *cron.Schedule // nil if the expression depends on the params
	cron  *Template      // over the params
	zone  *time.Location
}

// CatchUp says which of the moments get a cycle that passed while none could begin.
type CatchUp uint8

const (
	CatchUpLast CatchUp = iota
	CatchUpAll
	CatchUpNone
)

var catchUps = [...]string{CatchUpLast: "last", CatchUpAll: "all", CatchUpNone: "none"}

// MostCaughtUp is how many of the moments that were missed get a cycle under
// `catch_up: all`: the last ones.
const MostCaughtUp = 1000

// For is the schedule of a stack with these params, which are complete. The error says
// that they make no cron expression. For gives nil for a graph without a schedule.
func (s *Schedule) For(params map[string]any) (*cron.Schedule, error) {
	switch {
	case s == nil:
		return nil, nil
	case s.fixed != nil:
		return s.fixed, nil
	}
	slots := make([]any, NumSlots)
	slots[SlotParams] = params
	v, err := s.cron.Eval(&cond.Env{Slots: slots})
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("schedule: cron is %T, expected a cron expression", v)
	}
	out, err := cron.Parse(text, s.zone)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w (cron is %q)", err, text)
	}
	return out, nil
}

// compileSchedule reads the cron expression. Its fields are reported where they
// stand.
func (c *compiler) compileSchedule() {
	d := &c.def.Schedule
	zone, err := cron.Zone(d.Timezone.Value)
	if second := c.def.Timezone; second.Value != "" {
		c.diags.Add(diag.BadConfig, second.Span, "remove one of the two", "%q has a %q of its own", "schedule", "timezone")
	}
	if err != nil {
		c.diags.Add(diag.WrongType, d.Timezone.Span, `a name of the IANA database, as "Europe/Berlin"; UTC without one`, "%v", err)
	}
	if d.Cron.Value == "" && d.Cron.Span.IsZero() {
		if d.Timezone.Value != "" {
			c.diags.Add(diag.Unused, d.Timezone.Span, "", "a time zone is used by a %q only", "schedule")
		}
		return
	}
	if c.def.Pause != (PauseDef{}) {
		c.diags.Add(diag.Unused, placed(c.def.Pause.At, d.Cron.Span), "remove one of the two", "%q is not used: the graph has a %q", "pause", "schedule")
	}
	if err != nil {
		zone = time.UTC
	}
	s := &Schedule{zone: zone, AtStart: d.AtStart == nil || *d.AtStart, CatchUp: CatchUp(c.word("catch_up", d.CatchUp, catchUps[:]...))}
	c.g.Schedule = s
	s.cron = c.template(&tree.Node{Kind: tree.String, Text: d.Cron, Span: d.Cron.Span}, c.scopes.schedule)
	if v, fixed := s.cron.Const(); fixed {
		text, _ := v.(string)
		s.fixed = c.parseCron(text)
		return
	}
	if t := s.cron.Type(); !oneKind(t, schema.String, schema.Any) {
		c.diags.Add(diag.WrongType, d.Cron.Span, "a parameter of type string, or text around it", "%q must give a cron expression, not %s", "cron", t)
	}
}

// parseCron reads a cron expression that depends on nothing.
func (c *compiler) parseCron(text string) *cron.Schedule {
	d := &c.def.Schedule
	place := func(from, to int) diag.Span {
		if d.Cron.Span.IsZero() || text != d.Cron.Value {
			return d.Cron.Span
		}
		return d.Cron.Sub(from, to)
	}
	s, err := cron.Parse(text, c.g.Schedule.zone)
	var bad *cron.Error
	if errors.As(err, &bad) {
		c.diags.Add(diag.WrongType, place(bad.From, bad.To), `as "*/5 * * * *": minute, hour, day of the month, month, day of the week`, "%v", bad)
	}
	for _, step := range cron.Uneven(text) {
		c.diags.Add(diag.UnevenStep, place(step.From, step.To), "take a step that divides it, or write the values as a list", "%s", step.Message)
	}
	return s
}
