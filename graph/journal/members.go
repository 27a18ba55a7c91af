package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// members are those of a JSON object that is read, as they lie in its text.
// Nothing of a value is read before somebody asks for its member.
type members struct {
	list []member
	next int // a reader that asks in the order of writing finds each at once
}

type member struct {
	name  []byte
	value []byte
}

// find gives the text of a member's value; nil when there is none.
func (m *members) find(name string) []byte {
	for range m.list {
		one := &m.list[m.next]
		if m.next++; m.next == len(m.list) {
			m.next = 0
		}
		if string(one.name) == name {
			return one.value
		}
	}
	return nil
}

var errObject = errors.New("not a JSON object")

// split finds the members of an object. The text is valid JSON.
func split(b []byte) (members, error) {
	var m members
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return m, errObject
	}
	m.list = make([]member, 0, 12)
	for i = space(b, i+1); b[i] != '}'; i = space(b, i) {
		if b[i] == ',' {
			i = space(b, i+1)
		}
		end := skip(b, i)
		name, err := readName(b[i:end])
		if err != nil {
			return m, err
		}
		i = space(b, end)
		i = space(b, i+1) // over the colon
		end = skip(b, i)
		m.list = append(m.list, member{name, b[i:end]})
		i = end
	}
	return m, nil
}

// eachElement calls fn for the text of each element of an array, in order. The
// text is valid JSON.
func eachElement(b []byte, fn func([]byte) error) error {
	i := space(b, 0)
	if i == len(b) || b[i] != '[' {
		return errors.New("not a JSON array")
	}
	for i = space(b, i+1); b[i] != ']'; i = space(b, i) {
		if b[i] == ',' {
			i = space(b, i+1)
		}
		end := skip(b, i)
		if err := fn(b[i:end]); err != nil {
			return err
		}
		i = end
	}
	return nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skip gives the end of the value that begins at i.
func skip(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = closing(b, i)
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // a number or a word ended before it
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// closing finds the quote that ends the string whose first quote is at i.
func closing(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

// readText reads a JSON string.
func readText(b []byte) (string, error) {
	name, err := readName(b)
	return string(name), err
}

// readName is readText without a copy, where no character of the string has to
// be decoded.
func readName(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != '"' {
		return nil, fmt.Errorf("%.20s: expected a text", b)
	}
	for _, c := range b[1 : len(b)-1] {
		if c == '\\' || c >= utf8.RuneSelf {
			var s string
			err := json.Unmarshal(b, &s)
			return []byte(s), err
		}
	}
	return b[1 : len(b)-1], nil
}
