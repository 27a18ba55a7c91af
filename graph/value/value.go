// Package value works on the canonical JSON values that a stack's state is
// made of: nil, bool, int64, float64, string, []any and map[string]any, and
// nothing else. Values are shared between waves and never changed in place.
package value

// Decode reads one JSON value. Integers within int64 are exact; every other
// number becomes a float64.
func Decode(b []byte) (any, error) { panic("contract") }

// Append writes v as compact JSON with sorted keys to b.
func Append(b []byte, v any) []byte { panic("contract") }

// String is Append as a string.
func String(v any) string { return string(Append(nil, v)) }

// Of turns any Go value that encoding/json can write into a canonical value.
// Canonical values come back as they are, without a copy.
func Of(v any) (any, error) { panic("contract") }

// Equal compares deeply; 2 and 2.0 are equal.
func Equal(a, b any) bool { panic("contract") }

// Size is the number of bytes of the compact JSON, without building it.
func Size(v any) int { panic("contract") }
