package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without a database of their own
)

// Error is a problem of an expression, in its bytes From to To.
type Error struct {
	From, To int
	Message  string
}

func (e *Error) Error() string { return e.Message }

// field is one of the five.
type field struct {
	name     string
	min, max int
	names    []string // of its values, beginning with min
}

var fields = [5]field{
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day of the month", min: 1, max: 31},
	{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of the week", max: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// short spellings of whole expressions.
var short = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
	"@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// Zone returns a time zone by its IANA name; "" is UTC. It refuses "Local", the
// zone of the machine, so that a schedule means the same everywhere.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	return zone, nil
}

// Parse reads an expression of five fields, or a name such as @daily, in a time
// zone. An error is an *Error.
func Parse(text string, zone *time.Location) (*Schedule, error) {
	whole := func(format string, args ...any) error {
		return &Error{0, len(text), fmt.Sprintf(format, args...)}
	}
	expr := text
	if strings.HasPrefix(text, "@") {
		var ok bool
		if expr, ok = short[strings.ToLower(strings.TrimSpace(text))]; !ok {
			return nil, whole("unknown schedule %q: expected five fields, @hourly, @daily, @weekly, @monthly or @yearly", text)
		}
	}
	words := strings.Fields(expr)
	if len(words) != len(fields) {
		return nil, whole("a schedule has five fields (minute, hour, day of the month, month, day of the week), %q has %d", text, len(words))
	}
	s := &Schedule{zone: zone}
	sets := [5]*set{&s.minute, &s.hour, &s.day, &s.month, &s.weekday}
	at := 0
	for i, w := range words {
		at += strings.Index(expr[at:], w)
		got, err := fields[i].parse(w)
		if err != nil {
			return nil, &Error{at, at + len(w), err.Error()}
		}
		*sets[i] = got
		at += len(w)
	}
	if s.weekday.has(7) {
		s.weekday |= 1
	}
	s.everyHour = words[1][0] == '*'
	s.eitherDay = words[2][0] != '*' && words[2] != "?" && words[4][0] != '*' && words[4] != "?"
	if s.Next(time.Unix(0, 0)).IsZero() {
		return nil, whole("the schedule %q is never due", text)
	}
	return s, nil
}

// parse reads a list of ranges.
func (f *field) parse(word string) (all set, err error) {
	for _, part := range strings.Split(word, ",") {
		one, err := f.span(part)
		if err != nil {
			return 0, err
		}
		all |= one
	}
	return all, nil
}

// span reads `*`, N, N-M, and each of them with /STEP.
func (f *field) span(part string) (out set, err error) {
	of, by, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		if step, err = strconv.Atoi(by); err != nil || step < 1 {
			return 0, fmt.Errorf("the step in %q must be a number of at least 1", part)
		}
	}
	from, to := f.min, f.max
	if f.max == 7 {
		to = 6 // 7 is another name of Sunday
	}
	if of != "*" && (of != "?" || f.max != 31 && f.max != 7) {
		low, high, ranged := strings.Cut(of, "-")
		if from, err = f.number(low); err != nil {
			return 0, err
		}
		switch {
		case ranged:
			if to, err = f.number(high); err != nil {
				return 0, err
			}
		case !stepped:
			to = from
		}
	}
	if from > to {
		return 0, fmt.Errorf("the range %q goes backwards", of)
	}
	for n := from; n <= to; n += step {
		out |= 1 << n
	}
	return out, nil
}

// Uneven lists the steps over whole fields (`*/N`) of minutes, hours and months that do not
// divide their field: the last interval is shorter than the others. Expressions that Parse
// does not take have none.
func Uneven(expr string) (out []Error) {
	words, at := strings.Fields(expr), 0
	if len(words) != len(fields) {
		return nil
	}
	for i, w := range words {
		at += strings.Index(expr[at:], w)
		f := &fields[i]
		from := at
		at += len(w)
		if i == 2 || i == 4 {
			continue // months have no fixed length, and no step divides a week
		}
		for part := range strings.SplitSeq(w, ",") {
			by, stepped := strings.CutPrefix(part, "*/")
			step, err := strconv.Atoi(by)
			if size := f.max - f.min + 1; stepped && err == nil && step > 0 && size%step != 0 {
				out = append(out, Error{from, from + len(part), fmt.Sprintf("%q does not divide the %d values of the %s: its last interval is shorter", part, size, f.name)})
			}
			from += len(part) + 1
		}
	}
	return out
}

func (f *field) number(word string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(word, name) {
			return f.min + i, nil
		}
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is not a valid %s: expected %d to %d", word, f.name, f.min, f.max)
	}
	return n, nil
}
