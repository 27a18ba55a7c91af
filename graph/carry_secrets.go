package graph

import (
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
)

// atSecrets returns v, a value of the part p or what is carried of one, with what fn makes
// of its pieces that read secrets. fn gets these parts, which are a whole or a written, with
// their values.
func atSecrets(p part, v any, fn func(p part, v any) (any, error)) (any, error) {
	switch p := p.(type) {
	case whole:
		if readsSecrets(p.program) {
			return fn(p, v)
		}
	case written:
		if p.readsSecrets() {
			return fn(p, v)
		}
	case list:
		in, ok := v.([]any)
		if !ok || len(in) != len(p) {
			return nil, errForeign
		}
		out := make([]any, len(p))
		for i, it := range p {
			x, err := atSecrets(it, in[i], fn)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case object:
		in, ok := v.(map[string]any)
		if !ok || len(in) != len(p.keys) {
			return nil, errForeign
		}
		out := make(map[string]any, len(p.keys))
		for i, it := range p.parts {
			k := p.keys[i]
			e, ok := in[k]
			if !ok {
				return nil, errForeign
			}
			x, err := atSecrets(it, e, fn)
			if err != nil {
				return nil, err
			}
			out[k] = x
		}
		return out, nil
	}
	return v, nil
}

func (w written) readsSecrets() bool {
	for _, p := range w {
		if p.program != nil && readsSecrets(p.program) {
			return true
		}
	}
	return false
}

// takeSecret returns what is carried of a value that reads secrets: null for an expression
// alone, and for a text the list of its pieces that are neither secret nor written in the
// template.
func (r *reading) takeSecret(p part, v any) (any, error) {
	s, ok := v.(*value.Secret)
	if !ok {
		return nil, errForeign
	}
	if p, ok := p.(whole); ok {
		return nil, r.takeReference(p.program, s)
	}
	w := p.(written)
	if len(s.Parts) != len(w) || s.Expr != nil {
		return nil, errForeign
	}
	texts := []any{}
	for i, p := range w {
		text, isText := s.Parts[i].(string)
		switch {
		case p.program == nil:
			if !isText || text != p.literal {
				return nil, errForeign
			}
		case readsSecrets(p.program):
			s, ok := s.Parts[i].(*value.Secret)
			if !ok {
				return nil, errForeign
			}
			if err := r.takeReference(p.program, s); err != nil {
				return nil, err
			}
		case isText:
			texts = append(texts, text)
		default:
			return nil, errForeign
		}
	}
	return texts, nil
}

// takeReference takes what the expression of a reference reads.
func (r *reading) takeReference(p *cond.Program, s *value.Secret) error {
	if name, ok := secretNamed(p); ok {
		if s.Name != name || s.Parts != nil || s.Expr != nil {
			return errForeign
		}
		return nil
	}
	d, ok := s.Expr.(deferred)
	if !ok || d.program != p {
		return errForeign
	}
	return r.take(d.slots)
}

// putSecret makes references to secrets again.
type putSecret struct {
	t   *Template
	env *cond.Env
}

func (s putSecret) at(p part, v any) (any, error) {
	if p, ok := p.(whole); ok {
		if v != nil {
			return nil, errForeign
		}
		return s.t.secretOf(p.program, s.env), nil
	}
	texts, ok := v.([]any)
	if !ok {
		return nil, errForeign
	}
	var parts []any
	for _, p := range p.(written) {
		switch {
		case p.program == nil:
			parts = append(parts, p.literal)
		case readsSecrets(p.program):
			parts = append(parts, s.t.secretOf(p.program, s.env))
		default:
			if len(texts) == 0 {
				return nil, errForeign
			}
			text, ok := texts[0].(string)
			if !ok {
				return nil, errForeign
			}
			parts, texts = append(parts, text), texts[1:]
		}
	}
	if len(texts) > 0 {
		return nil, errForeign
	}
	return &value.Secret{Parts: parts}, nil
}
