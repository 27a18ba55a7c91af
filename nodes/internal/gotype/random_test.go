package gotype_test

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/internal/gotype"
)

// Types of every shape, with values of every shape, convert as encoding/json converts them.
func TestRandomTypesAsJSON(t *testing.T) {
	t.Parallel()
	encoded, decoded := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		typ := drawType(t, 3)
		for range 5 {
			v := reflect.New(typ).Elem()
			drawGo(t, v, 4)
			if checkEncode(t, v) {
				encoded++
			}
			given, err := value.Of(hold{v.Interface()})
			if err != nil {
				continue
			}
			with := given.Any().(map[string]any)["V"]
			for _, x := range []any{with, bent(t, with)} {
				if checkDecode(t, typ, x) {
					decoded++
				}
			}
		}
	})
	t.Logf("plans wrote %d values and read %d", encoded, decoded)
	if !testing.Short() && (encoded < 50 || decoded < 50) {
		t.Error("too few for the test to mean anything")
	}
}

var leaves = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int64](), reflect.TypeFor[uint8](),
	reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[word](),
	reflect.TypeFor[level](), reflect.TypeFor[any](), reflect.TypeFor[time.Time](), reflect.TypeFor[opaque](), reflect.TypeFor[byText](),
	reflect.TypeFor[chain](), reflect.TypeFor[Embedded](), reflect.TypeFor[[]byte](), reflect.TypeFor[byPointer](), reflect.TypeFor[quoted](),
}

func drawType(t *rapid.T, depth int) reflect.Type {
	if depth == 0 {
		return rapid.SampledFrom(leaves[:18]).Draw(t, "leaf")
	}
	switch rapid.IntRange(0, 9).Draw(t, "shape") {
	case 0, 1:
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	case 2:
		return reflect.SliceOf(drawType(t, depth-1))
	case 3:
		return reflect.MapOf(rapid.SampledFrom([]reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[word](), reflect.TypeFor[int]()}).Draw(t, "key"), drawType(t, depth-1))
	case 4:
		return reflect.PointerTo(drawType(t, depth-1))
	case 5:
		return reflect.ArrayOf(rapid.IntRange(0, 2).Draw(t, "length"), drawType(t, depth-1))
	}
	var fields []reflect.StructField
	for i := range rapid.IntRange(0, 5).Draw(t, "fields") {
		f := reflect.StructField{Name: fmt.Sprintf("%c%d", rapid.SampledFrom([]rune("AB")).Draw(t, "letter"), i), Type: drawType(t, depth-1)}
		name := rapid.SampledFrom([]string{"", "", "", "a", "A", "ä_1", "-", "b.c", "x y", "é,", "\"", "-,"}).Draw(t, "name")
		f.Tag = reflect.StructTag(fmt.Sprintf("json:%q", name+rapid.SampledFrom([]string{"", "", ",omitempty", ",omitzero", ",omitempty,omitzero", ",string", ",other"}).Draw(t, "option")))
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}

var (
	floats = []float64{0, math.Copysign(0, -1), 1, 0.1, -2.5, 1 << 24, 1<<24 + 1, 1 << 53, 1<<53 + 2, 1 << 60, 1 << 63, 1e20, 1e21, 1e-6, 1e-7, 3e38, 1e308, math.NaN(), math.Inf(-1)}
	texts  = []string{"", "a", "<&>", "ü\u2028", "\ufffd", "bad\xff", "2020-01-02T03:04:05Z", strings.Repeat("é", 40), "\x00\"\\"}
)

// drawGo fills a Go value.
func drawGo(t *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint"))
	case reflect.Float32, reflect.Float64:
		if f := rapid.SampledFrom(floats).Draw(t, "float"); rapid.Bool().Draw(t, "known") {
			v.SetFloat(f)
		} else {
			v.SetFloat(rapid.Float64().Draw(t, "any float"))
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom(texts).Draw(t, "text"))
	case reflect.Pointer:
		if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nil") > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			drawGo(t, v.Elem(), depth-1)
		}
	case reflect.Interface:
		if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nil") > 0 {
			x := reflect.New(drawType(t, 1)).Elem()
			drawGo(t, x, depth-1)
			v.Set(x)
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 3).Draw(t, "length"); n >= 0 && depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				drawGo(t, v.Index(i), depth-1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			drawGo(t, v.Index(i), depth-1)
		}
	case reflect.Map:
		if n := rapid.IntRange(-1, 3).Draw(t, "length"); n >= 0 && depth > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				drawGo(t, k, depth-1)
				drawGo(t, e, depth-1)
				v.SetMapIndex(k, e)
			}
		}
	case reflect.Struct:
		if at, ok := v.Addr().Interface().(*time.Time); ok {
			*at = time.Unix(rapid.Int64Range(0, 1e10).Draw(t, "time"), 0).UTC()
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				drawGo(t, v.Field(i), depth-1)
			}
		}
	}
}

// bent is a canonical value that may not fit any more.
func bent(t *rapid.T, v any) any {
	if rapid.IntRange(0, 5).Draw(t, "bend") == 0 {
		return rapid.SampledFrom([]any{nil, true, int64(1), int64(-1), int64(1 << 60), 2.0, 0.5, math.Copysign(0, -1), 1e20, "x", "bad\xff", []any{}, []any{int64(1)}, map[string]any{}, map[string]any{"A0": nil}}).Draw(t, "other")
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = bent(t, e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for _, k := range sorted(v) {
			name := k
			switch rapid.IntRange(0, 12).Draw(t, "name") {
			case 0:
				name = strings.ToUpper(k)
			case 1:
				name = k + "x"
			}
			out[name] = bent(t, v[k])
		}
		return out
	}
	return v
}

// FuzzDecode reads JSON into types of every shape.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"name": "a", "next": {"more": [{}]}}`, `{"below": "x", "F32": 1e10, "any": [1]}`, `[1, "a", null]`, `{"A": 1e400}`} {
		f.Add([]byte(s))
	}
	types := []reflect.Type{reflect.TypeFor[chain](), reflect.TypeFor[wide](), reflect.TypeFor[[]float32](), reflect.TypeFor[map[string][]level](), reflect.TypeFor[hold](), reflect.TypeFor[[]any](), reflect.TypeFor[map[word]*inner]()}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := value.Decode(text)
		if err != nil || value.Size(v) > 1<<16 {
			return
		}
		for _, typ := range types {
			if into := reflect.New(typ); checkDecode(t, typ, v) {
				decodeInto(t, v, into)
				checkEncode(t, into.Elem())
			}
		}
		checkEncode(t, reflect.ValueOf(hold{v}))
	})
}

func decodeInto(t *testing.T, v any, into reflect.Value) {
	t.Helper()
	if !gotype.DecoderOf(into.Type().Elem()).Decode(v, into.Elem()) {
		t.Fatal("read once, and not again")
	}
}

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
