package machine

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/graphrun/graphrun/graph/value"
)

// defaultPause is also the pause after a template that gave none.
const defaultPause = 5 * time.Second

// pause is how long to wait for the next cycle; none: the template gave that
// word. When it fails, the default stands in for it, and the cycle is a failed
// one.
func (m *Machine) pause(active bool) (d time.Duration, none bool, err error) {
	p := &m.g.Pause
	switch {
	case m.g.Schedule != nil:
		// From the beginning of the cycle: what came round since is made up
		// for at once, and once.
		return max(0, m.g.Schedule.Next(m.cycle.startedAt).Sub(m.at)), false, nil
	case p.None:
		return 0, false, nil
	case p.Template != nil:
		v, err := p.Template.Eval(m.env)
		if err == nil && v == "none" {
			return 0, true, nil
		}
		if err == nil {
			if d, err = durationOf(v); err != nil {
				err = at(p.Template, err.Error())
			}
		}
		if err != nil {
			return defaultPause, false, err
		}
		return d, false, nil
	case active:
		return p.Active, false, nil
	}
	grown := float64(p.Active) * math.Pow(max(p.Factor, 0), float64(m.cur.IdleInRow+1))
	return time.Duration(min(grown, float64(p.Idle))), false, nil
}

// durationOf reads what a pause template gave.
func durationOf(v any) (time.Duration, error) {
	d, ok := v.(time.Duration)
	if s, isText := v.(string); isText {
		var err error
		if d, err = parseDuration(s); err != nil {
			return 0, err
		}
		ok = true
	}
	switch {
	case !ok:
		return 0, fmt.Errorf("pause is %s, expected a duration", value.String(v))
	case d < 0:
		return 0, fmt.Errorf("pause is %s, expected no less than 0s", d)
	}
	return d, nil
}

var (
	durationText = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$`)
	days         = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)d`)

	errDuration = errors.New(`expected a duration as "500ms", "5s", "1m30s", "24h" or "7d"`)
)

// parseDuration reads the durations of the language; a day has 24 hours.
func parseDuration(s string) (time.Duration, error) {
	if !durationText.MatchString(s) {
		return 0, fmt.Errorf("%q: %w", s, errDuration)
	}
	var whole time.Duration
	rest := days.ReplaceAllStringFunc(s, func(day string) string {
		n, _ := strconv.ParseFloat(day[:len(day)-1], 64)
		whole += time.Duration(min(n*24*float64(time.Hour), math.MaxInt64/2))
		return ""
	})
	if rest == "" {
		return whole, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, errDuration)
	}
	return whole + d, nil
}
