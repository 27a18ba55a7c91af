// Package value works on the canonical JSON values of a stack's state: nil,
// bool, int64, float64, string, []any and map[string]any, and nothing else. Values
// are shared between waves and never changed in place. A Value is one that is known
// to be canonical, with its size.
package value
