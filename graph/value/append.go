package value

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// maxExact is the largest float up to which every integer has its own float.
const maxExact = 1 << 53

// Append writes v as compact JSON with sorted keys to b. It panics on a value that
// is not canonical, which is a mistake of the caller.
//
// A float without fraction is written as an integer up to 2^53, and with an
// exponent beyond, so that Decode never takes a rounded float for an exact
// integer.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case string:
		return appendString(b, v)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = Append(b, e)
		}
		return append(b, ']')
	case map[string]any:
		return appendObject(b, v)
	case *Secret:
		return Append(b, v.reference())
	}
	panic(fmt.Sprintf("value: not canonical: %T", v))
}

func appendObject(b []byte, m map[string]any) []byte {
	var few [16]string // most objects are small: no allocation for their keys
	keys := few[:0]
	for k := range m { // in any order: they are sorted
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, k)
		b = append(b, ':')
		b = Append(b, m[k])
	}
	return append(b, '}')
}

func appendFloat(b []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case f-f != 0:
		panic("value: not canonical: " + strconv.FormatFloat(f, 'g', -1, 64))
	case f == 0:
		return append(b, '0') // minus zero too: JSON readers differ on it
	case abs < 1e-6 || abs > maxExact && f == math.Trunc(f):
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// appendString quotes s. Bytes that are not UTF-8 become U+FFFD. < > & U+2028 and
// U+2029 stay as they are: the text is JSON, not JavaScript.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if plain(c) {
				i++
				continue
			}
			b = appendEscape(append(b, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(append(b, s[start:i]...), "\ufffd"...)
			start = i + 1
		}
		i += n
	}
	return append(append(b, s[start:]...), '"')
}

func plain(c byte) bool { return c >= 0x20 && c != '"' && c != '\\' }

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// Within reports whether the compact JSON of v has at most about most bytes. It
// does not count the escapes of texts, and it stops as soon as it knows the
// answer.
func Within(v any, most int) bool { return within(v, most) >= 0 }

// within returns the room that v leaves, below 0 when v does not fit.
func within(v any, room int) int {
	switch v := v.(type) {
	case string:
		return room - len(v) - 2
	case []any:
		room -= 2 + len(v)
		for _, e := range v {
			if room = within(e, room); room < 0 {
				break
			}
		}
		return room
	case map[string]any:
		room -= 2
		for k, e := range v { // in any order: a sum with a bound
			if room = within(e, room-len(k)-4); room < 0 {
				break
			}
		}
		return room
	}
	return room - 4
}

// Size returns the number of bytes of the compact JSON without building it.
func Size(v any) int {
	switch v := v.(type) {
	case string:
		return sizeString(v)
	case []any:
		n := 2 + max(0, len(v)-1)
		for _, e := range v {
			n += Size(e)
		}
		return n
	case map[string]any:
		n := 2 + max(0, len(v)-1)
		for k, e := range v { // in any order: a sum
			n += sizeString(k) + 1 + Size(e)
		}
		return n
	}
	return sizeScalar(v)
}

// sizeScalar is Size of what has no parts.
func sizeScalar(v any) int {
	switch v := v.(type) {
	case nil:
		return len("null")
	case bool:
		return len(strconv.FormatBool(v))
	case int64:
		var few [20]byte
		return len(strconv.AppendInt(few[:0], v, 10))
	case float64:
		return sizeFloat(v)
	}
	return len(Append(nil, v))
}

func sizeFloat(f float64) int {
	var few [32]byte
	return len(appendFloat(few[:0], f))
}

func sizeString(s string) int {
	n, ok := plainSize(s)
	for i := 0; !ok && i < len(s); {
		r, w := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && w == 1 {
			n += len("\ufffd") - 1 // it is written in place of the byte
		}
		i += w
	}
	return n
}

// measureText is the size of a text, or -1 when it is not UTF-8.
func measureText(s string) int {
	if n, ok := plainSize(s); ok {
		return n
	}
	return -1
}

// plainSize is the size of a text whose bytes count as UTF-8, and whether they are.
func plainSize(s string) (n int, ok bool) {
	n = len(s) + 2
	var all byte
	for i := range len(s) {
		n += int(escapeSize[s[i]])
		all |= s[i]
	}
	return n, all < utf8.RuneSelf || utf8.ValidString(s)
}

// escapeSize is by how much a byte grows when it is escaped.
var escapeSize = func() (size [256]uint8) {
	for c := range byte(utf8.RuneSelf) {
		if !plain(c) {
			size[c] = uint8(len(appendEscape(nil, c)) - 1)
		}
	}
	return size
}()
