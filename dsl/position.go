package dsl

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
)

// cursor walks over the source and knows the line and column it stands at.
type cursor struct {
	src []byte
	off int
	pos diag.Pos
}

// peek is the character at the cursor, 0 at the end of the source.
func (c *cursor) peek() rune {
	if c.off >= len(c.src) {
		return 0
	}
	if b := c.src[c.off]; b < utf8.RuneSelf {
		return rune(b)
	}
	r, _ := utf8.DecodeRune(c.src[c.off:])
	return r
}

// next steps over one character; CR LF is one.
func (c *cursor) next() rune {
	if c.off >= len(c.src) {
		return 0
	}
	r, n := utf8.DecodeRune(c.src[c.off:])
	c.off += n
	if !isBreak(r) {
		c.pos.Col++
		return r
	}
	if r == '\r' && c.off < len(c.src) && c.src[c.off] == '\n' {
		c.off++
	}
	c.pos = diag.Pos{Line: c.pos.Line + 1, Col: 1}
	return '\n'
}

func (c *cursor) atEnd() bool { return c.off >= len(c.src) }

func (c *cursor) skipBlanks() {
	for r := c.peek(); r == ' ' || r == '\t'; r = c.peek() {
		c.next()
	}
}

// skipSpace steps over blanks, line breaks and comments.
func (c *cursor) skipSpace() {
	for {
		switch r := c.peek(); {
		case r == ' ' || r == '\t' || isBreak(r):
			c.next()
		case r == '#':
			c.skipLine()
		default:
			return
		}
	}
}

// skipLine steps to the end of the line, not over it.
func (c *cursor) skipLine() {
	for r := c.peek(); c.off < len(c.src) && !isBreak(r); r = c.peek() {
		c.next()
	}
}

// skipProperties steps over the anchor and the tag of a node.
func (c *cursor) skipProperties() {
	for c.peek() == '&' || c.peek() == '!' {
		for r := c.peek(); c.off < len(c.src) && !isBreak(r) && r != ' ' && r != '\t'; r = c.peek() {
			c.next()
		}
		c.skipSpace()
	}
}

// isBreak reports whether a character ends a line in YAML 1.2. The further line
// breaks of YAML 1.1 (NEL, LS, PS) are part of a text, a comment too: no editor
// shows a new line there.
func isBreak(r rune) bool { return r == '\n' || r == '\r' }

// style is how a scalar is written.
type style uint8

const (
	plain style = iota
	single
	double
	block
)

// maxRuns is how many runs the texts of a file may have. Later texts have one
// place for the whole text: more runs would cost more than the file.
const maxRuns = 1 << 20

// locate finds the place of each character of a scalar that begins at the
// cursor, and leaves the cursor behind it. It compares the source with value.
// If they do not agree, or the runs are used up, every character has the place
// of the scalar's start.
func locate(c *cursor, file, value string, st style, runs *int) diag.Text {
	start := c.pos
	begin := *c
	m := matcher{cursor: c, value: value, left: *runs}
	var ok bool
	switch st {
	case plain:
		ok = m.line(m.literal)
	case single:
		c.next()
		ok = m.line(m.quoteSingle)
		ok = ok && c.next() == '\''
	case double:
		c.next()
		m.escapes = true
		ok = m.line(m.escaped)
		ok = ok && c.next() == '"'
	case block:
		ok = m.block()
	}
	if !ok {
		*c = begin
		c.next()
	}
	span := diag.Span{File: file, Start: start, End: c.pos}
	if !ok || m.left < 0 {
		return diag.Whole(value, span)
	}
	*runs = m.left
	return diag.Mapped(value, span, slices.Clip(m.runs))
}

// matcher reads a scalar's source and its decoded value side by side.
type matcher struct {
	*cursor
	value string
	at    int // byte offset in value

	escapes bool // a backslash may end a line and leave nothing in the value

	count  int      // characters so far
	beside diag.Pos // where another one is part of the last run
	runs   []diag.Run
	left   int // how many more runs there may be
}

// note records where the next character of the value stands, or its end.
func (m *matcher) note(p diag.Pos) {
	if (m.count == 0 || p != m.beside) && m.left >= 0 {
		if m.count > 0 { // one run costs no more than its text
			m.left--
		}
		m.runs = append(m.runs, diag.Run{N: m.count, At: p})
	}
	m.count++
	m.beside = diag.Pos{Line: p.Line, Col: p.Col + 1}
}

func (m *matcher) want() rune {
	r, _ := utf8.DecodeRuneInString(m.value[m.at:])
	return r
}

