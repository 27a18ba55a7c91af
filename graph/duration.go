package graph

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/internal/late"
)

// DurationForm is the pattern of the texts that ParseDuration reads, for editors.
const DurationForm = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$`

var (
	durationText = late.Regexp(DurationForm)
	durationPart = late.Regexp(`([0-9]+)(\.[0-9]+)?([a-zµ]+)`)
)

var durationUnits = map[string]time.Duration{"ns": 1, "us": time.Microsecond, "µs": time.Microsecond, "ms": time.Millisecond,
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// ParseDuration reads a duration of the language, as 500ms, 5s, 1m30s, 24h, 7d
// or 0s; a day has 24 hours. A bare number is an error, as is anything below
// zero or beyond 290 years. It is the only reader of durations: of fields, of
// values in a node's `with`, and of computed pauses.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration, expected one as 500ms, 5s, 1m30s, 24h or 7d", s)
	if !durationText().MatchString(s) {
		return 0, bad
	}
	var total time.Duration
	for _, part := range durationPart().FindAllStringSubmatch(s, -1) {
		unit := durationUnits[part[3]]
		whole, err := strconv.ParseInt(part[1], 10, 64)
		if err != nil || whole > math.MaxInt64/int64(unit) {
			return 0, bad
		}
		d := time.Duration(whole) * unit
		if part[2] != "" {
			fraction, _ := strconv.ParseFloat("0"+part[2], 64) // digits behind a point: always a number
			d += time.Duration(fraction * float64(unit))
		}
		if total += d; d < 0 || total < 0 {
			return 0, bad
		}
	}
	return total, nil
}
