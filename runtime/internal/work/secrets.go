package work

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/mask"
)

// Secrets are the values of the secrets that the graphs of a stack declare. Take is not to
// be called at the same time as another method; functions of Lookup are safe at all times.
type Secrets struct {
	values map[string]string
	masker *mask.Masker
}

// SecretError reports secrets of a graph that are not set.
type SecretError struct {
	Graph string
	Names []string
}

func (e *SecretError) Error() string {
	return fmt.Sprintf("graph %q needs secrets that are not set: %s", e.Graph, strings.Join(e.Names, ", "))
}

// SecretsOf looks up the secrets of some graphs for a stack with these params: complete
// ones, or nil if they are not known. It skips nil graphs. A nil lookUp knows no secret.
// With a *SecretError, its only error, it returns those that are set.
func SecretsOf(lookUp func(name string) (string, bool), params map[string]any, graphs ...*graph.Graph) (*Secrets, error) {
	s := &Secrets{values: map[string]string{}}
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

// Take adds the secrets of a definition that the stack adopts. all has the secrets of
// the old definition and of the new one.
func (s *Secrets) Take(all *Secrets) {
	values := maps.Clone(s.values) // attempts that run read the old ones
	maps.Copy(values, all.values)
	s.values, s.masker = values, all.masker
}

// Masker hides the secrets as they are now. It is nil if there are none.
func (s *Secrets) Masker() *mask.Masker { return s.masker }

// Mask hides the secrets in a canonical value. It also hides those that are taken later,
// which a method of Masker does not.
func (s *Secrets) Mask(v any) any { return s.masker.Value(v) }

// Lookup makes nodes.Task.Secret for a graph that declares some secrets.
func (s *Secrets) Lookup(declared []string) func(string) (string, bool) {
	if len(declared) == 0 {
		return noSecret
	}
	values := s.values
	return func(name string) (string, bool) {
		v, ok := values[name]
		if !slices.Contains(declared, name) {
			return "", false
		}
		return v, ok
	}
}

func noSecret(string) (string, bool) { return "", false }
