package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"
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

// Of turns any Go value that encoding/json can write into a canonical value.
// Canonical values come back as they are, without a copy. A text in v that is
// not UTF-8 is an error that wraps a *TextError.
func Of(v any) (any, error) {
	if canonical(v, 0) {
		return v, nil
	}
	return converted(v)
}

// CopyOf is Of for a value that the caller may change later: the result shares no
// list or object with v.
func CopyOf(v any) (any, error) {
	if canonical(v, 0) {
		return copied(v), nil
	}
	return converted(v)
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

func converted(v any) (any, error) {
	if i, ok := v.(int); ok {
		return int64(i), nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("value of type %T is not JSON: %w", v, err)
	}
	if bytes.Contains(b, []byte(replaced)) {
		if err := checkTexts(reflect.ValueOf(v)); err != nil {
			return nil, fmt.Errorf("a text in it: %w", err)
		}
	}
	return Decode(b)
}

func canonical(v any, depth int) bool {
	switch v := v.(type) {
	case nil, bool, int64:
		return true
	case string:
		return utf8.ValidString(v) // JSON holds nothing else
	case float64:
		return v-v == 0 // neither infinite nor NaN
	case []any:
		if v == nil || depth > maxParse {
			return false
		}
		for _, e := range v {
			if !canonical(e, depth+1) {
				return false
			}
		}
		return true
	case map[string]any:
		if v == nil || depth > maxParse {
			return false
		}
		for k, e := range v { // in any order: all are canonical, or not
			if !utf8.ValidString(k) || !canonical(e, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}
