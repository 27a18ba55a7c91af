// Package gotype turns Go values into canonical values (see package graph/value) and
// back, by a plan that is made once per type. What it makes is exactly what a round trip
// through encoding/json makes: json.Marshal and value.Decode one way, value.Append and a
// strict json.Decoder the other way. Where a type or a value is of a kind that a plan does
// not cover, it says so, and the caller takes the way through JSON, which also finds the
// words for every error.
//
// A plan covers booleans, numbers, texts, structs with embedded structs, pointers, slices,
// arrays, maps with texts as keys, and any. A part that writes or reads its own
// JSON or text goes through encoding/json by itself. A type is not covered if two of its
// fields have the same name, if it embeds anything but a struct, has a field with the
// option `string` or a name that is no plain word, or if only pointers to it write their
// own JSON.
package gotype
