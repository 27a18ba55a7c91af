package runtime

import (
	"maps"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/machine"
	"github.com/graphrun/graphrun/mask"
)

// secrets are the values of the secrets that a stack's graphs declare.
type secrets struct {
	values map[string]any
	masker *mask.Masker
}

// secretsOf looks up the secrets of some graphs for a stack with these params, complete
// ones, or nil if they are not known; nil graphs are skipped. Together with a *SecretError it returns those that
// are set.
func secretsOf(lookUp func(name string) (string, bool), params map[string]any, graphs ...*graph.Graph) (*secrets, error) {
	s := &secrets{values: map[string]any{}}
	var texts []string
	var err error
	for _, g := range graphs {
		if g == nil {
			continue
		}
		var missing []string
		eachSecret(g, params, func(name string, needed bool) {
			if _, known := s.values[name]; known || slices.Contains(missing, name) {
				return
			}
			v, ok := "", false
			if lookUp != nil {
				v, ok = lookUp(name)
			}
			switch {
			case ok:
				s.values[name] = v
				texts = append(texts, v)
			case needed:
				missing = append(missing, name)
			}
		})
		if len(missing) > 0 && err == nil {
			err = &SecretError{g.Name, missing}
		}
	}
	s.masker = mask.New(texts)
	return s, err
}

// eachSecret calls fn for the secrets of a graph and of the graphs that its nodes and
// tools run. What these are given is known only when they begin.
func eachSecret(g *graph.Graph, params map[string]any, fn func(name string, needed bool)) {
	needed := g.SecretsNeeded(params)
	for _, name := range g.Secrets {
		fn(name, slices.Contains(needed, name))
	}
	for _, inner := range g.Inner() {
		eachSecret(inner, nil, fn)
	}
}

// options are those of a machine that has these secrets.
func (ds *definitions) options(s *secrets) machine.Options {
	return machine.Options{Mask: s.mask, Fleets: true, Plan: ds.plan, Notices: ds.notices.Post != nil, Hooks: ds.notices.Hooks}
}

// take adds the secrets of a definition that the stack adopts. all has the secrets of
// the old definition and of the new one.
func (s *secrets) take(all *secrets) {
	values := maps.Clone(s.values) // attempts that run read the old ones
	maps.Copy(values, all.values)
	s.values, s.masker = values, all.masker
}

// mask hides the secrets in a canonical value. It is a method of secrets and not of
// the masker, because take replaces the masker.
func (s *secrets) mask(v any) any { return s.masker.Value(v) }

// secretOf makes nodes.Task.Secret for a graph that declares some secrets.
func (s *secrets) secretOf(declared []string) func(string) (string, bool) {
	if len(declared) == 0 {
		return noSecret
	}
	values := s.values
	return func(name string) (string, bool) {
		v, ok := values[name].(string)
		if !slices.Contains(declared, name) {
			return "", false
		}
		return v, ok
	}
}

func noSecret(string) (string, bool) { return "", false }
