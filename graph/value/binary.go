package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// The binary form of a value is for bytes that this program alone reads. Each value begins
// with a byte that has its kind in the high three bits, and in the low five a number, or
// lowAbove and then the number as a uvarint:
//
//	plain     the number is null, false, true or float; a float's eight bytes follow
//	positive  the number is the integer
//	negative  the number is -1 minus the integer
//	text      so many bytes follow
//	list      so many values follow
//	object    so many keys, each as a text, and values follow, ordered by their keys
const (
	plainKind = iota << 5
	positiveKind
	negativeKind
	textKind
	listKind
	objectKind

	lowBits  = 1<<5 - 1
	lowAbove = lowBits
)

const (
	plainNull = iota
	plainFalse
	plainTrue
	plainFloat
)

// AppendBinary appends the binary form of v. ParseBinary reads an equal value from it: a
// float without a fraction stays a float, other than in JSON. The same value always gives
// the same bytes. It panics on a value that is not canonical, as Append does.
func AppendBinary(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, plainKind+plainNull)
	case bool:
		if v {
			return append(b, plainKind|plainTrue)
		}
		return append(b, plainKind|plainFalse)
	case int64:
		if v < 0 {
			return appendHead(b, negativeKind, uint64(-1-v))
		}
		return appendHead(b, positiveKind, uint64(v))
	case float64:
		if v-v != 0 {
			return Append(b, v) // it panics
		}
		return binary.LittleEndian.AppendUint64(append(b, plainKind|plainFloat), math.Float64bits(v))
	case string:
		return append(appendHead(b, textKind, uint64(len(v))), v...)
	case []any:
		b = appendHead(b, listKind, uint64(len(v)))
		for _, e := range v {
			b = AppendBinary(b, e)
		}
		return b
	case map[string]any:
		return appendBinaryObject(b, v)
	case *Secret:
		return AppendBinary(b, v.reference())
	}
	panic(fmt.Sprintf("value: not canonical: %T", v))
}

func appendBinaryObject(b []byte, m map[string]any) []byte {
	var few [16]string // as in appendObject
	keys := few[:0]
	for k := range m { // in any order: they are sorted
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = appendHead(b, objectKind, uint64(len(keys)))
	for _, k := range keys {
		b = append(appendHead(b, textKind, uint64(len(k))), k...)
		b = AppendBinary(b, m[k])
	}
	return b
}

func appendHead(b []byte, kind byte, n uint64) []byte {
	if n < lowAbove {
		return append(b, kind|byte(n))
	}
	return binary.AppendUvarint(append(b, kind|lowAbove), n)
}

var errBinary = errors.New("not the binary form of a value")

// ParseBinary reads what AppendBinary wrote and nothing after it. What it allocates is
// bounded by the number of bytes, whatever they are.
func ParseBinary(b []byte) (any, error) {
	d := binaryDecoder{b}
	v, err := d.value(0)
	if err == nil && len(d.rest) > 0 {
		err = errBinary
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

type binaryDecoder struct{ rest []byte }

// head takes the kind of a value and its number.
func (d *binaryDecoder) head() (kind byte, n uint64, err error) {
	if len(d.rest) == 0 {
		return 0, 0, errBinary
	}
	kind, n = d.rest[0]&^lowBits, uint64(d.rest[0]&lowBits)
	d.rest = d.rest[1:]
	if n == lowAbove {
		var size int
		if n, size = binary.Uvarint(d.rest); size <= 0 {
			return 0, 0, errBinary
		}
		d.rest = d.rest[size:]
	}
	return kind, n, nil
}

func (d *binaryDecoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.rest)) {
		return nil, errBinary
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b, nil
}

func (d *binaryDecoder) value(depth int) (any, error) {
	if depth > maxParse {
		return nil, fmt.Errorf("the value is nested more than %d levels deep", maxParse)
	}
	kind, n, err := d.head()
	if err != nil {
		return nil, err
	}
	switch kind {
	case plainKind:
		return d.plain(n)
	case positiveKind, negativeKind:
		if n > math.MaxInt64 {
			return nil, errBinary
		}
		if kind == negativeKind {
			return -1 - int64(n), nil
		}
		return int64(n), nil
	case textKind:
		b, err := d.take(n)
		return string(b), err
	case listKind:
		return d.list(n, depth)
	case objectKind:
		return d.object(n, depth)
	}
	return nil, errBinary
}

func (d *binaryDecoder) plain(n uint64) (any, error) {
	switch n {
	case plainNull:
		return nil, nil
	case plainFalse:
		return false, nil
	case plainTrue:
		return true, nil
	case plainFloat:
		b, err := d.take(8)
		if err != nil {
			return nil, err
		}
		if f := math.Float64frombits(binary.LittleEndian.Uint64(b)); f-f == 0 {
			return f, nil
		}
	}
	return nil, errBinary
}

func (d *binaryDecoder) list(n uint64, depth int) (any, error) {
	if n > uint64(len(d.rest)) { // each has a byte at least
		return nil, errBinary
	}
	out := make([]any, n)
	for i := range out {
		var err error
		if out[i], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *binaryDecoder) object(n uint64, depth int) (any, error) {
	if n > uint64(len(d.rest))/2 {
		return nil, errBinary
	}
	out := make(map[string]any, n)
	last := ""
	for i := range n {
		kind, size, err := d.head()
		if err != nil || kind != textKind {
			return nil, errBinary
		}
		b, err := d.take(size)
		if err != nil {
			return nil, err
		}
		k := string(b)
		if i > 0 && k <= last {
			return nil, errBinary
		}
		if out[k], err = d.value(depth + 1); err != nil {
			return nil, err
		}
		last = k
	}
	return out, nil
}
