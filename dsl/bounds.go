package dsl

import (
	"bytes"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
)

// The bounds of a graph file. The parser never sees more.
const (
	maxBytes   = 16 << 20
	maxDepth   = 100
	maxNodes   = 400_000 // values of a file
	maxAliased = 100_000 // values that aliases add to them
)

// admit reports what keeps a source from being parsed at all: its size, its
// encoding, or more values than a YAML parser should hold. It does not look at
// nesting: only the parser can tell whether a bracket or a dash is text, and the
// parser itself stops at 10,000 levels.
func admit(file string, src []byte, diags *diag.List) bool {
	at := diag.Span{File: file, Start: diag.Pos{Line: 1, Col: 1}, End: diag.Pos{Line: 1, Col: 2}}
	switch {
	case len(src) > maxBytes:
		diags.Add(diag.TooLarge, at, "", "the file has %d bytes, more than %d", len(src), maxBytes)
		return false
	case bytes.HasPrefix(src, []byte{0xff, 0xfe}), bytes.HasPrefix(src, []byte{0xfe, 0xff}):
		diags.Add(diag.YAMLSyntax, at, "save the file as UTF-8", "the file is encoded in UTF-16, expected UTF-8")
		return false
	}
	c := cursor{src: src, pos: diag.Pos{Line: 1, Col: 1}}
	values, lineStart := 0, true
	for c.off < len(src) {
		here := diag.Span{File: file, Start: c.pos, End: diag.Pos{Line: c.pos.Line, Col: c.pos.Col + 1}}
		b := src[c.off]
		if !checkChar(src[c.off:], here, diags) {
			return false
		}
		blankNext := c.off+1 >= len(src) || src[c.off+1] == ' ' || src[c.off+1] == '\t' || src[c.off+1] == '\n' || src[c.off+1] == '\r'
		switch b {
		case '[', '{', ',':
			values++
		case ':':
			if blankNext {
				values += 2
			}
		case '-', '?':
			if lineStart && blankNext {
				values++
			}
		case '\n', '\r':
			lineStart = true
		case ' ', '\t':
		default:
			lineStart = false
		}
		if values > 2*maxNodes {
			diags.Add(diag.TooLarge, here, "", "the document has more than %d values", maxNodes)
			return false
		}
		c.next()
	}
	return true
}

// checkChar reports a character that is not allowed in YAML.
func checkChar(rest []byte, at diag.Span, diags *diag.List) bool {
	b := rest[0]
	if b >= ' ' && b < 0x7f || b == '\n' || b == '\t' || b == '\r' {
		return true
	}
	if b < utf8.RuneSelf {
		diags.Add(diag.YAMLSyntax, at, `write it as an escape in double quotes`, "the control character U+%04X is not allowed", b)
		return false
	}
	if r, n := utf8.DecodeRune(rest); r == utf8.RuneError && n == 1 {
		diags.Add(diag.YAMLSyntax, at, "save the file as UTF-8", "the byte 0x%02X is not UTF-8", b)
		return false
	} else if r >= 0x80 && r < 0xa0 && r != 0x85 {
		diags.Add(diag.YAMLSyntax, at, `write it as an escape in double quotes`, "the control character U+%04X is not allowed", r)
		return false
	}
	return true
}
