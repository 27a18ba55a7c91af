package cron

import "time"

// Schedule is a parsed expression in its time zone. It is immutable and safe for
// concurrent use.
type Schedule struct {
	minute, hour, day, month, weekday set
	everyHour                         bool // the hour field begins with *
	eitherDay                         bool // day and weekday are both given: one of them is enough
	zone                              *time.Location
}

// set is a set of small numbers.
type set uint64

func (s set) has(n int) bool { return s&(1<<n) != 0 }

// horizon is how many days Next searches: more than the 8 years that can lie
// between two leap days.
const horizon = 9 * 366

// Next returns the first due moment after t, in UTC and at a full minute. It is
// zero only for a date that never comes, which Parse refuses.
func (s *Schedule) Next(t time.Time) time.Time {
	t = t.In(s.zone).Truncate(time.Minute).Add(time.Minute)
	for days := 0; days < horizon; {
		if !s.onDay(t) {
			t = s.nextDay(t)
			days++
			continue
		}
		if s.due(t) {
			return t.UTC()
		}
		next := t.Add(time.Minute)
		if next.Day() != t.Day() {
			days++
		}
		t = next
	}
	return time.Time{}
}

// Latest returns the last due moments after one time and not after another, at most n of
// them, the earliest first.
func (s *Schedule) Latest(after, until time.Time, n int) []time.Time {
	for back := time.Hour; ; back *= 2 {
		from := until.Add(-back)
		whole := !from.After(after) || back > 1<<60
		if whole {
			from = after
		}
		var due []time.Time
		for t := s.Next(from); !t.IsZero() && !t.After(until); t = s.Next(t) {
			if due = append(due, t); len(due) > 2*n {
				due = append(due[:0], due[len(due)-n:]...)
			}
		}
		if len(due) >= n || whole {
			return due[max(0, len(due)-n):]
		}
	}
}

// Equal reports whether two schedules have the same moments: the same fields in the same
// zone.
func (s *Schedule) Equal(o *Schedule) bool {
	if s == nil || o == nil {
		return s == o
	}
	a, b := *s, *o
	a.zone, b.zone = nil, nil
	return a == b && s.zone.String() == o.zone.String()
}

// onDay reports whether the schedule is due on the day of t, or was due in hours
// that the clock has just skipped.
func (s *Schedule) onDay(t time.Time) bool {
	return s.dayMatches(t) || s.skipped(t)
}

func (s *Schedule) dayMatches(t time.Time) bool {
	if !s.month.has(int(t.Month())) {
		return false
	}
	day, weekday := s.day.has(t.Day()), s.weekday.has(int(t.Weekday()))
	if s.eitherDay {
		return day || weekday
	}
	return day && weekday
}

// nextDay is the first moment of the day after t's.
func (s *Schedule) nextDay(t time.Time) time.Time {
	y, m, d := t.Date()
	next := time.Date(y, m, d+1, 0, 0, 0, 0, s.zone)
	for next.Day() == d {
		next = next.Add(time.Minute) // the clock skips midnight
	}
	for _, by := range []time.Duration{time.Hour, 30 * time.Minute} {
		if before := next.Add(-by); before.Day() == next.Day() {
			next = before // the clock repeats midnight
		}
	}
	return next
}

// due reports whether the schedule is due at minute t.
func (s *Schedule) due(t time.Time) bool {
	if s.skipped(t) {
		return true
	}
	return s.matches(t) && (s.everyHour || !repeated(t))
}

func (s *Schedule) matches(t time.Time) bool {
	return s.minute.has(t.Minute()) && s.hour.has(t.Hour()) && s.dayMatches(t)
}

// skipped reports whether the clock jumped to t over a minute at which a fixed
// hour was due.
func (s *Schedule) skipped(t time.Time) bool {
	if s.everyHour {
		return false
	}
	jump := offset(t) - offset(t.Add(-time.Minute))
	if jump <= 0 {
		return false
	}
	// What the clock would have shown.
	wall := wallTime(t)
	for by := jump; by > 0; by -= time.Minute {
		if s.matches(wall.Add(-by)) {
			return true
		}
	}
	return false
}

// repeated reports whether the clock showed the time of t before, and was set
// back since.
func repeated(t time.Time) bool {
	back := offset(t.Add(-3*time.Hour)) - offset(t)
	return back > 0 && wallTime(t.Add(-back)).Equal(wallTime(t))
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// wallTime is what the clock shows at t, as a time in UTC.
func wallTime(t time.Time) time.Time { return t.Add(offset(t)).UTC() }
