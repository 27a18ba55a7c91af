package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParse bounds the nesting of any text that is read, so that no input can
// exhaust the stack. The bound of what may be stored, MaxDepth, is lower.
const maxParse = 1000

// Decode reads one JSON value. Integers within int64 are exact; every other
// number becomes a float64. If a key is repeated, the last one counts. A byte order
// mark before the value is skipped. A byte in a string that is not UTF-8, and
// half of a surrogate pair, are errors that name the offset.
func Decode(b []byte) (any, error) {
	d := decoder{b: b}
	if bytes.HasPrefix(b, byteOrderMark) {
		d.i = len(byteOrderMark)
	}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.space()
	if d.i < len(d.b) {
		return nil, d.unexpected("the end")
	}
	return v, nil
}

// byteOrderMark is what some programs write before a text in UTF-8.
var byteOrderMark = []byte("\uFEFF")

type decoder struct {
	b []byte
	i int
}

func (d *decoder) space() {
	for d.i < len(d.b) {
		switch d.b[d.i] {
		case ' ', '\n', '\r', '\t':
			d.i++
		default:
			return
		}
	}
}

func (d *decoder) unexpected(want string) error {
	if d.i >= len(d.b) {
		return fmt.Errorf("JSON ends too early: expected %s", want)
	}
	r, _ := utf8.DecodeRune(d.b[d.i:])
	return fmt.Errorf("JSON has %q at byte %d: expected %s", r, d.i, want)
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxParse {
		return nil, fmt.Errorf("JSON is nested more than %d levels deep", maxParse)
	}
	if d.i >= len(d.b) {
		return nil, d.unexpected("a value")
	}
	switch c := d.b[d.i]; {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.list(depth)
	case c == '"':
		return d.text()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case d.word("null"):
		return nil, nil
	case d.word("true"):
		return true, nil
	case d.word("false"):
		return false, nil
	}
	return nil, d.unexpected("a value")
}

func (d *decoder) word(w string) bool {
	if len(d.b)-d.i < len(w) || string(d.b[d.i:d.i+len(w)]) != w {
		return false
	}
	d.i += len(w)
	return true
}

func (d *decoder) list(depth int) (any, error) {
	out := []any{}
	d.i++
	if d.space(); d.take(']') {
		return out, nil
	}
	for {
		d.space()
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if d.space(); d.take(']') {
			return out, nil
		}
		if !d.take(',') {
			return nil, d.unexpected(`"," or "]"`)
		}
	}
}

func (d *decoder) object(depth int) (any, error) {
	out := map[string]any{}
	d.i++
	if d.space(); d.take('}') {
		return out, nil
	}
	for {
		d.space()
		if d.i >= len(d.b) || d.b[d.i] != '"' {
			return nil, d.unexpected("a key")
		}
		k, err := d.text()
		if err != nil {
			return nil, err
		}
		if d.space(); !d.take(':') {
			return nil, d.unexpected(`":"`)
		}
		d.space()
		if out[k], err = d.value(depth + 1); err != nil {
			return nil, err
		}
		if d.space(); d.take('}') {
			return out, nil
		}
		if !d.take(',') {
			return nil, d.unexpected(`"," or "}"`)
		}
	}
}

func (d *decoder) take(c byte) bool {
	if d.i < len(d.b) && d.b[d.i] == c {
		d.i++
		return true
	}
	return false
}

// text reads a string. Those with escapes go the slow way, through
// encoding/json.
func (d *decoder) text() (string, error) {
	start, simple := d.i, true
	for i := d.i + 1; i < len(d.b); i++ {
		switch c := d.b[i]; {
		case c == '"':
			d.i = i + 1
			inner := d.b[start+1 : i]
			if !utf8.Valid(inner) {
				at := firstWrong(string(inner))
				return "", &TextError{Offset: start + 1 + at, Byte: inner[at]}
			}
			if simple {
				return string(inner), nil
			}
			var s string
			if err := json.Unmarshal(d.b[start:d.i], &s); err != nil {
				return "", fmt.Errorf("JSON string at byte %d: %w", start, err)
			}
			if strings.ContainsRune(s, utf8.RuneError) {
				if at := halfPair(string(inner)); at >= 0 {
					at += start + 1
					return "", fmt.Errorf("JSON has %s at byte %d: half of a surrogate pair is no character", d.b[at:at+6], at)
				}
			}
			return s, nil
		case c == '\\':
			simple = false
			i++
		case c < 0x20:
			d.i = i
			return "", d.unexpected("no control character in a string")
		}
	}
	d.i = len(d.b)
	return "", d.unexpected(`"\""`)
}

func (d *decoder) number() (any, error) {
	start, whole := d.i, true
	d.take('-')
	if !d.take('0') && !d.digits() {
		return nil, d.unexpected("a digit")
	}
	if d.take('.') {
		whole = false
		if !d.digits() {
			return nil, d.unexpected("a digit")
		}
	}
	if d.take('e') || d.take('E') {
		whole = false
		if !d.take('+') {
			d.take('-')
		}
		if !d.digits() {
			return nil, d.unexpected("a digit")
		}
	}
	text := string(d.b[start:d.i])
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) {
		return nil, fmt.Errorf("JSON number %.40s at byte %d is too large", text, start)
	}
	return f, err
}

func (d *decoder) digits() bool {
	start := d.i
	for d.i < len(d.b) && d.b[d.i] >= '0' && d.b[d.i] <= '9' {
		d.i++
	}
	return d.i > start
}
