package value

import "reflect"

// Same reports that two canonical values are the same one: the same list or object in
// memory, which never changes in place, or the same scalar. It walks nothing, and is
// false for lists and objects that are only equal.
func Same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
	case nil, bool, int64, float64, string:
		return a == b
	}
	return false
}

// Equal compares canonical values deeply. 2 and 2.0 are equal; an integer and a
// float are compared exactly, without rounding the integer.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case string:
		b, ok := b.(string)
		return ok && a == b
	case int64:
		switch b := b.(type) {
		case int64:
			return a == b
		case float64:
			return sameNumber(a, b)
		}
	case float64:
		switch b := b.(type) {
		case float64:
			return a == b
		case int64:
			return sameNumber(b, a)
		}
	case []any:
		b, ok := b.([]any)
		return ok && equalLists(a, b)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && equalObjects(a, b)
	}
	return false
}

func sameNumber(i int64, f float64) bool {
	// 2^63 is a float and does not fit int64: converting it is not defined.
	return f >= -1<<63 && f < 1<<63 && float64(int64(f)) == f && int64(f) == i
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	if Same(a, b) {
		return true
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	if Same(a, b) {
		return true
	}
	for k, v := range a { // in any order: all are equal, or not
		w, ok := b[k]
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}
