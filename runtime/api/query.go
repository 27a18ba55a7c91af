package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
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
