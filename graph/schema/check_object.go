package schema

import "maps"

// checkObject checks the properties that t itself declares, in their order,
// then the others.
func (t *Type) checkObject(v map[string]any, at walk) (any, bool, *Mismatch) {
	props, k := t.Props, t.checks
	if k != nil {
		props = props[:k.own]
		for _, name := range k.required {
			if _, ok := v[name]; !ok && !at.part {
				return nil, false, mismatch("must have %q", name)
			}
		}
	}
	var out map[string]any
	declared := 0
	for i := range props {
		p := &props[i]
		x, ok := v[p.Name]
		if !ok {
			if p.Required && !at.part {
				return nil, false, mismatch("must have %q", p.Name)
			}
			continue
		}
		declared++
		if x == nil && !p.Required && !p.Type.Nullable {
			out = cloned(out, v)
			delete(out, p.Name)
			continue
		}
		w, changed, m := p.Type.check(x, 0, at.deeper())
		if m != nil {
			return nil, false, m.under(atKey(p.Name))
		}
		if changed {
			out = cloned(out, v)
			out[p.Name] = w
		}
	}
	if declared < len(v) || k != nil && k.patterns != nil {
		var m *Mismatch
		if out, m = t.checkOthers(v, out, at); m != nil {
			return nil, false, m
		}
	}
	if out != nil {
		return out, true, nil
	}
	return v, false, nil
}

func cloned(out, v map[string]any) map[string]any {
	if out == nil {
		return maps.Clone(v)
	}
	return out
}

// checkOthers checks the properties that t does not declare by name. It reports the
// mismatch of the first key, so that the same value gives the same message every time.
func (t *Type) checkOthers(v, out map[string]any, at walk) (map[string]any, *Mismatch) {
	var worst *Mismatch
	var worstKey string
	for key, x := range v { // in any order: the mismatch of the first key counts
		for _, as := range t.undeclared(key) {
			w, changed, m := as.check(x, 0, at.deeper())
			if m != nil {
				if worst == nil || key < worstKey {
					worst, worstKey = m.under(atKey(key)), key
				}
				break
			}
			if changed {
				out = cloned(out, v)
				out[key] = w
				x = w
			}
		}
	}
	return out, worst
}

var (
	asAny   = []*Type{AnyType}
	asLoose = []*Type{looseAny}
)

// undeclared is the types of a property by its key: those of the patterns that
// match it, and for a key that nothing declares that of the rest.
func (t *Type) undeclared(key string) []*Type {
	var types []*Type
	props, rest, union := t.Props, t.Rest, false
	if k := t.checks; k != nil {
		props, rest, union = props[:k.own], k.rest, k.union
		for _, p := range k.patterns {
			if p.re.MatchString(key) {
				types = append(types, p.t)
			}
		}
	}
	for i := range props {
		if props[i].Name == key {
			return types
		}
	}
	switch {
	case types != nil:
		return types
	case rest == AnyType:
		return asAny
	case rest != nil:
		return []*Type{rest}
	case union:
		return asLoose
	}
	return asAny
}
