package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/machine"
)

// queryOf reads the query of a request: known names, each at most once.
func queryOf(r *http.Request, known ...string) (map[string]string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errorf(CodeUsage, "the query is malformed: %v", err)
	}
	q := map[string]string{}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return nil, errorf(CodeUsage, "unknown query parameter %q: this path takes none", name)
		case !slices.Contains(known, name):
			return nil, errorf(CodeUsage, "unknown query parameter %q, expected %s", name, strings.Join(known, ", "))
		case len(all) > 1:
			return nil, errorf(CodeUsage, "the query parameter %q is there twice", name)
		}
		q[name] = all[0]
	}
	return q, nil
}

func flagOf(q map[string]string, name string) (bool, error) {
	switch q[name] {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, errorf(CodeUsage, "%s %q: expected true or false", name, q[name])
}

// ParsePoint reads CYCLE[.WAVE], both counted from 1; "" is now, the zero Point.
func ParsePoint(s string) (machine.Point, error) {
	if s == "" {
		return machine.Point{}, nil
	}
	cycle, wave, hasWave := strings.Cut(s, ".")
	var p machine.Point
	var err error
	if p.Cycle, err = strconv.ParseUint(cycle, 10, 64); err == nil && hasWave {
		p.Wave, err = strconv.ParseUint(wave, 10, 64)
	}
	if err != nil || p.Cycle == 0 || hasWave && p.Wave == 0 {
		return p, errorf(CodeUsage, "%q: expected CYCLE or CYCLE.WAVE, counted from 1", s)
	}
	return p, nil
}
