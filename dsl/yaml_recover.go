package dsl

import (
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// outline walks over a text that is not YAML, up to the first part that fits
// nowhere. yaml.v3 reports a line at best, often only the line of the block in
// which it gave up. The outline knows enough of YAML to find the place, and accepts
// everything that it does not know.
type outline struct {
	cursor
	blocks []level // open blocks, from the outside in; new is not used
	open   bool    // a key or a dash waits for its value on the next line

	dented, dent int // a line, and its indentation

	at            diag.Pos
	width         int    // of what was found, in characters; 0 is 1
	message, help string // "" as long as nothing was found
}

// misfit finds the first part of a text that keeps it from being YAML.
func (d *document) misfit() (at diag.Span, message, help string, ok bool) {
	o := outline{cursor: cursor{src: d.src, pos: diag.Pos{Line: 1, Col: 1}}}
	for o.message == "" && o.off < len(o.src) {
		o.line()
	}
	at = d.char(o.at)
	at.End.Col += max(o.width-1, 0)
	return at, o.message, o.help, o.message != ""
}

func (o *outline) fail(at diag.Pos, message, help string) {
	if o.message == "" {
		o.at, o.message, o.help = at, message, help
	}
	o.off = len(o.src)
}

const (
	indentHelp = "indent it as its neighbours"
	quoteHelp  = "put the whole value in quotes"
	closeHelp  = "remove it, or put the value that it belongs to in quotes"
)

// line walks over one line of a block and over its continuation.
func (o *outline) line() {
	for o.peek() == ' ' {
		o.next()
	}
	col := o.pos.Col - 1
	switch rest := o.src[o.off:]; {
	case o.ended():
		o.endLine()
		return
	case rest[0] == '\t':
		o.fail(o.pos, "a tab cannot indent", "indent with spaces")
		return
	case col == 0 && (strings.HasPrefix(string(rest[:min(3, len(rest))]), "---") || rest[0] == '%' || rest[0] == '.'):
		o.blocks, o.open = nil, true
		o.endLine()
		return
	}
	inline := false
	for o.peek() == '-' && o.blankAt(1) {
		if !o.enter(col, true, inline) {
			return
		}
		o.next()
		o.skipBlanks()
		begin := o.cursor
		o.properties()
		if o.ended() {
			o.open = true
			o.endLine()
			return
		}
		o.cursor = begin
		col, inline = o.pos.Col-1, true
	}
	o.entry(col, inline)
}

// enter finds the block that a key or a dash in a column belongs to; inline is
// one behind a dash on the same line.
func (o *outline) enter(col int, list, inline bool) bool {
	back := false
	for n := len(o.blocks); n > 0 && o.blocks[n-1].old > col; n = len(o.blocks) {
		o.blocks, back = o.blocks[:n-1], true
	}
	n := len(o.blocks)
	switch {
	case inline || n == 0 && !back:
		o.blocks = append(o.blocks, level{list: list, old: col})
	case n == 0 || o.blocks[n-1].old < col && back:
		o.fail(o.pos, "the line fits neither the mapping nor the list that it stands in", indentHelp)
	case o.blocks[n-1].old < col && !o.open:
		o.fail(o.pos, "the line is indented deeper than those before it", indentHelp)
	case o.blocks[n-1].old < col || list && !o.blocks[n-1].list && o.open:
		o.blocks = append(o.blocks, level{list: list, old: col})
	case list && !o.blocks[n-1].list:
		o.fail(o.pos, `"- " begins an entry of a list, and this is a mapping`, indentHelp)
	case !list && o.blocks[n-1].list:
		o.blocks = o.blocks[:n-1]
		if n < 2 || o.blocks[n-2].old != col {
			o.fail(o.pos, `expected "- " as in the lines before`, indentHelp)
		}
	}
	o.open = false
	return o.message == ""
}

// entry walks over a key with its value, or over a value that stands alone.
func (o *outline) entry(col int, inline bool) {
	alone := inline || o.open || len(o.blocks) == 0
	o.properties()
	at, parent, plain := o.pos, -1, false
	if n := len(o.blocks); n > 0 {
		parent = o.blocks[n-1].old
	}
	switch b := o.peek(); {
	case o.ended():
		o.endLine()
		return
	case b == '?' && o.blankAt(1):
		o.off = len(o.src) // a complex key: beyond this
		return
	case b == '|' || b == '>':
		o.block(parent)
		return
	case o.closed():
	default:
		plain = true
		o.begin()
		o.plain()
	}
	o.skipBlanks()
	switch {
	case o.message != "":
	case o.peek() == ':' && o.blankAt(1):
		end := o.cursor
		o.cursor.pos = at
		ok := o.enter(col, false, inline)
		if o.cursor = end; ok {
			o.next()
			o.skipBlanks()
			o.value(col)
		}
	case !o.ended():
		o.behind()
	case !alone:
		o.fail(at, `expected ": " after a key`, "indent it as its neighbours, or put the whole text in quotes")
	default:
		o.open = false
		o.endLine()
		if plain {
			o.goesOn(parent)
		}
	}
}

// behind reports what stands behind a value that has ended.
func (o *outline) behind() {
	if r := o.peek(); r == '}' || r == ']' {
		o.fail(o.pos, fmt.Sprintf("%q closes nothing here", string(r)), closeHelp)
		return
	}
	o.fail(o.pos, "the value has ended, and something else follows", quoteHelp)
}

// value walks over what stands behind a key in some column.
func (o *outline) value(col int) {
	o.properties()
	switch b := o.peek(); {
	case o.ended():
		o.open = true
		o.endLine()
	case b == '|' || b == '>':
		o.block(col)
	case b == '-' && o.blankAt(1):
		o.fail(o.pos, "a list cannot begin here", "begin it on the next line")
	case o.closed():
		if o.skipBlanks(); o.message == "" && !o.ended() {
			o.behind()
		}
		o.endLine()
	default:
		o.begin()
		o.text()
		o.goesOn(col)
	}
}

// properties walks over the anchor and the tag of a value, on one line.
func (o *outline) properties() {
	for o.peek() == '&' || o.peek() == '!' {
		for !o.blankAt(0) {
			o.next()
		}
		o.skipBlanks()
	}
}

// text walks over the rest of a line that holds no key.
func (o *outline) text() {
	o.plain()
	if o.message == "" && !o.ended() {
		o.fail(o.pos, `": " begins a mapping where none can stand`, "indent it as its neighbours, or put the whole text in quotes")
	}
	o.endLine()
}

// goesOn walks over the further lines of a plain text: those deeper than col.
func (o *outline) goesOn(col int) {
	for o.message == "" && o.off < len(o.src) {
		c := o.cursor
		o.skipBlanks()
		if !o.ended() && o.pos.Col-1 <= col {
			o.cursor = c
			return
		}
		if o.ended() {
			o.endLine()
			continue
		}
		o.text()
	}
}

// block walks over a literal or folded text: the lines deeper than col.
func (o *outline) block(col int) {
	o.open = false
	o.endLine()
	for o.off < len(o.src) {
		c := o.cursor
		for o.peek() == ' ' {
			o.next()
		}
		if !isBreak(o.peek()) && o.off < len(o.src) && o.pos.Col-1 <= col {
			o.cursor = c
			return
		}
		o.endLine()
	}
}

// begin looks at the first character of a plain text.
func (o *outline) begin() {
	if strings.ContainsRune("@`%", o.peek()) {
		o.fail(o.pos, "this character cannot begin a value", "put the value in quotes")
	}
}

// plain walks to the end of a plain text on one line of a block.
func (o *outline) plain() {
	for o.off < len(o.src) && !isBreak(o.peek()) {
		if o.peek() == ':' && o.blankAt(1) || o.peek() == '#' && o.blankAt(-1) {
			return
		}
		o.next()
	}
}

// closed walks over a value that has an end of its own: in quotes or brackets.
func (o *outline) closed() bool {
	switch o.peek() {
	case '"', '\'':
		o.quoted()
	case '{', '[':
		o.flow()
	default:
		return false
	}
	return true
}

func (o *outline) quoted() {
	at := o.pos
	for quote := o.next(); o.off < len(o.src); {
		switch r := o.next(); {
		case r == '\\' && quote == '"':
			o.next()
		case r == quote && quote == '\'' && o.peek() == quote:
			o.next()
		case r == quote:
			return
		}
	}
	o.fail(at, "a quoted text is not closed", "close the quotes")
}

// ended reports whether nothing but a comment is left of the line.
func (o *outline) ended() bool {
	c := o.cursor
	c.skipBlanks()
	return c.off >= len(c.src) || isBreak(c.peek()) || c.peek() == '#'
}

func (o *outline) endLine() {
	o.skipLine()
	o.next()
}

// blankAt reports whether a blank, a line break or nothing stands some bytes
// from here.
func (o *outline) blankAt(n int) bool {
	i := o.off + n
	return i < 0 || i >= len(o.src) || strings.IndexByte(" \t\r\n", o.src[i]) >= 0
}
