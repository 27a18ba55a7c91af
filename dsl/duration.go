package dsl

import (
	"strconv"
	"strings"
	"time"

	"github.com/graphrun/graphrun/internal/late"
)

var rateText = late.Regexp(`^([0-9]+)/(s|m|h|d)$`)

// durationHelp says how to write a duration, for a text that is not one.
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
	m := rateText().FindStringSubmatch(s)
	if m == nil {
		return 0, 0, false
	}
	n, err := strconv.Atoi(m[1])
	per = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
	return n, per, err == nil && n > 0
}
