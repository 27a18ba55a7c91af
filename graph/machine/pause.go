package machine

import (
	"fmt"
	"math"
	"time"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/value"
)

// defaultPause is also the pause after a template that gave none.
const defaultPause = 5 * time.Second

// pause is how long to wait for the next cycle; none says that the template gave that
// word. When it fails, the default stands in for it, and the cycle is a failed
// one.
func (m *Machine) pause(active bool) (d time.Duration, none bool, err error) {
	p := &m.g.Pause
	switch {
	case m.schedule != nil:
		return m.untilDue(), false, nil
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

// longestFailedPause bounds the pause that failed cycles make longer.
const longestFailedPause = 5 * time.Minute

// failedPause is the pause after a failed cycle: no shorter than limits.failed_pause,
// doubled for each failed cycle in a row before it. With a schedule, the next due
// moment after that counts; under `catch_up: all` one that was missed is due at once then.
func (m *Machine) failedPause(d time.Duration) time.Duration {
	least := m.Limits().FailedPause
	for range m.cur.FailedInRow {
		if least <= 0 || least >= longestFailedPause {
			break
		}
		least *= 2
	}
	least = min(least, longestFailedPause)
	if d >= least {
		return d
	}
	if m.schedule != nil && m.g.Schedule.CatchUp != graph.CatchUpAll {
		at := m.at.Add(least)
		return m.schedule.Next(at.Add(-1)).Sub(m.at) // one that is due at that moment counts
	}
	return least
}

// durationOf reads what a pause template gave.
func durationOf(v any) (time.Duration, error) {
	d, ok := v.(time.Duration)
	if s, isText := v.(string); isText {
		var err error
		if d, err = graph.ParseDuration(s); err != nil {
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
