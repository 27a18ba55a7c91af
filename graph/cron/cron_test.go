package cron

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ expr, zone, from, want string }{
		"every five minutes": {"*/5 * * * *", "", "2026-01-01T00:00:00Z", "00:05 00:10 00:15"},
		"within a minute":    {"*/5 * * * *", "", "2026-01-01T00:04:59.5Z", "00:05 00:10"},
		"a list and a range": {"0,30 9-10 * * mon-fri", "", "2026-01-02T09:30:00Z", "10:00 10:30 2026-01-05T09:00"},
		"a leap day":         {"0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00 2032-02-29T00:00"},
		"no leap day 2100":   {"0 0 29 feb *", "", "2096-03-01T00:00:00Z", "2104-02-29T00:00"},
		"either day":         {"0 0 13 * fri", "", "2026-02-07T00:00:00Z", "2026-02-13T00:00 2026-02-20T00:00"},
		"sunday is 7":        {"0 0 * * 7", "", "2026-01-01T00:00:00Z", "2026-01-04T00:00"},
		"from and a step":    {"50/5 0 * * *", "", "2026-01-01T00:00:00Z", "00:50 00:55 2026-01-02T00:50"},
		"daily":              {"@daily", "Europe/Berlin", "2026-01-01T00:00:00Z", "23:00 2026-01-02T23:00"},
		// Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
		"skipped hour":      {"30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "01:30 2026-03-29T01:00 2026-03-30T00:30"},
		"skipped, hourly":   {"30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "00:30 01:30"},
		"repeated hour":     {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30 2026-10-26T01:30"},
		"repeated, hourly":  {"30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "00:30 01:30 02:30"},
		"repeated, every 2": {"0 */2 * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T00:00 2026-10-25T01:00 2026-10-25T03:00"},
		// Havana: midnight is skipped on 2026-03-08, repeated on 2026-11-01.
		"skipped midnight":  {"0 0 * * *", "America/Havana", "2026-03-07T12:00:00Z", "2026-03-08T05:00 2026-03-09T04:00"},
		"repeated midnight": {"15 0 * * *", "America/Havana", "2026-10-31T12:00:00Z", "2026-11-01T04:15 2026-11-02T05:15"},
		// Apia left out 2011-12-30 as a whole.
		"skipped day": {"0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-30T10:00 2012-12-29T22:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := Zone(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(tt.expr, zone)
			if err != nil {
				t.Fatal(err)
			}
			at, _ := time.Parse(time.RFC3339, tt.from)
			for _, want := range strings.Fields(tt.want) {
				if !strings.Contains(want, "T") {
					want = at.Format("2006-01-02T") + want
				}
				at = s.Next(at)
				if got := at.Format("2006-01-02T15:04"); got != want {
					t.Fatalf("next is %s, want %s", got, want)
				}
			}
		})
	}
}

// The latest moments are the last ones that Next gives, whatever their distance.
func TestLatest(t *testing.T) {
	t.Parallel()
	zone, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	after := time.Date(2024, 2, 28, 23, 0, 30, 0, time.UTC)
	for _, expr := range []string{"* * * * *", "*/7 3 * * *", "30 2 * * *", "0 0 1 1 *", "0 0 29 2 *"} {
		s, err := Parse(expr, zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range []time.Duration{0, time.Second, time.Minute, 90 * time.Minute, 26 * time.Hour, 40 * 24 * time.Hour, 3000 * 24 * time.Hour} {
			if expr[0] == '*' && span > 1000*time.Hour {
				continue
			}
			until := after.Add(span)
			var all []time.Time
			for at := s.Next(after); !at.After(until); at = s.Next(at) {
				all = append(all, at)
			}
			for _, n := range []int{1, 2, 1000} {
				want := all[max(0, len(all)-n):]
				if got := s.Latest(after, until, n); !slices.Equal(got, want) {
					t.Errorf("%q, the last %d in %s: %v, want %v", expr, n, span, got, want)
				}
			}
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	parse := func(expr, name string) *Schedule {
		zone, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(expr, zone)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, tt := range []struct {
		a, b *Schedule
		want bool
	}{
		{parse("0 5 * * *", "Europe/Berlin"), parse("00 05 * * *", "Europe/Berlin"), true},
		{parse("0 5 * * *", ""), parse("0 5 * * *", "UTC"), true},
		{parse("0 5 * * *", "Europe/Berlin"), parse("0 5 * * *", ""), false},
		{parse("0 * * * *", ""), parse("0 0-23 * * *", ""), false}, // they differ when clocks change
		{parse("0 5 * * *", ""), nil, false},
		{nil, nil, true},
	} {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("%+v and %+v: %v", tt.a, tt.b, got)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]struct {
		part, message string
	}{
		"* * * *":        {"* * * *", "has 4"},
		"*/5  61 * * *":  {"61", `"61" is not a valid hour: expected 0 to 23`},
		"* * 0 * *":      {"0", `"0" is not a valid day of the month`},
		"* * * * mo":     {"mo", `"mo" is not a valid day of the week: expected 0 to 7`},
		"*/0 * * * *":    {"*/0", "at least 1"},
		"30-10 * * * *":  {"30-10", "goes backwards"},
		"0 0 30 2 *":     {"0 0 30 2 *", "is never due"},
		"@every 5m":      {"@every 5m", "unknown schedule"},
		"? * * * *":      {"?", "is not a valid minute"},
		"0 0 1,,2 * *":   {"1,,2", `"" is not a valid day`},
		"0 0 * 1-13 *":   {"1-13", `"13" is not a valid month`},
		"0 0 * * sun,8 ": {"sun,8", `"8" is not a valid day of the week`},
	} {
		_, err := Parse(expr, time.UTC)
		e, ok := err.(*Error)
		if !ok {
			t.Errorf("%q: error %v", expr, err)
			continue
		}
		if got := expr[e.From:e.To]; got != want.part || !strings.Contains(e.Message, want.message) {
			t.Errorf("%q: %q at %q, want %q at %q", expr, e.Message, got, want.message, want.part)
		}
	}
	for _, zone := range []string{"Local", "Mars/Olympus", "../etc/passwd"} {
		if _, err := Zone(zone); err == nil {
			t.Errorf("zone %q is taken", zone)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	zone, _ := Zone("Europe/Berlin")
	for _, expr := range []string{"*/5 * * * *", "0 3 * * *", "0 0 29 2 *"} {
		s, err := Parse(expr, zone)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				s.Next(at)
			}
		})
	}
}
