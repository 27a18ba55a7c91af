package gotype

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"unicode"
)

var (
	marshaler       = reflect.TypeFor[json.Marshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	number          = reflect.TypeFor[json.Number]()
	zeroer          = reflect.TypeFor[interface{ IsZero() bool }]()
)

// field is a field of a struct that JSON has.
type field struct {
	name                string
	index               []int
	typ                 reflect.Type
	omitEmpty, omitZero bool
}

// fieldsOf lists the fields of a struct and of those that it embeds; false if encoding/json
// has rules for one that are not kept here.
func fieldsOf(t reflect.Type) (fields []field, ok bool) {
	known := map[string]bool{}
	return appendFields(nil, t, nil, known, map[reflect.Type]bool{})
}

func appendFields(fields []field, t reflect.Type, above []int, known map[string]bool, within map[reflect.Type]bool) ([]field, bool) {
	if within[t] { // the same struct twice: its fields hide each other
		return nil, false
	}
	within[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
		switch {
		case f.Anonymous && !embedded:
			return nil, false
		case tag == "-", !f.IsExported() && !embedded:
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		index := append(append([]int(nil), above...), i)
		if embedded && name == "" {
			var ok bool
			if fields, ok = appendFields(fields, f.Type, index, known, within); !ok {
				return nil, false
			}
			continue
		}
		if embedded && !f.IsExported() {
			return nil, false
		}
		own := field{name: name, index: index, typ: f.Type}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "omitempty":
				own.omitEmpty = true
			case "omitzero":
				own.omitZero = true
			case "string":
				return nil, false
			}
		}
		switch {
		case name == "":
			own.name = f.Name
		case !isWord(name):
			return nil, false
		}
		if own.omitZero && (own.typ.Implements(zeroer) || reflect.PointerTo(own.typ).Implements(zeroer)) {
			return nil, false
		}
		if known[own.name] {
			return nil, false
		}
		known[own.name] = true
		fields = append(fields, own)
	}
	return fields, true
}

// isWord reports a name that encoding/json takes from a tag as it is.
func isWord(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// left reports whether a field is left out.
func (f *field) left(v reflect.Value) bool {
	return f.omitEmpty && isEmpty(v) || f.omitZero && v.IsZero()
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
