package dsl

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

// bracket is an open { or [ of an outline.
type bracket struct {
	kind   rune
	at     diag.Pos
	indent int // of the line that it stands in

	ended bool // an entry has a value that ended: only , : or the end can follow
	colon bool // the entry has its colon
	text  bool // the entry has a plain text, which may continue
}

func (b *bracket) closing() rune { return b.kind + 2 } // as in ASCII

// flow walks over { } or [ ] with all that is in it.
func (o *outline) flow() {
	var stack []bracket
	var suspect *bracket // one that is open although a line goes back to its indentation
	fail := func(at diag.Pos, message, help string) {
		if suspect != nil {
			at, message, help = suspect.at, fmt.Sprintf("%q is not closed", string(suspect.kind)), fmt.Sprintf("add its %q", string(suspect.closing()))
		}
		o.fail(at, message, help)
	}
	for o.message == "" {
		line := o.pos.Line
		o.skipSpace()
		n := len(stack)
		if n > 0 && suspect == nil && (o.off >= len(o.src) || o.pos.Line > line && o.pos.Col-1 <= stack[n-1].indent && o.peek() != stack[n-1].closing()) {
			b := stack[n-1]
			suspect = &b
		}
		r := o.peek()
		if r == ',' && n > 0 {
			o.next()
			stack[n-1].ended, stack[n-1].colon, stack[n-1].text = false, false, false
			continue
		}
		if o.off >= len(o.src) {
			fail(o.pos, "", "")
			return
		}
		switch {
		case r == '}' || r == ']':
			if stack[n-1].closing() != r {
				fail(o.pos, fmt.Sprintf("%q closes nothing here", string(r)), closeHelp)
				return
			}
			o.next()
			if stack = stack[:n-1]; n == 1 {
				return
			}
			stack[n-2].ended = true
		case n > 0 && r == ':' && (stack[n-1].ended || o.endsKey()):
			if stack[n-1].colon {
				fail(o.pos, `": " begins a mapping where none can stand`, quoteHelp)
				return
			}
			o.next()
			stack[n-1].ended, stack[n-1].colon, stack[n-1].text = false, true, false
		case n > 0 && stack[n-1].ended:
			fail(o.pos, "the value has ended, and something else follows", quoteHelp)
			return
		case r == '{' || r == '[':
			stack = append(stack, bracket{kind: r, at: o.pos, indent: o.indent()})
			o.next()
		case r == '"' || r == '\'':
			o.quoted()
			stack[n-1].ended = true
		case r == '&' || r == '!':
			o.skipProperties()
		case !stack[n-1].text && strings.ContainsRune("@`%|>", r):
			fail(o.pos, "this character cannot begin a value", "put the value in quotes")
			return
		default:
			stack[n-1].text = true
			o.flowPlain(fail)
		}
	}
}

// flowPlain walks over a plain text within brackets, up to the end of its line.
func (o *outline) flowPlain(fail func(at diag.Pos, message, help string)) {
	for o.off < len(o.src) && !isBreak(o.peek()) {
		switch r := o.peek(); {
		case r == ',' || r == ']' || r == '}', r == ':' && o.endsKey(), r == '#' && o.blankAt(-1):
			return
		case r == '$' && bytes.HasPrefix(o.src[o.off:], []byte("${{")):
			at := o.pos
			fail(at, "${{ }} within { } must be quoted", `write "${{ … }}"`)
			if o.at == at {
				o.width = len("${{")
			}
			return
		case r == '{' || r == '[':
			fail(o.pos, fmt.Sprintf("%q ends a value within { }", string(r)), "put the value in quotes")
			return
		}
		o.next()
	}
}

// endsKey reports whether the colon here ends a key within brackets.
func (o *outline) endsKey() bool {
	return o.blankAt(1) || bytes.IndexByte([]byte(",]}"), o.src[o.off+1]) >= 0
}

// indent is the indentation of the line that the outline stands in.
func (o *outline) indent() int {
	if o.dented != o.pos.Line {
		line := o.src[bytes.LastIndexAny(o.src[:o.off], "\r\n")+1:]
		o.dented, o.dent = o.pos.Line, len(line)-len(bytes.TrimLeft(line, " "))
	}
	return o.dent
}
