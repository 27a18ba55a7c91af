package api

import (
	"maps"
	"slices"
)

const MaxConnections = maxConnections

// UnusedDescriptions are the names in descriptions that no schema of /openapi.json uses.
func UnusedDescriptions() []string {
	s := newSchemas()
	if _, err := describeWith(s, routes, ""); err != nil {
		return []string{err.Error()}
	}
	maps.DeleteFunc(s.texts, func(name, _ string) bool { return s.said[name] })
	return slices.Sorted(maps.Keys(s.texts))
}
