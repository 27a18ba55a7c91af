package schema

import (
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// check checks everything that is not structure: unions, conditions, and the rules
// of the JSON Schema library.
func (k *checks) check(v any, changed bool, at walk) (any, bool, *Mismatch) {
	if k.hasMembers() {
		member := memberCheck{v: v, changed: changed, at: at.within()}
		if m := member.run(k); m != nil {
			return nil, false, m
		}
		v, changed = member.v, member.changed
	}
	if m := k.checkInside(v, at); m != nil {
		return nil, false, m
	}
	for i := range k.rules {
		r := &k.rules[i]
		if r.format != nil {
			if m := r.format.check(v); m != nil {
				return nil, false, m
			}
			continue
		}
		if err := r.schema.Validate(v); err != nil {
			return nil, false, mismatch("does not satisfy %s: %s", r.keyword, r.text)
		}
	}
	return v, changed, nil
}

// memberCheck checks one value against other schemas. If a member makes the value
// canonical, the next member sees the canonical value.
type memberCheck struct {
	v       any
	changed bool
	at      walk
}

func (c *memberCheck) apply(t *Type) *Mismatch {
	w, changed, m := t.check(c.v, 0, c.at)
	if m == nil && changed {
		c.v, c.changed = w, true
	}
	return m
}

func (c *memberCheck) fits(t *Type) bool {
	_, _, m := t.check(c.v, 0, c.at)
	return m == nil
}

func (c *memberCheck) run(k *checks) *Mismatch {
	for _, t := range k.all {
		if m := c.apply(t); m != nil {
			return m
		}
	}
	for _, members := range [...][]*Type{k.any, k.one} {
		if m := c.choose(members); m != nil {
			return m
		}
	}
	if k.one != nil && c.countFits(k.one) > 1 {
		return mismatch("must fit only one of %s", list(k.one))
	}
	if k.not != nil && c.fits(k.not) {
		return mismatch("must not be what \"not\" describes")
	}
	if branch := k.branch(k.cond != nil && c.fits(k.cond)); branch != nil {
		if m := c.apply(branch); m != nil {
			return m
		}
	}
	object, _ := c.v.(map[string]any)
	for _, d := range k.depend {
		if _, ok := object[d.name]; ok {
			if m := c.apply(d.t); m != nil {
				return m
			}
		}
	}
	return nil
}

func (c *memberCheck) countFits(members []*Type) int {
	n := 0
	for _, t := range members {
		if c.fits(t) {
			n++
		}
	}
	return n
}

// choose applies the first member that fits. If none fits and only one has the
// kind of the value, the mismatch of that one says most.
func (c *memberCheck) choose(members []*Type) *Mismatch {
	if members == nil {
		return nil
	}
	var near []*Type
	for _, t := range members {
		if c.fits(t) {
			return c.apply(t)
		}
		if t.takes(c.v) {
			near = append(near, t)
		}
	}
	if len(near) == 1 {
		return c.apply(near[0])
	}
	return mismatch("must be one of %s, not %s", list(members), describe(c.v))
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
func (k *checks) checkInside(v any, at walk) *Mismatch {
	switch x := v.(type) {
	case []any:
		return k.checkContains(x, at)
	case map[string]any:
		if k.names == nil {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(x)) {
			if _, _, m := k.names.check(name, 0, at.deeper()); m != nil {
				return mismatch("must not have the key %q: it %s", name, m.Message)
			}
		}
	}
	return nil
}

func (k *checks) checkContains(v []any, at walk) *Mismatch {
	if k.contains == nil {
		return nil
	}
	n := 0
	for _, e := range v {
		if _, _, m := k.contains.check(e, 0, at.deeper()); m == nil {
			n++
		}
	}
	switch {
	case n < k.minimum:
		return mismatch("must hold %d or more of %s, not %d", k.minimum, k.contains, n)
	case k.maximum >= 0 && n > k.maximum:
		return mismatch("must hold no more than %d of %s, not %d", k.maximum, k.contains, n)
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