// took notes that the next character of the value stands at p.
func (m *matcher) took(p diag.Pos) {
	_, n := utf8.DecodeRuneInString(m.value[m.at:])
	m.at += n
	m.note(p)
}

// line matches a flow scalar: one reads a single character of its style.
func (m *matcher) line(one func() (rune, bool)) bool {
	for m.at < len(m.value) {
		if w := m.want(); (w == ' ' || w == '\n') && m.fold() {
			continue
		}
		m.joined()
		p := m.pos
		r, ok := one()
		if !ok || r != m.want() {
			return false
		}
		m.took(p)
	}
	m.joined()
	m.note(m.pos)
	return true
}

// fold matches blanks and line breaks that became one space or some newlines.
func (m *matcher) fold() bool {
	c := *m.cursor
	p := c.pos
	c.skipBlanks()
	breaks := 0
	for isBreak(c.peek()) {
		c.next()
		breaks++
		c.skipBlanks()
	}
	if breaks == 0 {
		return false
	}
	folded := " "
	if breaks > 1 {
		folded = strings.Repeat("\n", breaks-1)
	}
	if !strings.HasPrefix(m.value[m.at:], folded) {
		return false
	}
	for range len(folded) {
		m.took(p)
	}
	*m.cursor = c
	return true
}

func (m *matcher) literal() (rune, bool) { return m.next(), true }

func (m *matcher) quoteSingle() (rune, bool) {
	r := m.next()
	if r != '\'' {
		return r, true
	}
	return m.next(), true
}

// joined steps over escaped line breaks, which leave nothing in the value.
func (m *matcher) joined() {
	for m.escapes && m.peek() == '\\' && m.off+1 < len(m.src) && isBreak(rune(m.src[m.off+1])) {
		m.next()
		m.next()
		m.skipBlanks()
	}
}

// escapes are the single-character escapes of double quotes.
var escapes = map[rune]rune{'0': 0, 'a': 7, 'b': 8, 't': 9, '\t': 9, 'n': 10, 'v': 11, 'f': 12, 'r': 13,
	'e': 27, ' ': ' ', '"': '"', '/': '/', '\\': '\\', '\'': '\'', 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029}

func (m *matcher) escaped() (rune, bool) {
	r := m.next()
	if r != '\\' {
		return r, r != '"'
	}
	e := m.next()
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[e]
	if digits == 0 {
		out, ok := escapes[e]
		return out, ok
	}
	var code rune
	for range digits {
		d := strings.IndexRune("0123456789abcdef", m.next()|0x20)
		if d < 0 {
			return 0, false
		}
		code = code<<4 | rune(d)
	}
	return code, true
}

// block matches a literal or folded block scalar, header first, and leaves the
// cursor at the end of its last line.
func (m *matcher) block() bool {
	m.skipLine()
	end := *m.cursor
	m.next()
	rest := strings.TrimLeft(m.value, "\n")
	lead := len(rest) - len(strings.TrimLeft(rest, " "))
	indent := -1
	for m.at < len(m.value) && m.off < len(m.src) {
		if m.blankLine(indent) {
			if m.want() == '\n' {
				m.took(m.pos)
			}
			m.skipLine()
		} else {
			if indent < 0 {
				indent = m.spaces() - lead
			}
			if !m.blockLine(indent) {
				return false
			}
		}
		end = *m.cursor
		m.next()
	}
	*m.cursor = end
	for m.at < len(m.value) && m.want() == '\n' { // the last break, at the end of the source
		m.took(end.pos)
	}
	m.note(end.pos)
	return m.at == len(m.value)
}

// blockLine matches one line of text, and what its break became.
func (m *matcher) blockLine(indent int) bool {
	for i := 0; i < indent && m.peek() == ' '; i++ {
		m.next()
	}
	for m.off < len(m.src) && !isBreak(m.peek()) {
		if m.at >= len(m.value) || m.want() != m.peek() {
			return false
		}
		m.took(m.pos)
		m.next()
	}
	if m.at < len(m.value) {
		if w := m.want(); w != ' ' && w != '\n' {
			return false
		}
		m.took(m.pos)
	}
	return true
}

// blankLine reports whether nothing but blanks, no deeper than indent, stands
// on the cursor's line.
func (m *matcher) blankLine(indent int) bool {
	c := *m.cursor
	c.skipBlanks()
	return isBreak(c.peek()) && (indent < 0 || c.pos.Col-1 <= indent)
}

func (m *matcher) spaces() int {
	c := *m.cursor
	for c.peek() == ' ' {
		c.next()
	}
	return c.pos.Col - 1
}
