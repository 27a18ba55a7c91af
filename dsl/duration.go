package dsl

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	durationText = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$`)
	durationPart = regexp.MustCompile(`([0-9.]+)([a-zµ]+)`)
	rateText     = regexp.MustCompile(`^([0-9]+)/(s|m|h|d)$`)
)

var units = map[string]time.Duration{"ns": 1, "us": 1000, "µs": 1000, "ms": time.Millisecond,
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// parseDuration reads 500ms, 5s, 1m30s, 24h, 7d, 1d12h. ok is false for
// anything else, and beyond 290 years.
func parseDuration(s string) (d time.Duration, ok bool) {
	if !durationText.MatchString(s) {
		return 0, false
	}
	total := 0.0
	for _, m := range durationPart.FindAllStringSubmatch(s, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, false
		}
		total += n * float64(units[m[2]])
	}
	if total >= math.MaxInt64 {
		return 0, false
	}
	return time.Duration(total), true
}

// durationHelp guesses what was meant by a text that is no duration.
func durationHelp(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "-") {
		return "a duration cannot be negative"
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return `add a unit: "` + s + `s", "` + s + `m" or "` + s + `h"`
	}
	return "write it as 500ms, 5s, 1m30s, 24h or 7d"
}

// parseRate reads 60/m: so many per second, minute, hour or day.
func parseRate(s string) (n int, per time.Duration, ok bool) {
	m := rateText.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, units[m[2]], err == nil && n > 0
}
