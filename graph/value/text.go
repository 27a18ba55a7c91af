package value

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// CheckText reports the first byte of a text that is not part of a UTF-8
// character, with its offset from the start of the text. No JSON value can hold
// such a byte, and nothing replaces it without saying so.
func CheckText[T string | []byte](text T) error {
	s := string(text)
	if utf8.ValidString(s) {
		return nil
	}
	return &TextError{Offset: firstWrong(s), Byte: s[firstWrong(s)]}
}

// TextError is a text that is not UTF-8.
type TextError struct {
	Offset int // in bytes, from the start of the text
	Byte   byte
}

func (e *TextError) Error() string {
	return fmt.Sprintf("byte 0x%02X at offset %d is not UTF-8", e.Byte, e.Offset)
}

// firstWrong is the offset of the first byte that is not UTF-8, or -1.
func firstWrong(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// replaced is how encoding/json writes a byte that is not UTF-8. It writes the
// character U+FFFD itself as three bytes.
const replaced = `\ufffd`

// checkTexts finds a text within v that is not UTF-8. It is called only after
// encoding/json wrote v, so v holds no cycle.
func checkTexts(v reflect.Value) error {
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	if v.Kind() == reflect.Interface { // what it holds may be a nil pointer
		return checkTexts(v.Elem())
	}
	if v.CanInterface() {
		switch m := v.Interface().(type) {
		case json.Marshaler:
			return nil // it wrote its own text
		case encoding.TextMarshaler:
			text, _ := m.MarshalText() // it succeeded before
			return CheckText(text)
		}
	}
	switch v.Kind() {
	case reflect.String:
		return CheckText(v.String())
	case reflect.Pointer:
		return checkTexts(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := checkTexts(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := checkTexts(it.Key()); err != nil {
				return err
			}
			if err := checkTexts(it.Value()); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" {
				if err := checkTexts(v.Field(i)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// halfPair is the offset of an escape in the text of a JSON string that stands
// for half a character, or -1. encoding/json reads one as U+FFFD.
func halfPair(s string) int {
	for i := 0; i < len(s); {
		at := strings.IndexByte(s[i:], '\\')
		if at < 0 {
			return -1
		}
		at += i
		switch u := surrogate(s[at:]); {
		case s[at+1] != 'u':
			i = at + 2
		case u == 0:
			i = at + 6
		case u < 0xDC00 && surrogate(s[at+6:]) >= 0xDC00:
			i = at + 12
		default:
			return at
		}
	}
	return -1
}

// surrogate is the number of an escape \uD800 to \uDFFF at the start of s, or 0.
func surrogate(s string) int {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0
	}
	n := 0
	for _, c := range []byte(s[2:6]) {
		n = n<<4 | strings.IndexByte(hexDigits, c|0x20)
	}
	if n < 0xD800 || n > 0xDFFF {
		return 0
	}
	return n
}
