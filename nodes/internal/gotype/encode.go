package gotype

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/graphrun/graphrun/graph/value"
)

// maxDepth bounds the nesting of what a plan converts. A deeper value, as one that holds
// itself, is left to encoding/json.
const maxDepth = 200

// encode makes a canonical value of a Go value; false leaves it to encoding/json.
type encode func(v reflect.Value, depth int) (any, bool)

// Encoder makes canonical values of the Go values of one type. It is safe for concurrent
// use.
type Encoder struct{ run encode }

// Encode returns the canonical value of v, which shares no list or object with it; false
// if encoding/json has to do it.
func (e *Encoder) Encode(v reflect.Value) (any, bool) { return e.run(v, 0) }

var encoders sync.Map // by reflect.Type: *Encoder, nil if the type is not covered

// EncoderOf returns the plan of a type, or nil if encoding/json has to write its values.
func EncoderOf(t reflect.Type) *Encoder {
	if known, ok := encoders.Load(t); ok {
		return known.(*Encoder)
	}
	var e *Encoder
	if run, ok := (encoderPlan{}).of(t); ok && !writesItself(t) {
		e = &Encoder{run}
	}
	known, _ := encoders.LoadOrStore(t, e)
	return known.(*Encoder)
}

// writesItself reports that values of a type write their own JSON or text.
func writesItself(t reflect.Type) bool {
	return t.Implements(marshaler) || t.Implements(textMarshaler) || t == number
}

// pointersWrite reports that pointers to values of a type write other JSON than the values:
// then it depends on whether encoding/json can point to a value.
func pointersWrite(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	to := reflect.PointerTo(t)
	return to.Implements(marshaler) != t.Implements(marshaler) || to.Implements(textMarshaler) != t.Implements(textMarshaler)
}

// encoderPlan holds the types that are being planned: nil until they are.
type encoderPlan map[reflect.Type]*encode

func (p encoderPlan) of(t reflect.Type) (encode, bool) {
	switch {
	case t.Kind() == reflect.Interface && writesItself(t), pointersWrite(t):
		return nil, false
	case writesItself(t):
		return throughJSON, true
	}
	if later, ok := p[t]; ok { // it holds itself
		return func(v reflect.Value, depth int) (any, bool) { return (*later)(v, depth) }, true
	}
	this := new(encode)
	p[t] = this
	defer delete(p, t)
	run, ok := p.kind(t)
	*this = run
	return run, ok
}

func (p encoderPlan) kind(t reflect.Type) (encode, bool) {
	switch t.Kind() {
	case reflect.Bool:
		return func(v reflect.Value, _ int) (any, bool) { return v.Bool(), true }, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value, _ int) (any, bool) { return v.Int(), true }, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(v reflect.Value, _ int) (any, bool) { return ofUint(v.Uint()), true }, true
	case reflect.Float32:
		return func(v reflect.Value, _ int) (any, bool) { return ofFloat(v.Float(), 32) }, true
	case reflect.Float64:
		return func(v reflect.Value, _ int) (any, bool) { return ofFloat(v.Float(), 64) }, true
	case reflect.String:
		return ofText, true
	case reflect.Interface:
		return ofInterface, true
	case reflect.Pointer:
		elem, ok := p.of(t.Elem())
		return func(v reflect.Value, depth int) (any, bool) {
			switch {
			case v.IsNil():
				return nil, true
			case depth > maxDepth:
				return nil, false
			}
			return elem(v.Elem(), depth+1)
		}, ok
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !writesItself(reflect.PointerTo(t.Elem())) {
			return ofBytes, true
		}
		elem, ok := p.of(t.Elem())
		return func(v reflect.Value, depth int) (any, bool) {
			if v.IsNil() {
				return nil, true
			}
			return ofList(v, elem, depth)
		}, ok
	case reflect.Array:
		elem, ok := p.of(t.Elem())
		return func(v reflect.Value, depth int) (any, bool) { return ofList(v, elem, depth) }, ok
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, false
		}
		elem, ok := p.of(t.Elem())
		return func(v reflect.Value, depth int) (any, bool) { return ofMap(v, elem, depth) }, ok
	case reflect.Struct:
		return p.structure(t)
	}
	return nil, false
}

// structure plans a struct.
func (p encoderPlan) structure(t reflect.Type) (encode, bool) {
	fields, ok := fieldsOf(t)
	if !ok {
		return nil, false
	}
	elems := make([]encode, len(fields))
	for i := range fields {
		if elems[i], ok = p.of(fields[i].typ); !ok {
			return nil, false
		}
	}
	return func(v reflect.Value, depth int) (any, bool) {
		if depth > maxDepth {
			return nil, false
		}
		out := make(map[string]any, len(fields))
		for i := range fields {
			f := &fields[i]
			x := v.FieldByIndex(f.index)
			if f.left(x) {
				continue
			}
			e, ok := elems[i](x, depth+1)
			if !ok {
				return nil, false
			}
			out[f.name] = e
		}
		return out, true
	}, true
}

func ofUint(n uint64) any {
	if n <= math.MaxInt64 {
		return int64(n)
	}
	return float64(n)
}

// ofFloat reads a number as encoding/json writes it: a whole one within int64 is an
// integer, and the others are the nearest to the shortest text of that many bits.
func ofFloat(f float64, bits int) (any, bool) {
	switch whole := f == math.Trunc(f); {
	case f-f != 0:
		return nil, false
	case whole && math.Abs(f) < 1<<24:
		return int64(f), true
	case !whole && bits == 64:
		return f, true
	}
	var few [32]byte
	format := byte('f')
	if abs := math.Abs(f); abs < 1e-6 || abs >= 1e21 {
		format = 'e'
	}
	text := string(strconv.AppendFloat(few[:0], f, format, -1, bits))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// ofText leaves a text that is not UTF-8 to those who find the place.
func ofText(v reflect.Value, _ int) (any, bool) {
	s := v.String()
	return s, utf8.ValidString(s)
}

func ofBytes(v reflect.Value, _ int) (any, bool) {
	if v.IsNil() {
		return nil, true
	}
	return base64.StdEncoding.EncodeToString(v.Bytes()), true
}

func ofInterface(v reflect.Value, depth int) (any, bool) {
	if v.IsNil() {
		return nil, true
	}
	v = v.Elem()
	if e := EncoderOf(v.Type()); e != nil {
		if depth > maxDepth {
			return nil, false
		}
		return e.run(v, depth+1)
	}
	return throughJSON(v, depth)
}

func ofList(v reflect.Value, elem encode, depth int) (any, bool) {
	if depth > maxDepth {
		return nil, false
	}
	out := make([]any, v.Len())
	for i := range out {
		var ok bool
		if out[i], ok = elem(v.Index(i), depth+1); !ok {
			return nil, false
		}
	}
	return out, true
}

func ofMap(v reflect.Value, elem encode, depth int) (any, bool) {
	switch {
	case v.IsNil():
		return nil, true
	case depth > maxDepth:
		return nil, false
	}
	out := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		name := it.Key().String()
		e, ok := elem(it.Value(), depth+1)
		if !ok || !utf8.ValidString(name) {
			return nil, false
		}
		out[name] = e
	}
	return out, true
}

// throughJSON is the way of a part that writes its own JSON.
func throughJSON(v reflect.Value, _ int) (any, bool) {
	if !v.CanInterface() {
		return nil, false
	}
	b, err := json.Marshal(v.Interface())
	if err != nil || bytes.Contains(b, []byte(`\ufffd`)) {
		return nil, false
	}
	out, err := value.Decode(b)
	return out, err == nil
}
