package mask

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// spelled returns the length of r at the beginning of s, in any of its spellings: as
// itself, escaped for a URL (%C3%A9, %c3%a9, %25C3%25A9, + for a space) or for
// JSON (é, \u00e9, \/, and within JSON in JSON). Encoders differ in what they escape
// and how, so every character may be escaped. It returns 0 when r is not there. In
// base64 the two alphabets count as one.
func spelled(s string, r rune, inBase64 bool) int {
	if s == "" {
		return 0
	}
	switch s[0] {
	case '%':
		if n := percented(s, r); n > 0 {
			return n
		}
		if r == ' ' {
			return percented(s, '+') // a form within a URL
		}
	case '\\':
		if n := backslashed(s, r); n > 0 {
			return n
		}
	case '+':
		if r == ' ' || inBase64 && r == '-' {
			return 1
		}
	case '-':
		if inBase64 && r == '+' {
			return 1
		}
	case '_':
		if inBase64 && r == '/' {
			return 1
		}
	case '\r':
		if r == '\n' && strings.HasPrefix(s, "\r\n") {
			return 2
		}
	}
	if got, n := utf8.DecodeRuneInString(s); got == r {
		return n
	}
	return 0
}

// percented returns the length of r when each of its bytes is escaped for a URL, once
// or more often.
func percented(s string, r rune) int {
	var raw [utf8.UTFMax]byte
	i := 0
	for _, want := range raw[:utf8.EncodeRune(raw[:], r)] {
		if i >= len(s) || s[i] != '%' {
			return 0
		}
		i++
		for want != '%' && strings.HasPrefix(s[i:], "25") {
			i += 2 // the % of an escape was escaped
		}
		if hexAt(s[i:], 2) != rune(want) {
			return 0
		}
		i += 2
	}
	return i
}

// shortEscapes are the letters of JSON's short escapes.
var shortEscapes = [256]rune{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// backslashed returns the length of r after one or more backslashes: text that is
// escaped again has more of them. s begins with a backslash.
func backslashed(s string, r rune) int {
	i := backslashes(s)
	if r == '\\' && (i == len(s) || s[i] != 'u' || hexAt(s[i+1:], 4) != r) {
		return i
	}
	if i == len(s) {
		return 0
	}
	switch c := s[i]; {
	case c == 'u':
		got := hexAt(s[i+1:], 4)
		n := i + 5
		if utf16.IsSurrogate(got) {
			n += backslashes(s[n:])
			if !strings.HasPrefix(s[n:], "u") {
				return 0
			}
			got = utf16.DecodeRune(got, hexAt(s[n+1:], 4))
			n += 5
		}
		if got == r {
			return n
		}
	case shortEscapes[c] == r && r != 0:
		return i + 1
	case rune(c) == r && strings.IndexByte(`"/'`, c) >= 0:
		return i + 1
	}
	return 0
}

// maxRun bounds a run of backslashes: text that was escaped six times has 64.
const maxRun = 64

// backslashes counts the backslashes that s begins with, up to maxRun.
func backslashes(s string) int {
	n := 0
	for n < min(len(s), maxRun) && s[n] == '\\' {
		n++
	}
	return n
}

// hexAt reads n hexadecimal digits. It returns -1 when they are not there.
func hexAt(s string, n int) rune {
	if len(s) < n {
		return -1
	}
	v := rune(0)
	for i := range n {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			v = v<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return v
}

// lineEnd returns the length of the line end at the beginning of s, also when it is
// escaped.
func lineEnd(s string) int {
	if s == "" || s[0] != '\n' && s[0] != '\r' && s[0] != '\\' && s[0] != '%' {
		return 0
	}
	n := spelled(s, '\r', false)
	if m := spelled(s[n:], '\n', false); m > 0 {
		return n + m
	}
	return n
}
