package graph

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// durationUnits are the units of a duration, longer spellings first.
var durationUnits = []struct {
	name string
	is   time.Duration
}{
	{"ms", time.Millisecond}, {"us", time.Microsecond}, {"µs", time.Microsecond}, {"ns", time.Nanosecond},
	{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// ParseDuration reads 500ms, 5s, 1m30s, 24h, 7d or 0s. A bare number is an
// error, as is anything below zero or beyond 290 years.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration, expected one as 500ms, 5s, 1m30s, 24h or 7d", s)
	total, rest := 0.0, s
	for first := true; first || rest != ""; first = false {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[digits:]
		known := false
		for _, u := range durationUnits {
			if after, ok := strings.CutPrefix(rest, u.name); ok {
				total, rest, known = total+n*float64(u.is), after, true
				break
			}
		}
		if !known {
			return 0, bad
		}
	}
	if total >= math.MaxInt64 {
		return 0, bad
	}
	return time.Duration(total), nil
}
