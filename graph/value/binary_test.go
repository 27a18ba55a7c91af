package value

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var binaryValues = []any{
	nil, true, false, int64(0), int64(30), int64(31), int64(-1), int64(-32), int64(-33), int64(math.MaxInt64), int64(math.MinInt64),
	0.0, 2.0, -0.5, math.MaxFloat64, math.SmallestNonzeroFloat64, "", "ü\u2028\x00", strings.Repeat("x", 31), "not \xff UTF-8",
	[]any{}, []any{nil, []any{int64(1), "x"}}, map[string]any{}, map[string]any{"b": int64(1), "a": map[string]any{"": []any{2.5}}},
}

func TestBinaryGivesTheSameBack(t *testing.T) {
	t.Parallel()
	for _, v := range append(binaryValues, any(binaryValues)) {
		b := AppendBinary(nil, v)
		got, err := ParseBinary(b)
		if err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		if d := cmp.Diff(v, got); d != "" {
			t.Errorf("(-written +read)\n%s", d)
		}
		for n := range len(b) {
			if _, err := ParseBinary(b[:n]); err == nil {
				t.Errorf("%v: the first %d of %d bytes are taken for a value", v, n, len(b))
			}
		}
		if _, err := ParseBinary(append(b, 0)); err == nil {
			t.Errorf("%v: a byte behind it is not seen", v)
		}
	}
}

func TestBinaryOfWrongBytes(t *testing.T) {
	t.Parallel()
	deep := bytes.Repeat([]byte{listKind | 1}, 5000)
	nan := AppendBinary(nil, 1.5)
	for i := range nan[1:] {
		nan[1+i] = 0xff
	}
	for name, b := range map[string][]byte{
		"an unknown kind":         {7 << 5},
		"an unknown plain value":  {plainKind | 4},
		"a list of 2^60":          appendHead(nil, listKind, 1<<60),
		"a text of 2^63":          appendHead(nil, textKind, 1<<63),
		"an integer above int64":  appendHead(nil, positiveKind, 1<<63),
		"an integer below int64":  appendHead(nil, negativeKind, 1<<63),
		"a key twice":             {objectKind | 2, textKind | 1, 'a', 0, textKind | 1, 'a', 0},
		"keys in a wrong order":   {objectKind | 2, textKind | 1, 'b', 0, textKind | 1, 'a', 0},
		"a key that is no text":   {objectKind | 1, plainKind, plainKind},
		"not a number":            nan,
		"too deep":                append(deep, 0),
		"a number without an end": {positiveKind | lowAbove, 0x80},
	} {
		if v, err := ParseBinary(b); err == nil {
			t.Errorf("%s is taken for %v", name, v)
		}
	}
}

// FuzzParseBinary: no bytes lead to a panic, and what is read is written the same way again.
func FuzzParseBinary(f *testing.F) {
	for _, v := range binaryValues {
		f.Add(AppendBinary(nil, v))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseBinary(b)
		if err != nil {
			return
		}
		again, err := ParseBinary(AppendBinary(nil, v))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(v, again); d != "" {
			t.Errorf("(-first +again)\n%s", d)
		}
	})
}

func BenchmarkBinary(b *testing.B) {
	v := map[string]any{"goal": "write a page", "round": int64(12), "score": 0.75, "open": []any{"a", "b", int64(1)}, "done": true}
	var buf []byte
	b.Run("append/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = Append(buf[:0], v)
		}
		b.ReportMetric(float64(len(buf)), "bytes")
	})
	json := bytes.Clone(buf)
	b.Run("read/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(json); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append/binary", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = AppendBinary(buf[:0], v)
		}
		b.ReportMetric(float64(len(buf)), "bytes")
	})
	b.Run("read/binary", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseBinary(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
