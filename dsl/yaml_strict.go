package dsl

import (
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/internal/late"
)

// What yaml.v3 takes although YAML 1.2 does not, and what it drops without a
// word. A graph that means something else than its author wrote is worse than
// one that is refused.

// directive is the version of YAML that a file says it is in.
var directive = late.Regexp(`^(?:[ \t]*(?:#[^\r\n]*)?[\r\n]+)*%YAML[ \t]+([^\r\n]*)`)

// checkVersion reports a file that says it is in another version than 1.2: its
// scalars would be read by the rules of the wrong version.
func (d *document) checkVersion() bool {
	m := directive().FindSubmatchIndex(d.src)
	if m == nil {
		return true
	}
	rest := string(d.src[m[2]:m[3]])
	if said, _, _ := strings.Cut(strings.TrimRight(rest, " \t"), " #"); strings.TrimRight(said, " \t") == "1.2" {
		return true
	}
	d.diags.Add(diag.YAMLSyntax, d.span(m[2], m[3]), `leave its "%YAML" away`, "the file is in another version of YAML, expected 1.2")
	return false
}

// properties reports what stands before a value and has another meaning than
// yaml.v3 gives it: an anchor with more characters than it reads, and a lone
// "!", which it drops. As a rule both are the beginning of an expression.
func (r *reader) properties(anchor string) (broken bool) {
	c := r.at
	for c.peek() == '&' && anchor != "" || c.peek() == '!' { // an anchor that is not the value's is that of a key
		start, from := c, c.off
		for !c.atEnd() && !isBreak(c.peek()) && !strings.ContainsRune(" \t,[]{}", c.peek()) {
			c.next()
		}
		at := diag.Span{File: r.file, Start: start.pos, End: c.pos}
		switch text := string(r.src[from:c.off]); {
		case text == "!":
			reportTag(&r.diags, at, text)
			return true
		case text[0] == '&' && text != "&"+anchor:
			r.diags.Add(diag.YAMLSyntax, at, "name it with letters, digits, - and _, or put the value in quotes", "%q is not the name of an anchor", text)
			return true
		case text[0] == '&':
			anchor = ""
		}
		c.skipSpace()
	}
	return false
}

// glued reports a "#" that stands directly behind a value: to yaml.v3 it begins
// a comment, and what an author sees as a part of the value is gone.
func (r *reader) glued(c cursor, n *tree.Node) {
	if c.peek() == '#' && !r.broken[n] {
		r.diags.Add(diag.YAMLComment, r.char(c.pos), `put a blank before "#", or put the whole value in quotes`, `"#" begins a comment only behind a blank`)
		r.broken[n] = true
	}
}

// gluedComma is glued for the comma behind an element or entry of a list or
// mapping in brackets.
func (r *reader) gluedComma(n *tree.Node) {
	c := r.at
	c.skipSpace()
	if c.peek() == ',' {
		c.next()
		r.glued(c, n)
	}
}

// blockHeader is the cursor behind the header of a block scalar.
func blockHeader(c cursor) cursor {
	c.next()
	for !c.atEnd() && strings.ContainsRune("+-0123456789", c.peek()) {
		c.next()
	}
	return c
}
