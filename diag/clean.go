package diag

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean returns s as one line that is safe on a terminal. Control characters
// (C0, DEL, C1), line separators, bidirectional marks and other invisible
// formatting characters become the escapes of JSON, as in "\u202e". Bytes that
// are not UTF-8 become U+FFFD. Every text that graphrun prints goes through
// Clean or CleanLines, whether the output is a terminal or a pipe: what is piped
// today is shown on a terminal tomorrow.
func Clean(s string) string { return clean(s, unsafe) }

// CleanLines is Clean for a text of several lines: it keeps line feeds and
// tabs. The result of a JSON text is a JSON text with the same value.
func CleanLines(s string) string { return clean(s, unsafeInLines) }

// CleanJSON is CleanLines for a JSON text. The result has the same value. It
// returns b itself if there is nothing to escape, and never changes b.
func CleanJSON(b []byte) []byte {
	if bytes.IndexFunc(b, unsafeInLines) < 0 && utf8.Valid(b) {
		return b
	}
	return []byte(CleanLines(string(b)))
}

func unsafeInLines(r rune) bool { return unsafe(r) && r != '\n' && r != '\t' }

func clean(s string, bad func(rune) bool) string {
	if strings.IndexFunc(s, bad) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if bad(r) {
			b.WriteString(escape(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafe reports characters that a terminal acts on instead of showing them:
// they move the cursor, hide text or turn it around. Joiners (U+200C, U+200D)
// are needed to spell words and emoji, and pass.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u200c'
}

// visible is r as Clean shows it.
func visible(r rune) string {
	if unsafe(r) {
		return escape(r)
	}
	return string(r)
}

// escape is the shortest escape of JSON for r.
func escape(r rune) string {
	switch r {
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
