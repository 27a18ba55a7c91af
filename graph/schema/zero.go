package schema

// Zero returns the initial value of a key of type t without a default: null if it
// fits, else the first value of an enum, or the empty value of the kind. ok is false
// if that value does not fit t: an object with required properties, or "" under
// minLength.
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
