package value

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want any
		err  string
	}{
		{in: ` null `, want: nil},
		{in: `true`, want: true},
		{in: `9223372036854775807`, want: int64(math.MaxInt64)},
		{in: `-9223372036854775808`, want: int64(math.MinInt64)},
		{in: `9223372036854775808`, want: 9223372036854775808.0},
		{in: `2.0`, want: 2.0},
		{in: `1e3`, want: 1000.0},
		{in: `-0`, want: int64(0)},
		{in: `"a\u00e9\n\"é"`, want: "aé\n\"é"},
		{in: `"\ud83d\ude00"`, want: "😀"},
		{in: "\ufeff {\"a\":1}", want: map[string]any{"a": int64(1)}},
		{in: `"\ufffd \\ud800"`, want: "\ufffd \\ud800"},
		{in: "\"a\xffb\"", err: "byte 0xFF at offset 2 is not UTF-8"},
		{in: "[1, \"caf\xe9\"]", err: "byte 0xE9 at offset 8 is not UTF-8"},
		{in: "{\"\xe9\":1}", err: "byte 0xE9 at offset 2 is not UTF-8"},
		{in: `"x\ud83d"`, err: `JSON has \ud83d at byte 2: half of a surrogate pair is no character`},
		{in: `"\uDE00\ud83d"`, err: `JSON has \uDE00 at byte 1: half of a surrogate pair is no character`},
		{in: `"\ud83d\ude00\ud83dx"`, err: `JSON has \ud83d at byte 13: half of a surrogate pair is no character`},
		{in: ` [ 1 , "x" , [ ] ] `, want: []any{int64(1), "x", []any{}}},
		{in: `{"a":1,"a":{"b":null}}`, want: map[string]any{"a": map[string]any{"b": nil}}},
		{in: ``, err: "JSON ends too early: expected a value"},
		{in: `[1,]`, err: "JSON has ']' at byte 3: expected a value"},
		{in: `{"a" 1}`, err: `JSON has '1' at byte 5: expected ":"`},
		{in: `1 2`, err: "JSON has '2' at byte 2: expected the end"},
		{in: `01`, err: "JSON has '1' at byte 1: expected the end"},
		{in: `false`, want: false},
		{in: `{}`, want: map[string]any{}},
		{in: `{1: 2}`, err: "JSON has '1' at byte 1: expected a key"},
		{in: `{"a":1 "b"}`, err: `JSON has '"' at byte 7: expected "," or "}"`},
		{in: `{"a":1`, err: `JSON ends too early: expected "," or "}"`},
		{in: `[1 2]`, err: `JSON has '2' at byte 3: expected "," or "]"`},
		{in: `"a`, err: `JSON ends too early: expected "\""`},
		{in: `"\q"`, err: "JSON string at byte 0: invalid character 'q' in string escape code"},
		{in: `-`, err: "JSON ends too early: expected a digit"},
		{in: `1e+`, err: "JSON ends too early: expected a digit"},
		{in: `1.`, err: "JSON ends too early: expected a digit"},
		{in: `1e999`, err: "JSON number 1e999 at byte 0 is too large"},
		{in: "\"a\nb\"", err: `JSON has '\n' at byte 2: expected no control character in a string`},
		{in: strings.Repeat("[", 5000), err: "JSON is nested more than 1000 levels deep"},
	} {
		got, err := Decode([]byte(tt.in))
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("Decode(%.40s) gave error %v, want %s", tt.in, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("Decode(%s): %v %s", tt.in, err, diff)
		}
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   any
		want string
	}{
		{2.0, `2`},
		{2.5, `2.5`},
		{math.Copysign(0, -1), `0`},
		{1e15, `1000000000000000`},
		{float64(1 << 53), `9007199254740992`},
		{1e18, `1e+18`},
		{1e-7, `1e-07`},
		{int64(1 << 62), `4611686018427387904`},
		{"<a> & \x01\t\u2028\xff", "\"<a> & \\u0001\\t\u2028\ufffd\""},
		{map[string]any{"b": []any{nil, true}, "a": map[string]any{}}, `{"a":{},"b":[null,true]}`},
		{[]any{}, `[]`},
		{"\r\\", `"\r\\"`},
		{false, `false`},
	} {
		got := String(tt.in)
		if got != tt.want {
			t.Errorf("Append(%v) = %s, want %s", tt.in, got, tt.want)
		}
		if n := Size(tt.in); n != len(got) {
			t.Errorf("Size(%v) = %d, want %d", tt.in, n, len(got))
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{int64(2), 2.0, true},
		{2.0, int64(2), true},
		{int64(1<<53 + 1), float64(1 << 53), false},
		{int64(math.MaxInt64), float64(1 << 63), false},
		{nil, nil, true},
		{nil, false, false},
		{true, true, true},
		{true, "true", false},
		{"a", int64(1), false},
		{[]any{int64(1)}, []any{int64(2)}, false},
		{map[string]any{"a": nil}, map[string]any{}, false},
		{map[string]any{}, []any{}, false},
		{"a", "a", true},
		{[]any{int64(1)}, []any{1.0}, true},
		{[]any{int64(1)}, []any{int64(1), int64(2)}, false},
		{map[string]any{"a": nil}, map[string]any{"b": nil}, false},
		{map[string]any{"a": []any{}}, map[string]any{"a": []any{}}, true},
	} {
		if got := Equal(tt.a, tt.b); got != tt.want {
			t.Errorf("Equal(%v, %v) = %v", tt.a, tt.b, got)
		}
	}
}

