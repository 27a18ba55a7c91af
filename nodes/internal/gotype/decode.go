package gotype

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// decode fills a fresh Go value; false leaves it to encoding/json. What it has filled by
// then is of no use.
type decode func(v any, into reflect.Value) bool

// Decoder fills Go values of one type from canonical ones. It is safe for concurrent use.
type Decoder struct{ run decode }

// Decode fills into, which has its zero value, with v; false if encoding/json has to do
// it, because the type does not cover v or because it does not fit. Then into holds
// anything.
func (d *Decoder) Decode(v any, into reflect.Value) bool { return d.run(v, into) }

var decoders sync.Map // by reflect.Type: *Decoder, nil if the type is not covered

// DecoderOf returns the plan of a type, or nil if encoding/json has to read its values.
func DecoderOf(t reflect.Type) *Decoder {
	if known, ok := decoders.Load(t); ok {
		return known.(*Decoder)
	}
	var d *Decoder
	if run, ok := (decoderPlan{}).of(t); ok && !readsItself(t) {
		d = &Decoder{run}
	}
	known, _ := decoders.LoadOrStore(t, d)
	return known.(*Decoder)
}

// readsItself reports that values of a type read their own JSON or text.
func readsItself(t reflect.Type) bool {
	to := reflect.PointerTo(t)
	return to.Implements(unmarshaler) || to.Implements(textUnmarshaler) || t == number
}

// decoderPlan holds the types that are being planned: nil until they are.
type decoderPlan map[reflect.Type]*decode

func (p decoderPlan) of(t reflect.Type) (decode, bool) {
	if readsItself(t) {
		return fromJSON, true
	}
	if later, ok := p[t]; ok { // it holds itself
		return func(v any, into reflect.Value) bool { return (*later)(v, into) }, true
	}
	this := new(decode)
	p[t] = this
	defer delete(p, t)
	run, ok := p.kind(t)
	*this = run
	return run, ok
}

func (p decoderPlan) kind(t reflect.Type) (decode, bool) {
	switch t.Kind() {
	case reflect.Bool:
		return toBool, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return toInt, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return toUint, true
	case reflect.Float32, reflect.Float64:
		return toFloat, true
	case reflect.String:
		return toText, true
	case reflect.Interface:
		return toAny, t.NumMethod() == 0
	case reflect.Pointer:
		elem, ok := p.of(t.Elem())
		return func(v any, into reflect.Value) bool {
			if v == nil {
				return true
			}
			to := reflect.New(t.Elem())
			into.Set(to)
			return elem(v, to.Elem())
		}, ok
	case reflect.Slice:
		elem, ok := p.of(t.Elem())
		return func(v any, into reflect.Value) bool {
			list, ok := v.([]any)
			if !ok {
				return v == nil
			}
			into.Set(reflect.MakeSlice(t, len(list), len(list)))
			for i, e := range list {
				if !elem(e, into.Index(i)) {
					return false
				}
			}
			return true
		}, ok
	case reflect.Array:
		elem, ok := p.of(t.Elem())
		return func(v any, into reflect.Value) bool {
			list, ok := v.([]any)
			for i := range min(len(list), t.Len()) { // what is too much is skipped
				if !elem(list[i], into.Index(i)) {
					return false
				}
			}
			return ok || v == nil
		}, ok
	case reflect.Map:
		if t.Key().Kind() != reflect.String || reflect.PointerTo(t.Key()).Implements(textUnmarshaler) {
			return nil, false
		}
		elem, ok := p.of(t.Elem())
		return func(v any, into reflect.Value) bool { return toMap(v, into, elem) }, ok
	case reflect.Struct:
		return p.structure(t)
	}
	return nil, false
}

