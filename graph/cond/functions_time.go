package cond

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cron"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/internal/late"
)

// timeFunctions make moments and durations. They use no local time zone and no
// clock, so that a text is the same moment on every machine.
func timeFunctions() []*function {
	return []*function{
		{name: "duration", doc: "duration(string) duration", least: 1, most: 1, params: []param{aText}, result: gives(schema.DurationType), run: duration},
		{name: "date", doc: "date(string[, layout]) time", least: 1, most: 2,
			params: []param{{kinds: []schema.Kind{schema.String, schema.Time}}, aText}, result: gives(schema.TimeType), run: date},
		{name: "inZone", doc: "inZone(time, zone) time", least: 2, most: 2, params: []param{aTime, aText}, result: gives(schema.TimeType), run: inZone},
		{name: "formatTime", doc: "formatTime(time, layout) string", least: 2, most: 2, params: []param{aTime, aText}, result: gives(schema.StringType), run: formatTime},
	}
}

var aTime = param{kinds: []schema.Kind{schema.Time}}

// zones are those that were asked for; there are some 600 names.
var zones sync.Map // of *time.Location, by name

// inZone is the same moment with the clock of a zone, for its methods and formatTime.
func inZone(a args) any {
	t, name := a.time(0), a.text(1)
	if a.failed() || !a.tick(16) {
		return nil
	}
	zone, known := zones.Load(name)
	if !known {
		found, err := cron.Zone(name)
		if err != nil || name == "" {
			return a.fail(`inZone: %q is no zone of the IANA database, as "Europe/Berlin"`, shorten(name))
		}
		zone, _ = zones.LoadOrStore(name, found)
	}
	return t.In(zone.(*time.Location))
}

// maxLayout is the greatest length of a layout, in bytes.
const maxLayout = 1000

func formatTime(a args) any {
	t, layout := a.time(0), a.text(1)
	switch {
	case a.failed() || !a.tick(len(layout)) || !a.spend(8*len(layout)):
		return nil
	case len(layout) > maxLayout:
		return a.fail("formatTime: the layout has %d bytes, at most %d are allowed", len(layout), maxLayout)
	}
	return t.Format(layout)
}

// time is argument i as a moment.
func (a args) time(i int) time.Time {
	t, ok := toTime(a.v[i])
	if !ok {
		a.wrong(i, "a time")
	}
	return t
}

func duration(a args) any {
	s := a.text(0)
	if !a.tick(len(s) >> 2) {
		return nil
	}
	d, err := time.ParseDuration(daysAsHours(s))
	if err != nil && !a.failed() {
		return a.fail(`%q is not a duration: write it as in "1h30m" or "7d"`, shorten(s))
	}
	return d
}

var days = late.Regexp(`[0-9]+(\.[0-9]+)?d`)

// daysAsHours writes the days of a duration as hours: 24 for each.
func daysAsHours(s string) string {
	if !strings.Contains(s, "d") {
		return s
	}
	return days().ReplaceAllStringFunc(s, func(part string) string {
		n, err := strconv.ParseFloat(strings.TrimSuffix(part, "d"), 64)
		if err != nil {
			return part
		}
		return strconv.FormatFloat(24*n, 'f', -1, 64) + "h"
	})
}

// layouts are the forms of a moment that date reads without a layout.
var layouts = []string{time.DateOnly, time.TimeOnly, time.DateTime, time.RFC3339, time.RFC822, time.RFC850, time.RFC1123}

func date(a args) any {
	if t, ok := a.v[0].(time.Time); ok {
		return t
	}
	s, ok := a.v[0].(string)
	if !ok {
		a.wrong(0, "a string or a time")
	}
	forms := layouts
	if len(a.v) == 2 {
		forms = []string{a.text(1)}
	}
	if a.failed() || !a.tick((len(s)+len(forms[0]))>>2) {
		return nil
	}
	for _, form := range forms {
		t, err := time.ParseInLocation(form, s, time.UTC)
		if err != nil {
			continue
		}
		if zone, ok := unknownZone(t, form); ok {
			return a.fail("date: the offset of the zone %q is not known: write it as in +02:00", zone)
		}
		if _, ok := inRange(t); !ok {
			return a.fail("date: %q is out of range", shorten(s))
		}
		return t.UTC()
	}
	return a.fail("%q is not a date", shorten(s))
}

// unknownZone returns the zone of a moment whose text names it and does not
// give its offset. Go reads such a text as if it were in UTC.
func unknownZone(t time.Time, layout string) (zone string, unknown bool) {
	if !strings.Contains(layout, "MST") || strings.Contains(layout, "-07") || strings.Contains(layout, "Z07") {
		return "", false
	}
	zone, _ = t.Zone()
	return zone, zone != "UTC" && zone != "GMT"
}

// timeText is the text of a moment as it is stored and shown.
func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// toTime returns a moment from a moment or its text.
func toTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		t, err := time.Parse(time.RFC3339Nano, v)
		return t.UTC(), err == nil
	}
	return time.Time{}, false
}

