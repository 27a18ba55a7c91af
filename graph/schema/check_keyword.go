package schema

import (
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// check checks what the structure leaves over: unions, conditions, and the
// rules of the JSON Schema library. Where a member makes the value canonical,
// the next one sees it so.
func (k *checks) check(t *Type, v any, changed bool, depth int) (any, bool, *Mismatch) {
	apply := func(as *Type) *Mismatch {
		w, c, m := as.check(v, 0, depth)
		if m == nil && c {
			v, changed = w, true
		}
		return m
	}
	fits := func(as *Type) bool {
		_, _, m := as.check(v, 0, depth)
		return m == nil
	}
	for _, as := range k.all {
		if m := apply(as); m != nil {
			return nil, false, m
		}
	}
	for _, members := range [...][]*Type{k.any, k.one} {
		if members == nil {
			continue
		}
		as, m := choose(members, v, fits, depth)
		if m == nil {
			m = apply(as)
		}
		if m != nil {
			return nil, false, m
		}
	}
	if k.one != nil && count2(k.one, fits) > 1 {
		return nil, false, mismatch("must fit only one of %s", list(k.one))
	}
	if k.not != nil && fits(k.not) {
		return nil, false, mismatch("must not be what \"not\" describes")
	}
	if branch := k.branch(fits); branch != nil {
		if m := apply(branch); m != nil {
			return nil, false, m
		}
	}
	if m := k.checkInside(v, fits, apply, depth); m != nil {
		return nil, false, m
	}
	for i := range k.rules {
		r := &k.rules[i]
		if err := r.schema.Validate(v); err != nil {
			return nil, false, mismatch("does not satisfy %s: %s", r.keyword, r.text)
		}
	}
	return v, changed, nil
}

func count2(members []*Type, fits func(*Type) bool) int {
	n := 0
	for _, m := range members {
		if fits(m) {
			n++
		}
	}
	return n
}

// choose finds the first member that fits. When none does and only one is of
// the value's kind, its mismatch says most.
func choose(members []*Type, v any, fits func(*Type) bool, depth int) (*Type, *Mismatch) {
	var near []*Type
	for _, as := range members {
		if fits(as) {
			return as, nil
		}
		if as.takes(v) {
			near = append(near, as)
		}
	}
	if len(near) == 1 {
		_, _, m := near[0].check(v, 0, depth)
		return nil, m
	}
	return nil, mismatch("must be one of %s, not %s", list(members), describe(v))
}

func list(types []*Type) string {
	var words []string
	for _, t := range types {
		words = append(words, t.String())
	}
	return strings.Join(words, ", ")
}

// checkInside checks the keywords about the inside of lists and objects that
// are not part of the structure.
func (k *checks) checkInside(v any, fits func(*Type) bool, apply func(*Type) *Mismatch, depth int) *Mismatch {
	switch x := v.(type) {
	case []any:
		if k.contains == nil {
			return nil
		}
		n := 0
		for _, e := range x {
			if _, _, m := k.contains.check(e, 0, depth+1); m == nil {
				n++
			}
		}
		switch {
		case n < k.minimum:
			return mismatch("must hold %d or more of %s, not %d", k.minimum, k.contains, n)
		case k.maximum >= 0 && n > k.maximum:
			return mismatch("must hold no more than %d of %s, not %d", k.maximum, k.contains, n)
		}
	case map[string]any:
		if k.names != nil {
			for name := range sortedKeys(x) {
				if _, _, m := k.names.check(name, 0, depth+1); m != nil {
					return mismatch("must not have the key %q: it %s", name, m.Message)
				}
			}
		}
		for _, d := range k.depend {
			if _, ok := x[d.name]; ok {
				if m := apply(d.t); m != nil {
					return m
				}
			}
		}
	}
	return nil
}

// wrongKind is the mismatch of a value of another kind.
func (t *Type) wrongKind(v any) *Mismatch {
	if t.Enum != nil {
		return t.notInEnum(v)
	}
	if k := t.checks; k != nil && t.Kind == Any && len(k.any)+len(k.one) > 0 {
		return mismatch("must be one of %s, not %s", list(append(k.any[:len(k.any):len(k.any)], k.one...)), describe(v))
	}
	return mismatch("must be %s, not %s", t.article(), describe(v))
}

func (t *Type) notInEnum(v any) *Mismatch {
	var words []string
	for _, e := range t.Enum {
		words = append(words, value.String(e))
	}
	got := describe(v)
	switch v.(type) {
	case string, bool, int64, float64:
		if value.Size(v) <= 80 {
			got = value.String(v)
		}
	}
	if len(words) == 1 {
		return mismatch("must be %s, not %s", words[0], got)
	}
	return mismatch("must be one of %s, not %s", strings.Join(words, ", "), got)
}

// article is the kind with its article, for "must be …".
func (t *Type) article() string {
	switch t.Kind {
	case Any:
		return "a value"
	case Null:
		return "null"
	case Integer, Object:
		return "an " + t.Kind.String()
	}
	return "a " + t.Kind.String()
}

// takes reports whether v is of t's kind, whatever is inside.
func (t *Type) takes(v any) bool {
	switch v.(type) {
	case bool:
		return t.Kind == Boolean
	case string:
		return t.Kind == String
	case int64, float64:
		return t.Kind == Integer || t.Kind == Number
	case []any:
		return t.Kind == List
	case map[string]any:
		return t.Kind == Object
	}
	return false
}

// describe is the kind of a value with its article, for "not …".
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a value"
}
