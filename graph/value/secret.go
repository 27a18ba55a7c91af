package value

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Secret stands in the configuration of a task for a secret, or for what is made of
// secrets. It is filled in (Fill) where the work is done, and nowhere else: what a
// machine decides, keeps or hands out holds the reference only. It has one of Name,
// Parts and Expr. It is immutable.
type Secret struct {
	Name  string   // the secret itself, a text
	Parts []any    // a text: canonical values and *Secret, one after the other
	Expr  Deferred // the value of an expression
}

// Deferred is an expression in which only the secrets are not known yet. It is safe
// for concurrent use.
type Deferred interface {
	// Eval returns the value, a canonical one.
	Eval(secrets Lookup) (any, error)
	// Source is the expression as it was written.
	Source() string
}

// Lookup finds a secret by its name; false if there is none.
type Lookup func(name string) (string, bool)

// MissingSecretError is a reference to a secret that nobody has.
type MissingSecretError struct{ Name string }

func (e *MissingSecretError) Error() string { return fmt.Sprintf("secret %q is not set", e.Name) }

// Fill returns a value with its secrets filled in. A value without any comes back as
// it is; of others, what holds none is shared. Errors: *MissingSecretError, or that of
// an expression.
func Fill(v any, secrets Lookup) (any, error) {
	if !holds(v) {
		return v, nil
	}
	switch v := v.(type) {
	case *Secret:
		return v.fill(secrets)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			x, err := Fill(e, secrets)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			x, err := Fill(v[k], secrets)
			if err != nil {
				return nil, err
			}
			out[k] = x
		}
		return out, nil
	}
	return v, nil
}

// holds says whether there is a reference in a value.
func holds(v any) bool {
	switch v := v.(type) {
	case *Secret:
		return true
	case []any:
		return slices.ContainsFunc(v, holds)
	case map[string]any:
		for _, e := range v { // in any order: one is enough
			if holds(e) {
				return true
			}
		}
	}
	return false
}

func (s *Secret) fill(secrets Lookup) (any, error) {
	switch {
	case s.Expr != nil:
		return s.Expr.Eval(secrets)
	case s.Parts == nil:
		if secrets != nil {
			if v, ok := secrets(s.Name); ok {
				return v, nil
			}
		}
		return nil, &MissingSecretError{s.Name}
	}
	var b strings.Builder
	for _, p := range s.Parts {
		v, err := Fill(p, secrets)
		if err != nil {
			return nil, err
		}
		b.WriteString(Text(v))
	}
	return b.String(), nil
}

// Text is a value within a text: nothing for null, a text as it is, JSON for the rest.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return String(v)
}

// reference is how a secret is written where it is not filled in: an object that no
// configuration of a graph is mistaken for.
func (s *Secret) reference() any {
	const mark = "$secret"
	switch {
	case s.Expr != nil:
		return map[string]any{mark: map[string]any{"expr": s.Expr.Source()}}
	case s.Parts == nil:
		return map[string]any{mark: s.Name}
	}
	return map[string]any{mark: s.Parts}
}

// MarshalJSON writes the reference, never the secret.
func (s *Secret) MarshalJSON() ([]byte, error) { return Append(nil, s), nil }