// timeOperator is the result type of an operator on moments or durations, or nil
// when the operator does not take them.
func timeOperator(sign byte, a, b schema.Kind) *schema.Type {
	const T, D = schema.Time, schema.Duration
	switch {
	case sign == '-' && a == T && b == T:
		return schema.DurationType
	case (sign == '-' || sign == '+') && a == T && b == D, sign == '+' && a == D && b == T:
		return schema.TimeType
	case (sign == '-' || sign == '+') && a == D && b == D,
		sign == '*' && (a == D && numeric(b) || numeric(a) && b == D),
		sign == '/' && a == D && numeric(b):
		return schema.DurationType
	case sign == '/' && a == D && b == D:
		return schema.NumberType
	}
	return nil
}

// timeKind is the kind of a value for timeOperator, Any for kinds that it does
// not take.
func timeKind(v any) schema.Kind {
	switch v.(type) {
	case time.Time:
		return schema.Time
	case time.Duration:
		return schema.Duration
	case int64, float64:
		return schema.Number
	}
	return schema.Any
}

// timeArithmetic computes with moments and durations. ok is false for other
// operands, and for a result that is out of range.
func timeArithmetic(op byte, a, b any) (v any, ok bool) {
	switch a := a.(type) {
	case time.Time:
		switch b := b.(type) {
		case time.Time:
			d := a.Sub(b)
			return d, op == '-' && b.Add(d).Equal(a) // Sub returns the nearest duration when the result is out of range
		case time.Duration:
			switch {
			case op == '+':
				return inRange(a.Add(b))
			case op == '-' && b != math.MinInt64:
				return inRange(a.Add(-b))
			}
		}
	case time.Duration:
		switch b := b.(type) {
		case time.Time:
			t, ok := inRange(b.Add(a))
			return t, ok && op == '+'
		case time.Duration:
			return durations(op, a, b)
		}
		if f, isNumber := toFloat(b); isNumber {
			switch op {
			case '*':
				return scaled(float64(a) * f)
			case '/':
				return scaled(float64(a) / f)
			}
		}
	default:
		if d, isDuration := b.(time.Duration); isDuration && op == '*' {
			if f, isNumber := toFloat(a); isNumber {
				return scaled(float64(d) * f)
			}
		}
	}
	return nil, false
}

const outOfRange = "the result is out of range"

// inRange refuses years that RFC 3339 cannot write.
func inRange(t time.Time) (any, bool) {
	year := t.UTC().Year()
	return t, year >= 0 && year <= 9999
}

func durations(op byte, a, b time.Duration) (any, bool) {
	switch op {
	case '+':
		return a + b, (a+b > a) == (b > 0)
	case '-':
		return a - b, (a-b < a) == (b > 0)
	case '/':
		return float64(a) / float64(b), b != 0
	}
	return nil, false
}

func scaled(f float64) (any, bool) {
	return time.Duration(f), !math.IsNaN(f) && math.Abs(f) < math.MaxInt64
}

// timesMinusOne is the unary minus of anything but a number.
func timesMinusOne(e *Env, at *diag.Span, v any) any {
	if d, ok := v.(time.Duration); ok {
		if d == math.MinInt64 {
			return e.fail(*at, outOfRange)
		}
		return -d
	}
	return e.fail(*at, `"-" needs a number, not %s`, kindOf(v))
}

// method is a method of moments or durations. It takes no arguments.
type method struct {
	result *schema.Type
	run    func(v any) any
}

func ofTime(f func(time.Time) int) *method {
	return &method{schema.IntegerType, func(v any) any {
		t, ok := toTime(v)
		if !ok {
			return nil
		}
		return int64(f(t))
	}}
}

func ofDuration(f func(time.Duration) float64) *method {
	return &method{schema.NumberType, func(v any) any {
		d, ok := v.(time.Duration)
		if !ok {
			return nil
		}
		return f(d)
	}}
}

// methodsOf is the table of methods. They go by the zone of the moment: UTC, or that of
// inZone.
func methodsOf(k schema.Kind) map[string]*method {
	switch k {
	case schema.Time:
		return map[string]*method{
			"Year":    ofTime(time.Time.Year),
			"Month":   ofTime(func(t time.Time) int { return int(t.Month()) }),
			"Day":     ofTime(time.Time.Day),
			"YearDay": ofTime(time.Time.YearDay),
			"Weekday": ofTime(func(t time.Time) int { return int(t.Weekday()) }),
			"Hour":    ofTime(time.Time.Hour),
			"Minute":  ofTime(time.Time.Minute),
			"Second":  ofTime(time.Time.Second),
			"Unix":    ofTime(func(t time.Time) int { return int(t.Unix()) }),
		}
	case schema.Duration:
		return map[string]*method{
			"Hours":   ofDuration(time.Duration.Hours),
			"Minutes": ofDuration(time.Duration.Minutes),
			"Seconds": ofDuration(time.Duration.Seconds),
		}
	}
	return nil
}

func lookMethod(k schema.Kind, name string) *method { return methodsOf(k)[name] }

func methodNames(k schema.Kind) []string { return slices.Sorted(maps.Keys(methodsOf(k))) }

// methodCall is a call of a method.
type methodCall struct {
	of     code
	method *method
	at     diag.Span
}

func (c *methodCall) eval(e *Env) any {
	v := c.of.eval(e)
	out := c.method.run(v)
	if out == nil && e.err == nil {
		return e.fail(c.at, "a time is needed, not %s", kindOf(v))
	}
	return out
}