// structure plans a struct. A property that names no field exactly is left to encoding/json:
// it may be another spelling of one, or an error.
func (p decoderPlan) structure(t reflect.Type) (decode, bool) {
	type member struct {
		index []int
		run   decode
	}
	fields, ok := fieldsOf(t)
	if !ok {
		return nil, false
	}
	members := make(map[string]member, len(fields))
	for i := range fields {
		run, ok := p.of(fields[i].typ)
		if !ok {
			return nil, false
		}
		members[fields[i].name] = member{fields[i].index, run}
	}
	return func(v any, into reflect.Value) bool {
		object, ok := v.(map[string]any)
		if !ok {
			return v == nil
		}
		for name, e := range object { // in any order: each has its own field
			m, ok := members[name]
			if !ok || !m.run(e, into.FieldByIndex(m.index)) {
				return false
			}
		}
		return true
	}, true
}

func toBool(v any, into reflect.Value) bool {
	b, ok := v.(bool)
	if !ok {
		return v == nil
	}
	into.SetBool(b)
	return true
}

// maxWhole is the largest float that value.Append writes as an integer.
const maxWhole = 1 << 53

// whole reads a number whose text is that of an integer.
func whole(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= maxWhole
	}
	return 0, false
}

func toInt(v any, into reflect.Value) bool {
	if v == nil {
		return true
	}
	n, ok := whole(v)
	if !ok || into.OverflowInt(n) {
		return false
	}
	into.SetInt(n)
	return true
}

func toUint(v any, into reflect.Value) bool {
	if v == nil {
		return true
	}
	n, ok := whole(v)
	if !ok || n < 0 || into.OverflowUint(uint64(n)) {
		return false
	}
	into.SetUint(uint64(n))
	return true
}

func toFloat(v any, into reflect.Value) bool {
	var f float64
	switch v := v.(type) {
	case nil:
		return true
	case int64:
		f = float64(v)
	case float64:
		f = v
	default:
		return false
	}
	switch {
	case f-f != 0:
		return false
	case f == 0:
		f = 0 // JSON has no minus zero here
	case into.Kind() == reflect.Float32: // rounded once, from the text
		var few [32]byte
		var err error
		if f, err = strconv.ParseFloat(string(value.Append(few[:0], v)), 32); err != nil {
			return false
		}
	}
	into.SetFloat(f)
	return true
}

func toText(v any, into reflect.Value) bool {
	s, ok := v.(string)
	if !ok {
		return v == nil
	}
	into.SetString(s)
	return utf8.ValidString(s)
}

func toAny(v any, into reflect.Value) bool {
	out, ok := plain(v)
	if ok && out != nil {
		into.Set(reflect.ValueOf(out))
	}
	return ok
}

// plain is a copy of a canonical value as encoding/json reads it: all numbers are floats.
func plain(v any) (any, bool) {
	switch v := v.(type) {
	case nil, bool:
		return v, true
	case string:
		return v, utf8.ValidString(v)
	case int64:
		return float64(v), true
	case float64:
		if v == 0 {
			v = 0 // as in toFloat
		}
		return v, v-v == 0
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var ok bool
			if out[i], ok = plain(e); !ok {
				return nil, false
			}
		}
		return out, true
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v { // in any order: a copy
			own, ok := plain(e)
			if !ok || !utf8.ValidString(k) {
				return nil, false
			}
			out[k] = own
		}
		return out, true
	}
	return nil, false
}

func toMap(v any, into reflect.Value, elem decode) bool {
	object, ok := v.(map[string]any)
	if !ok {
		return v == nil
	}
	t := into.Type()
	into.Set(reflect.MakeMapWithSize(t, len(object)))
	for name, e := range object { // in any order: a copy
		own := reflect.New(t.Elem()).Elem()
		if !utf8.ValidString(name) || !elem(e, own) {
			return false
		}
		into.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), own)
	}
	return true
}

// fromJSON is the way of a part that reads its own JSON.
func fromJSON(v any, into reflect.Value) bool {
	if !into.CanAddr() || !into.Addr().CanInterface() {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(value.Append(nil, v)))
	dec.DisallowUnknownFields()
	return dec.Decode(into.Addr().Interface()) == nil
}
