package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// Bounds of what is stored, in bytes of compact JSON: of one value, as a key of
// a state or an output, and of a state.
const (
	MaxBytes      = 64 << 20
	MaxStateBytes = 256 << 20
)

// MaxDepth is how deep lists and objects may be nested in a value that is to
// be stored.
const MaxDepth = 100

// String returns v as compact JSON, as Append writes it.
func String(v any) string { return string(Append(nil, v)) }

// Value is a canonical value that is known to be one, and its size: whoever holds it
// need not walk it again to find out. Of makes it. Nobody may change what is in it.
// The zero Value is null.
type Value struct {
	v    any
	size int
}

// Any returns the canonical value itself, which is shared.
func (v Value) Any() any { return v.v }

// Size returns the number of bytes of the compact JSON, as the function Size counts
// them, without a walk.
func (v Value) Size() int {
	if v.v == nil {
		return len("null")
	}
	return v.size
}

// With returns x, a canonical value that was made of v, as by masking. When x is v's
// own value, v comes back and nothing is walked.
func (v Value) With(x any) Value {
	if Same(v.v, x) {
		return v
	}
	return Value{x, Size(x)}
}

// MarshalJSON writes the value as Append does.
func (v Value) MarshalJSON() ([]byte, error) { return Append(nil, v.v), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(b []byte) error {
	x, err := Decode(b)
	*v = Value{x, Size(x)}
	return err
}

// Of turns any Go value that encoding/json can write into a canonical value. A
// canonical value is kept as it is, without a copy, and walked once; a Value is
// not walked. A text in v that is not UTF-8 is an error that wraps a *TextError.
func Of(v any) (Value, error) {
	if known, ok := v.(Value); ok {
		return known, nil
	}
	if size := measure(v, 0); size >= 0 {
		return Value{v, size}, nil
	}
	return converted(v)
}

// Canonical reports whether v is a canonical value, no deeper than one that can be read. A
// value that holds a *Secret is not.
func Canonical(v any) bool { return measure(v, 0) >= 0 }

// CopyOf is Of for a value that the caller may change later: the result shares no
// list or object with v, unless v is a Value.
func CopyOf(v any) (Value, error) {
	c, err := Of(v)
	if Same(c.v, v) {
		c.v = copied(c.v)
	}
	return c, err
}

func copied(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copied(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v { // in any order: a copy
			out[k] = copied(e)
		}
		return out
	}
	return v
}

func converted(v any) (Value, error) {
	if i, ok := v.(int); ok {
		return Of(int64(i))
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Value{}, fmt.Errorf("value of type %T is not JSON: %w", v, err)
	}
	if bytes.Contains(b, []byte(replaced)) {
		if err := checkTexts(reflect.ValueOf(v)); err != nil {
			return Value{}, fmt.Errorf("a text in it: %w", err)
		}
	}
	c, err := Decode(b)
	if err != nil {
		return Value{}, err
	}
	return Value{c, Size(c)}, nil
}

// measure is the size of a value, or -1 when it is not canonical.
func measure(v any, depth int) int {
	switch v := v.(type) {
	case nil, bool, int64:
		return sizeScalar(v)
	case string:
		return measureText(v) // JSON holds nothing but UTF-8
	case float64:
		if v-v != 0 { // infinite or NaN
			return -1
		}
		return sizeFloat(v)
	case []any:
		if v == nil || depth > maxParse {
			return -1
		}
		n := 2 + max(0, len(v)-1)
		for _, e := range v {
			size := measure(e, depth+1)
			if size < 0 {
				return -1
			}
			n += size
		}
		return n
	case map[string]any:
		if v == nil || depth > maxParse {
			return -1
		}
		n := 2 + max(0, len(v)-1)
		for k, e := range v { // in any order: a sum, and all are canonical, or not
			name, size := measureText(k), measure(e, depth+1)
			if name < 0 || size < 0 {
				return -1
			}
			n += name + 1 + size
		}
		return n
	}
	return -1
}
