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
