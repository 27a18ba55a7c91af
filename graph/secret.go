package graph

import (
	"errors"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
)

// Defer fills a template in but for what reads secrets: there a *value.Secret stands
// for the value. A secret as a whole, and one within a text, are references; of an
// expression that computes with secrets, everything else that it reads is kept with it
// as it is now. Errors are *cond.Error.
func (t *Template) Defer(env *cond.Env) (any, error) {
	if t.secrets == nil {
		return t.Eval(env)
	}
	return t.postponed(t.root, env)
}

func readsSecrets(p *cond.Program) bool { return p.Reads().Slots&(1<<SlotSecrets) != 0 }

// postponed is part.eval that leaves out what reads secrets.
func (t *Template) postponed(p part, env *cond.Env) (any, error) {
	switch p := p.(type) {
	case whole:
		if readsSecrets(p.program) {
			return t.secretOf(p.program, env), nil
		}
	case written:
		return t.postponedText(p, env)
	case list:
		out := make([]any, len(p))
		for i, it := range p {
			v, err := t.postponed(it, env)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case object:
		out := make(map[string]any, len(p.keys))
		for i, it := range p.parts {
			v, err := t.postponed(it, env)
			if err != nil {
				return nil, err
			}
			out[p.keys[i]] = v
		}
		return out, nil
	}
	return p.eval(env)
}

func (t *Template) postponedText(w written, env *cond.Env) (any, error) {
	var parts []any
	secret := false
	for _, p := range w {
		switch {
		case p.program == nil:
			parts = append(parts, p.literal)
		case readsSecrets(p.program):
			parts, secret = append(parts, t.secretOf(p.program, env)), true
		default:
			v, err := p.program.Eval(env)
			if err != nil {
				return nil, err
			}
			parts = append(parts, value.Text(v))
		}
	}
	if !secret {
		return w.eval(env)
	}
	return &value.Secret{Parts: parts}, nil
}

var secretName = late.Regexp(`^secrets\.([A-Za-z_][A-Za-z0-9_]*)$`)

// secretNamed is the name of the secret that an expression is, and nothing else.
func secretNamed(p *cond.Program) (string, bool) {
	m := secretName().FindStringSubmatch(p.Text().Value)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func (t *Template) secretOf(p *cond.Program, env *cond.Env) *value.Secret {
	if name, ok := secretNamed(p); ok {
		return &value.Secret{Name: name}
	}
	return &value.Secret{Expr: deferred{p, inputsOf(p, env), t.secrets}}
}

// deferred is an expression over secrets, with all else that it reads.
type deferred struct {
	program *cond.Program
	slots   []any
	names   []string // of all secrets of the graph: an expression may compute the name
}

func (d deferred) Source() string { return d.program.Text().Value }

func (d deferred) Eval(secrets value.Lookup) (any, error) {
	env := &cond.Env{Slots: slices.Clone(d.slots)}
	all := map[string]any{}
	for _, name := range d.names {
		v, err := value.Fill(&value.Secret{Name: name}, secrets)
		if err != nil {
			return nil, err
		}
		all[name] = v
	}
	env.Slots[SlotSecrets] = all
	v, err := d.program.Eval(env)
	if err != nil {
		return nil, &placedError{err}
	}
	return v, nil
}

// placedError says where an expression stands.
type placedError struct{ err error }

func (e *placedError) Unwrap() error { return e.err }

func (e *placedError) Error() string {
	var ce *cond.Error
	if errors.As(e.err, &ce) {
		if at := ce.Span.String(); at != "" {
			return diag.Shorten(at+": "+ce.Message, 2<<10)
		}
	}
	return e.err.Error()
}

// inputsOf keeps what a program reads of an environment, as it is now.
func inputsOf(p *cond.Program, env *cond.Env) []any {
	r := p.Reads()
	slots := make([]any, len(env.Slots))
	for i, v := range env.Slots {
		if r.Slots&(1<<i) == 0 || i == SlotSecrets {
			continue
		}
		record, ok := v.(cond.Record)
		if !ok {
			slots[i] = v
			continue
		}
		kept := make(fields, record.Len())
		for k := range kept {
			if r.Whole&(1<<i) != 0 {
				kept[k] = record.Field(k)
			}
		}
		for _, k := range r.Fields[i] {
			kept[k] = record.Field(k)
		}
		slots[i] = kept
	}
	return slots
}

// fields is a cond.Record that does not change.
type fields []any

func (f fields) Field(i int) any { return f[i] }
func (f fields) Len() int        { return len(f) }