// TestWithin: the answer is exact for texts that need no escapes, and it is
// known before all of a large value was walked.
func TestWithin(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"text", []any{}, map[string]any{}, []any{"a", []any{"b"}}, map[string]any{"k": []any{"a"}, "l": "b"}, nil, true} {
		if !Within(v, 2*Size(v)+4) {
			t.Errorf("Within(%v) does not hold for twice its size", v)
		}
		if Within(v, Size(v)/2-1) {
			t.Errorf("Within(%v) holds for half its size", v)
		}
	}
	if Within(thousand(), 1000) || Within(map[string]any{"a": "x", "b": thousand()}, 1000) {
		t.Error("a thousand objects fit into 1,000 bytes")
	}
}

func TestNotCanonical(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{1, math.NaN(), []any{math.Inf(1)}, map[string]any{"k": uint(1)}} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.HasPrefix(got, "value: not canonical: ") {
					t.Errorf("Append(%v): panic %q", bad, got)
				}
			}()
			Append(nil, bad)
		}()
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	deep := any([]any{})
	for range 1000 {
		deep = []any{deep}
	}
	for name, tt := range map[string]struct {
		v    any
		want bool
	}{
		"null":               {nil, true},
		"all of them":        {[]any{nil, true, int64(1), 1.5, "x", []any{}, map[string]any{"": map[string]any{}}}, true},
		"as deep as can be":  {deep, true},
		"deeper":             {[]any{deep}, false},
		"an int":             {map[string]any{"a": 1}, false},
		"not a number":       {[]any{math.NaN()}, false},
		"a nil list":         {[]any(nil), false},
		"a nil object":       {map[string]any(nil), false},
		"a text in no UTF-8": {"\xff", false},
		"a key in no UTF-8":  {map[string]any{"\xff": nil}, false},
		"a secret":           {&Secret{Name: "KEY"}, false},
		"a secret within":    {map[string]any{"a": []any{&Secret{Name: "KEY"}}}, false},
	} {
		if got := Canonical(tt.v); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	type point struct {
		X int   `json:"x"`
		Y []int `json:"y"`
	}
	got, err := Of(point{1, []int{2}})
	want := map[string]any{"x": int64(1), "y": []any{int64(2)}}
	if diff := cmp.Diff(any(want), got.Any()); err != nil || diff != "" {
		t.Error(err, diff)
	}
	list := []any{"a"}
	if got, _ := Of(list); &got.Any().([]any)[0] != &list[0] {
		t.Error("a canonical list was copied")
	}
	mutable := map[string]any{"a": []any{"b"}}
	copied, _ := CopyOf(mutable)
	mutable["a"].([]any)[0] = "c"
	mutable["d"] = true
	if diff := cmp.Diff(any(map[string]any{"a": []any{"b"}}), copied.Any()); diff != "" {
		t.Error("CopyOf shares something with the original", diff)
	}
	for _, bad := range []any{math.NaN(), []any{math.Inf(1)}, func() {}} {
		if got, err := Of(bad); err == nil {
			t.Errorf("Of(%T) = %v, want an error", bad, got)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	list := []any{"é\n", int64(7), 2.0, map[string]any{"a\t": nil, "b": true}}
	v, err := Of(list)
	if err != nil || v.Size() != len(String(list)) {
		t.Fatalf("size %d, %v; want that of %s", v.Size(), err, String(list))
	}
	for _, zero := range []any{nil, Value{}} {
		if v, err := Of(zero); err != nil || v.Any() != nil || v.Size() != len("null") {
			t.Errorf("Of(%#v) is %v with %d bytes, %v; want null", zero, v.Any(), v.Size(), err)
		}
	}
	type held struct{ V Value }
	for _, in := range []any{[]any{v}, []held{{v}}} {
		got, err := Of(in)
		if err != nil || !strings.Contains(String(got.Any()), String(list)) || got.Size() != len(String(got.Any())) {
			t.Errorf("a Value within %T came out as %s, %v", in, String(got.Any()), err)
		}
	}
	other := []any{"***"}
	if got := v.With(other); !Same(got.Any(), other) || got.Size() != len(String(other)) {
		t.Errorf("With gave %s with %d bytes", String(got.Any()), got.Size())
	}
}

// TestValueIsNotWalkedAgain uses a value that a walk would panic on.
func TestValueIsNotWalkedAgain(t *testing.T) {
	t.Parallel()
	for _, bad := range []any{[]any{1}, map[string]any{"a": 1}} {
		v := Value{bad, 99}
		again, err := Of(v)
		if err != nil || again.Size() != 99 || again.With(bad).Size() != 99 || !Equal(bad, bad) {
			t.Errorf("Of(%v) has %d bytes, %v", bad, again.Size(), err)
		}
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	list, object := []any{"a", "b"}, map[string]any{"a": "b"}
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{list, list, true},
		{list, list[:1], false},
		{list[:1], list[1:], false},
		{list, []any{"a", "b"}, false},
		{object, object, true},
		{object, map[string]any{"a": "b"}, false},
		{[]any{}, []any{}, true},
		{list, object, false},
		{nil, nil, true},
		{nil, list, false},
		{"a", "a", true},
		{int64(2), 2.0, false},
		{"a", list, false},
	} {
		if got := Same(tt.a, tt.b); got != tt.want {
			t.Errorf("Same(%v, %v) = %v", tt.a, tt.b, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\n"]}`, `"\ud800"`, `-0.0e-1`, `[[]`, "\"\xff\"", `18446744073709551616`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Decode([]byte(s))
		if valid := json.Valid([]byte(s)); valid != (err == nil) &&
			!(valid && (strings.Contains(err.Error(), "too large") || strings.Contains(err.Error(), "levels deep") ||
				strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "surrogate"))) {
			t.Fatalf("Decode(%q) gave %v, but json.Valid says %v", s, err, valid)
		}
		if err != nil {
			return
		}
		text := Append(nil, v)
		if Size(v) != len(text) {
			t.Errorf("Size %d of %s", Size(v), text)
		}
		if known, err := Of(v); known.Size() != len(text) || err != nil {
			t.Errorf("Of gave %d bytes of %s, %v", known.Size(), text, err)
		}
		again, err := Decode(text)
		if err != nil || !Equal(v, again) {
			t.Errorf("%q came back as %v, %v from %s", s, again, err, text)
		}
	})
}

var todo = map[string]any{"id": "t-17", "title": "Write the tests of the thing", "status": "pending", "n": int64(3), "cost": 1.25}

func thousand() []any {
	out := make([]any, 1000)
	for i := range out {
		out[i] = todo
	}
	return out
}

func BenchmarkAppend(b *testing.B) {
	v := thousand()
	buf := Append(nil, v)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], v)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := Append(nil, thousand())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSize(b *testing.B) {
	v := thousand()
	for b.Loop() {
		Size(v)
	}
}

func BenchmarkOf(b *testing.B) {
	v := thousand()
	for b.Loop() {
		if _, err := Of(v); err != nil {
			b.Fatal(err)
		}
	}
}
