package schema

// Zero is what a key of type t starts as without a default: null where that
// fits, else an enum's first word, or the empty value of its kind. ok is false
// when there is none: an object with required properties, or a zero that does
// not satisfy t itself, as "" under minLength.
func (t *Type) Zero() (zero any, ok bool) {
	switch {
	case t.Nullable:
		return nil, true
	case t.Enum != nil:
		if len(t.Enum) == 0 {
			return nil, false
		}
		zero = t.Enum[0]
	default:
		switch t.Kind {
		case Boolean:
			zero = false
		case Integer:
			zero = int64(0)
		case Number:
			zero = 0.0
		case String:
			zero = ""
		case List:
			zero = []any{}
		case Object:
			zero = map[string]any{}
		default:
			return nil, false
		}
	}
	if _, err := t.Check("", zero); err != nil {
		return nil, false
	}
	return zero, true
}
