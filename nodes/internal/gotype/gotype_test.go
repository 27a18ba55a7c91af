package gotype_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/internal/gotype"
)

// hold makes a value a part of a struct: value.Of takes the way through JSON then, also
// for what is canonical by itself.
type hold struct{ V any }

// failer is a test, or one round of rapid.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkEncode holds the plan of v's type against JSON, and reports whether it did the work.
func checkEncode(t failer, v reflect.Value) bool {
	t.Helper()
	e := gotype.EncoderOf(v.Type())
	if e == nil {
		return false
	}
	got, ok := e.Encode(v)
	if !ok {
		return false
	}
	want, err := value.Of(hold{v.Interface()})
	if err != nil {
		t.Fatalf("%s: the plan made %s of what JSON cannot write: %v", v.Type(), value.String(got), err)
	}
	if d := cmp.Diff(want.Any().(map[string]any)["V"], got); d != "" {
		t.Fatalf("%s %#v (-json +plan)\n%s", v.Type(), v.Interface(), d)
	}
	return true
}

// checkDecode holds the plan of a type against JSON for a canonical value.
func checkDecode(t failer, typ reflect.Type, v any) bool {
	t.Helper()
	d := gotype.DecoderOf(typ)
	if d == nil {
		return false
	}
	got := reflect.New(typ)
	if !d.Decode(v, got.Elem()) {
		return false
	}
	want := reflect.New(typ)
	dec := json.NewDecoder(bytes.NewReader(value.Append(nil, v)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(want.Interface()); err != nil {
		t.Fatalf("%s: the plan read %s, which JSON does not: %v", typ, value.String(v), err)
	}
	if w, g := written(want), written(got); !reflect.DeepEqual(want.Interface(), got.Interface()) || w != g {
		t.Fatalf("%s of %s: json %s, plan %s", typ, value.String(v), w, g)
	}
	return true
}

// written tells minus zero from zero.
func written(v reflect.Value) string {
	b, _ := json.Marshal(v.Interface()) // some of what can be read cannot be written
	return string(b)
}

type (
	word   string
	level  int8
	opaque struct{ A int }
	inner  struct {
		Deep  []word         `json:"deep"`
		Extra map[word]level `json:"extra,omitempty"`
	}
	Embedded struct {
		Below string `json:"below"`
		Own   *inner `json:"own"`
	}
	hidden struct{ Seen uint16 }
	chain  struct {
		Name string           `json:"name"`
		Next *chain           `json:"next,omitempty"`
		More []chain          `json:"more"`
		By   map[string]chain `json:"by"`
	}
	wide struct {
		Embedded
		hidden
		B    bool
		I    int    `json:"i"`
		I8   int8   `json:",omitempty"`
		U64  uint64 `json:"u64,omitzero"`
		F32  float32
		F64  float64  `json:"f-64"`
		S    string   `json:"s,omitempty"`
		P    **string `json:"p,omitempty"`
		Any  any      `json:"any"`
		Blob []byte   `json:"blob"`
		Arr  [2]int16
		Time time.Time
		When *time.Time `json:",omitempty"`
		Raw  json.RawMessage
		Num  json.Number
		Addr netip.Addr
		Skip string `json:"-"`
		//lint:ignore SA5008 the name is "-"
		Dash string `json:"-,"` //nolint:staticcheck // the name is "-"
		_    int
		Big  *big.Int
		L    []*level
		M    map[string]any `json:"m"`
		Z    struct{}       `json:"z"`
	}
)

// The types that JSON treats in a way of its own.
type (
	byPointer   struct{ A int }
	byText      struct{ A int }
	textAndJSON struct{ A int }
	keyed       string
	zeroable    struct{ A int }
	talker      interface{ MarshalText() ([]byte, error) }
	twice       struct {
		A int
		B int `json:"A"`
	}
	shadows struct {
		Embedded
		Below int `json:"below"`
	}
	pointing struct{ *Embedded }
	quoted   struct {
		N int `json:",string"`
	}
	named struct {
		N int `json:"a.b"`
	}
)

func (*byPointer) MarshalJSON() ([]byte, error)   { return []byte(`"pointer"`), nil }
func (*byPointer) UnmarshalJSON([]byte) error     { return nil }
func (byText) MarshalText() ([]byte, error)       { return []byte("text"), nil }
func (b *byText) UnmarshalText(text []byte) error { b.A = len(text); return nil }
func (textAndJSON) MarshalText() ([]byte, error)  { return []byte("text"), nil }
func (*textAndJSON) MarshalJSON() ([]byte, error) { return []byte(`"json"`), nil }
func (keyed) MarshalText() ([]byte, error)        { return []byte("key"), nil }
func (k *keyed) UnmarshalText(text []byte) error {
	*k = keyed(strings.ToUpper(string(text)))
	return nil
}
func (zeroable) IsZero() bool                  { return true }
func (o opaque) MarshalJSON() ([]byte, error)  { return fmt.Appendf(nil, `{"opaque": %d.0}`, o.A), nil }
func (o *opaque) UnmarshalJSON(b []byte) error { o.A = len(b); return nil }

func TestEncodeAsJSON(t *testing.T) {
	t.Parallel()
	text, lv, now := "tëxt <&>\u2028\ufffd", level(-3), time.Unix(1, 500).UTC()
	ptr := &text
	loop := &chain{Name: "loop"}
	loop.Next = loop
	for name, c := range map[string]struct {
		v       any
		planned bool
	}{
		"zero":              {wide{}, false}, // Raw is empty, and Addr has no text: see below
		"zero chain":        {chain{}, true},
		"full":              {wide{Embedded: Embedded{"b", &inner{Deep: []word{"x"}, Extra: map[word]level{"a": 1}}}, hidden: hidden{7}, B: true, I: -5, U64: math.MaxUint64, F32: 0.1, F64: 1e21, S: text, P: &ptr, Any: []any{int64(1), 2.0, nil, map[string]int{"a": 1}, opaque{3}}, Blob: []byte("blob"), Time: now, When: &now, Raw: json.RawMessage(` {"a": 1.0} `), Num: "1.50", Addr: netip.MustParseAddr("::1"), Big: big.NewInt(1 << 60), L: []*level{nil, &lv}, M: map[string]any{}, Dash: "-"}, true},
		"floats":            {[]float64{0, math.Copysign(0, -1), 1, -1.5, 1 << 53, 1<<53 + 2, 1 << 60, 1 << 62, 1 << 63, -1 << 63, 1e20, 1e21, 1e22, 1e-6, 1e-7, math.MaxFloat64, math.SmallestNonzeroFloat64}, true},
		"float32s":          {[]float32{0, 0.1, 1 << 24, 1<<24 + 2, 16777217, 3e9, 1e18, 1e19, 1e20, 1e21, 1e-7, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1))}, true},
		"uints":             {[]uint64{0, 1<<63 - 1, 1 << 63, math.MaxUint64}, true},
		"nan":               {[]float64{math.NaN()}, false},
		"inf":               {[]float32{float32(math.Inf(1))}, false},
		"not UTF-8":         {[]string{"a\xff"}, false},
		"key not UTF-8":     {map[string]int{"a\xff": 1}, false},
		"nil slice":         {[]string(nil), true},
		"nil map":           {map[string]int(nil), true},
		"nil pointer":       {(*chain)(nil), true},
		"nil in any":        {hold{}, true},
		"nested":            {chain{Next: &chain{More: []chain{{}, {By: map[string]chain{"k": {}}}}}}, true},
		"loop":              {loop, false},
		"bytes":             {hold{[]byte{}}, true},
		"named bytes":       {[]word{"a"}, true},
		"by pointer":        {[]byPointer{{1}}, false},
		"in a pointer":      {[]*byPointer{{1}, nil}, true},
		"in any":            {hold{byPointer{1}}, true},
		"by text":           {[]byText{{1}}, true},
		"text and JSON":     {[]textAndJSON{{1}}, false},
		"text and JSON any": {hold{textAndJSON{1}}, true},
		"talker":            {[]talker{byText{1}, textAndJSON{1}}, false},
		"key with text":     {map[keyed]int{"a": 1}, true}, // JSON takes the key itself
		"int keys":          {map[int]int{1: 1}, false},
		"is zero": {struct {
			Z zeroable `json:",omitzero"`
		}{}, false},
		"omitempty struct": {struct {
			Z inner `json:",omitempty"`
		}{}, true},
		"minus zero": {struct {
			F float64 `json:",omitempty"`
		}{math.Copysign(0, -1)}, true},
		"twice":             {twice{1, 2}, false},
		"shadows":           {shadows{}, false},
		"pointing":          {pointing{}, false},
		"quoted":            {quoted{}, false},
		"odd name":          {named{}, false},
		"func":              {hold{func() {}}, false},
		"error in a part":   {hold{json.Number("x")}, false},
		"escaped in a part": {hold{json.RawMessage(`"\ufffd"`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := reflect.New(reflect.TypeOf(c.v)).Elem()
			v.Set(reflect.ValueOf(c.v))
			if got := checkEncode(t, v); got != c.planned && name != "zero" {
				t.Errorf("the plan did it: %v, want %v", got, c.planned)
			}
		})
	}
}

func TestDecodeAsJSON(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		into    any
		text    string
		planned bool
	}{
		"full":               {wide{}, `{"below": "b", "own": {"deep": ["a"], "extra": {"k": -128}}, "Seen": 65535, "B": true, "i": -9007199254740993, "I8": 127, "u64": 9223372036854775807, "F32": 0.1, "f-64": 1, "s": "<ü>", "p": "x", "any": [1, 2.5, null, {"a": [true]}, "t"], "Arr": [1, 2], "Time": "2020-01-02T03:04:05Z", "Raw": {"a":1}, "Num": 12, "Addr": "::1", "-": "d", "L": [1, null], "m": {"x": null}, "z": {}}`, true},
		"nulls":              {wide{}, `{"below": null, "own": null, "Seen": null, "B": null, "i": null, "u64": null, "F32": null, "s": null, "p": null, "any": null, "Arr": null, "Time": null, "When": null, "Raw": null, "Num": null, "Addr": null, "L": null, "m": null, "z": null, "Big": null}`, true},
		"another spelling":   {chain{}, `{"NAME": "x"}`, false},
		"two spellings":      {chain{}, `{"NAME": "x", "name": "y"}`, false},
		"unknown":            {chain{}, `{"nam": "x"}`, false},
		"unknown below":      {chain{}, `{"next": {"nam": "x"}}`, false},
		"deep":               {chain{}, `{"next": {"more": [{}, {"by": {"k": {"name": "` + long + `"}}}]}}`, true},
		"empty":              {chain{}, `{"more": [], "by": {}}`, true},
		"overflow":           {[]int8{}, `[128]`, false},
		"negative":           {[]uint{}, `[-1]`, false},
		"whole float":        {[]int{}, `[1e3]`, true},
		"fraction":           {[]int{}, `[1.5]`, false},
		"too large":          {[]int{}, `[1e17]`, false},
		"float32":            {[]float32{}, `[16777217, 0.1, 9007199254740993, 1.00000017881393432617187499]`, true},
		"float32 overflow":   {[]float32{}, `[1e39]`, false},
		"floats":             {[]float64{}, `[9223372036854775807, -0.0, 1e-7, 1e300]`, true},
		"text for a number":  {[]int{}, `["1"]`, false},
		"number for a text":  {[]string{}, `[1]`, false},
		"list for a struct":  {hold{}, `[]`, false},
		"struct for a list":  {[]int{}, `{}`, false},
		"base64":             {struct{ B []byte }{}, `{"B": "YQ=="}`, false},
		"bytes":              {struct{ B []byte }{}, `{"B": [1, 2]}`, true},
		"array":              {struct{ A [2]int }{}, `{"A": [1]}`, true},
		"longer array":       {struct{ A [1]any }{}, `{"A": [1, [2]]}`, true},
		"by pointer":         {[]byPointer{}, `[1, null]`, true},
		"by text":            {[]byText{}, `["abc", null]`, true},
		"text for an object": {[]byText{}, `[{}]`, false},
		"itself":             {[]opaque{}, `[null, {"a": 1}]`, true},
		"pointer to itself":  {[]*opaque{}, `[null, {"a": 1}]`, true},
		"keys with text":     {map[keyed]int{}, `{"a": 1}`, false},
		"talker":             {[]talker{}, `[null]`, false},
		"pointing":           {pointing{}, `{}`, false},
		"quoted":             {quoted{}, `{"N": "1"}`, false},
		"any":                {[]any{}, `[1, -0.0, {"a": [9007199254740993]}]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := value.Decode([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := checkDecode(t, reflect.TypeOf(c.into), v); got != c.planned {
				t.Errorf("the plan did it: %v, want %v", got, c.planned)
			}
		})
	}
	if gotype.DecoderOf(reflect.TypeFor[[]string]()).Decode([]any{"a\xff"}, reflect.New(reflect.TypeFor[[]string]()).Elem()) {
		t.Error("a text that is not UTF-8 was read")
	}
}
