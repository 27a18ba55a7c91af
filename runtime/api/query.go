package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// queryOf reads the query of a request: known names, each at most once.
func queryOf(r *http.Request, known []string) (map[string]string, error) {
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
		if err := value.CheckText(all[0]); err != nil {
			return nil, errorf(CodeUsage, "the query parameter %q: %v", name, err)
		}
		q[name] = all[0]
	}
	return q, nil
}
