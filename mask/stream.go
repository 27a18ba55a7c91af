package mask

import (
	"strings"
	"unicode/utf8"
)

// maxHeld bounds how much of a text a Stream holds back, in bytes.
const maxHeld = 64 << 10

// Stream masks a text that comes in pieces. A secret may be split over pieces, so the
// end of what has come is held back as long as it may be the beginning of a secret:
// all that Next and End return together is what Masker.Text makes of the whole text.
// It is not safe for concurrent use.
type Stream struct {
	m    *Masker
	held string
}

// Stream begins a text.
func (m *Masker) Stream() *Stream { return &Stream{m: m} }

// Next takes the next piece and returns what can be shown by now.
func (s *Stream) Next(piece string) string {
	if s.m == nil {
		return piece
	}
	text := s.held + piece
	at := s.m.certain(text)
	if len(text)-at > maxHeld {
		at = len(text)
	}
	s.held = text[at:]
	return s.m.Text(text[:at])
}

// End returns what was held back. The Stream then begins another text.
func (s *Stream) End() string {
	rest := s.m.Text(s.held)
	s.held = ""
	return rest
}

// certain returns how much of a text is masked in the same way, whatever follows it.
func (m *Masker) certain(s string) int {
	for i := 0; i < len(s); {
		starts := m.starts[s[i]]
		for _, k := range starts {
			if m.forms[k].mayGo(s[i:]) {
				return i
			}
		}
		if starts != nil {
			i += max(1, m.longest(s[i:]))
			continue
		}
		i++
	}
	return len(s)
}

// longSpelling is more than the bytes of any spelling of a character that is in use: a
// pair of escaped surrogates, or a character of four bytes that was escaped three times.
const longSpelling = 40

// mayGo reports whether what follows s may decide how much of the form there is at its
// beginning: s ends within the form. It is true rather too often than too seldom.
func (f form) mayGo(s string) bool {
	if len(s) < len(f.text) && strings.HasPrefix(f.text, s) {
		return true
	}
	i, run := 0, false
	for k, r := range f.runes {
		rest := s[i:]
		if rest == "" || unfinished(rest, longSpelling+f.maxSpelled()) {
			return true
		}
		if k >= shortLine && strings.HasPrefix(cutMark, rest) {
			return true
		}
		if f.broken && k > 0 {
			if i += lineEnd(rest); i == len(s) || s[i-1] == '\r' {
				return true
			}
			if rest = s[i:]; unfinished(rest, longSpelling) {
				return true
			}
		}
		n := spelled(rest, r, f.broken)
		if n == 0 && run {
			i--
			n = spelled(s[i:], r, f.broken)
		}
		if n == 0 {
			return false
		}
		i += n
		for end := i + f.maxSpelled(); r == '\\' && n > 0 && i < end; i += n {
			n = spelled(s[i:], r, f.broken)
		}
		run = r == '\\' && s[i-1] == '\\'
	}
	return run && i == len(s)
}

// unfinished reports whether a text may end within the spelling of one character, which
// has at most most bytes.
func unfinished(s string, most int) bool {
	switch {
	case len(s) < most && (s[0] == '%' || s[0] == '\\'):
		return true
	case s == "\r":
		return true
	}
	return !utf8.FullRuneInString(s)
}
