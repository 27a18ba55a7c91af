package mask

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
)

// Mark stands where a secret stood.
const Mark = "***"

const (
	// shortSecret is the length below which only the value itself is masked: the
	// encoded forms of a shorter one would match text that has nothing to do with it.
	shortSecret = 4
	// shortLine is the length below which one line of a longer secret is not masked.
	shortLine = 6
	// shortBase64 is the length below which a piece of base64 is not looked for:
	// a megabyte of an image has any four characters somewhere.
	shortBase64 = 6
)

// Masker finds secrets in texts and values. It never changes, so many goroutines
// may use it. A nil Masker finds nothing.
type Masker struct {
	forms   []form
	starts  [256][]int      // the forms that may begin with a byte
	numbers map[string]bool // a number written like one of these is a secret
}

// form is a text that must not be shown, in any spelling.
type form struct {
	text   string
	runes  []rune // how it may be spelled; nil for text alone
	run    int    // how many backslashes in a row it has at most
	broken bool   // lines may end within it, as in base64
}

// maxSpelled bounds the bytes of a run of backslashes in a text: each one of the form
// may have become maxRun of them, and each of those the five bytes of %255C.
func (f form) maxSpelled() int { return f.run * maxRun * len("%255C") }

// New makes a Masker for the given secrets. It returns nil when there is nothing to
// find: empty secrets do not count. Secrets shorter than four characters are masked
// only where they appear verbatim.
func New(secrets []string) *Masker {
	if !slices.ContainsFunc(secrets, func(v string) bool { return v != "" }) {
		return nil // most stacks have none, and a Masker is large
	}
	m := &Masker{numbers: map[string]bool{}}
	for _, v := range secrets {
		m.add(v)
	}
	for i, f := range m.forms {
		for _, b := range f.begins() {
			m.starts[b] = append(m.starts[b], i)
		}
	}
	return m
}

// add adds the forms of one secret: as it is; without the white space around it,
// which is often lost; line by line, as logs and lists show it; and as base64, there
// also as a part of a longer text (`Authorization: Basic`).
func (m *Masker) add(v string) {
	if v == "" {
		return
	}
	if len(v) < shortSecret {
		m.forms = append(m.forms, form{text: v})
		return
	}
	whole := []string{v}
	if shown := strings.ToValidUTF8(v, "\uFFFD"); shown != v { // what becomes of it in messages
		whole = append(whole, shown)
	}
	if trimmed := strings.TrimSpace(v); trimmed != v && len(trimmed) >= shortSecret {
		whole = append(whole, trimmed)
	}
	for _, t := range whole {
		m.addText(t)
		m.addBase64(t)
	}
	for line := range strings.Lines(v) {
		if line = strings.TrimSpace(line); len(line) >= shortLine && !slices.Contains(whole, line) {
			m.addText(line)
		}
	}
}

func (m *Masker) addText(v string) {
	m.numbers[v] = true
	runes := slices.CompactFunc([]rune(v), func(a, b rune) bool { return a == '\\' && b == '\\' }) // one stands for a run of them
	m.forms = append(m.forms, form{text: v, runes: runes, run: longestRun(v)})
}

// longestRun counts the backslashes of the longest run of them.
func longestRun(v string) int {
	longest, run := 0, 0
	for i := range len(v) {
		if run++; v[i] != '\\' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

func (m *Masker) addBase64(v string) {
	// Three bytes become four characters: what stands around the secret moves
	// it by 0, 1 or 2 bytes, and decides the characters at its ends.
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), v...))
		first := (before*8 + 5) / 6
		last := (before + len(v)) * 8 / 6
		if inner := text[first:last]; len(inner) >= shortBase64 {
			m.forms = append(m.forms, form{text: inner, runes: []rune(inner), broken: true})
		}
	}
}

// begins lists the bytes that a spelling of the form may begin with.
func (f form) begins() []byte {
	out := []byte{f.text[0]}
	if f.runes != nil {
		out = append(out, '%', '\\')
		switch f.runes[0] {
		case ' ', '-':
			out = append(out, '+')
		case '+':
			out = append(out, '-')
		case '/':
			out = append(out, '_')
		case '\n':
			out = append(out, '\r')
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cutMark is what messages have where a long value was cut.
const cutMark = "…"

// match returns the length of the form at the beginning of s, or of the part of it
// that a cut has left. It returns 0 when the form is not there.
func (f form) match(s string) int {
	if strings.HasPrefix(s, f.text) {
		return len(f.text)
	}
	if f.runes == nil {
		return 0
	}
	i := 0
	run := false // a run of backslashes ends at i
	for k, r := range f.runes {
		if k >= shortLine && strings.HasPrefix(s[i:], cutMark) {
			return i
		}
		if f.broken && k > 0 {
			i += lineEnd(s[i:])
		}
		n := spelled(s[i:], r, f.broken)
		if n == 0 && run { // the last of them may be this one's
			i--
			n = spelled(s[i:], r, f.broken)
		}
		if n == 0 {
			return 0
		}
		i += n
		for end := i + f.maxSpelled(); r == '\\' && n > 0 && i < end; i += n { // the rest of the run
			n = spelled(s[i:], r, f.broken)
		}
		run = r == '\\' && s[i-1] == '\\'
	}
	return i
}

// longest returns the length of the longest secret at the beginning of s.
func (m *Masker) longest(s string) int {
	n := 0
	for _, i := range m.starts[s[0]] {
		n = max(n, m.forms[i].match(s))
	}
	return n
}

// Text masks the secrets in a text.
func (m *Masker) Text(s string) string {
	if m == nil {
		return s
	}
	var b strings.Builder
	kept := 0
	for i := 0; i < len(s); {
		n := 0
		if m.starts[s[i]] != nil {
			n = m.longest(s[i:])
		}
		if n == 0 {
			i++
			continue
		}
		b.WriteString(s[kept:i])
		b.WriteString(Mark)
		i += n
		kept = i
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// Value masks the secrets in a canonical value (see package value), in the names of
// properties too. The parts that hold no secret are shared with the original.
func (m *Masker) Value(v any) any {
	if m == nil {
		return v
	}
	out, _ := m.value(v)
	return out
}

// value is Value, and says whether anything was masked.
func (m *Masker) value(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		out := m.Text(v)
		return out, out != v
	case int64, float64:
		if m.numbers[value.String(v)] {
			return Mark, true
		}
	case []any:
		out, hidden := v, false
		for i, it := range v {
			x, h := m.value(it)
			if !h {
				continue
			}
			if !hidden {
				out, hidden = slices.Clone(v), true
			}
			out[i] = x
		}
		return out, hidden
	case map[string]any:
		out, hidden := v, false
		for k, it := range v {
			x, h := m.value(it)
			name := m.Text(k)
			if !h && name == k {
				continue
			}
			if !hidden {
				out, hidden = maps.Clone(v), true
			}
			delete(out, k)
			out[name] = x
		}
		return out, hidden
	}
	return v, false
}
