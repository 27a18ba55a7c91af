package dsl

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/internal/late"
)

var (
	errorText  = late.Regexp(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	tagTrap    = late.Regexp(`(?:^|[\s{,])[A-Za-z_][\w-]*:[ \t]+(![^\s!"'][^\s]*)`)
	anchorTrap = late.Regexp(`(?:^|[\s:,{\[-])([&*](?:[^\w-]|$))`)
	plainInMap = late.Regexp(`[{,][ \t]*([A-Za-z_][\w-]*):[ \t]+([^\s"'{\[][^,\n]*),`)
)

// afterParser marks the problems whose lines yaml.v3 counts from zero.
var afterParser = []string{"did not find expected node content", "did not find expected ','", "did not find expected key",
	"did not find expected '-'", "did not find expected <", "found undefined tag", "found duplicate %", "found incompatible"}

// plainWords translates the errors of yaml.v3 into messages for authors, with a
// help line. The first entry whose text occurs in the error counts.
var plainWords = []struct{ problem, message, help string }{
	{"did not find expected ',' or '}'", `expected "," or "}" within { }`, "put values with special characters in quotes"},
	{"did not find expected ',' or ']'", `expected "," or "]" within [ ]`, "put values with special characters in quotes"},
	{"mapping values are not allowed", `": " begins a mapping where none can stand`, "indent it as its neighbours, or put the whole text in quotes"},
	{"could not find expected ':'", `expected ": " after a key`, "indent it as its neighbours, or put the whole text in quotes"},
	{"tab character that violates", "a tab cannot indent", "indent with spaces"},
	{"cannot start any token", "this character cannot begin a value", "put the value in quotes"},
	{"unexpected end of stream", "a quoted text is not closed", "close the quotes"},
	{"unexpected document indicator", "a quoted text is not closed", "close the quotes"},
	{"unknown escape character", `"\" begins no known escape here`, `write "\\", or use single quotes`},
	{"did not find expected hexdecimal", `"\" begins no known escape here`, `write "\\", or use single quotes`},
	{"invalid Unicode character escape", "the escape names no character", ""},
	{"invalid Unicode character", "the escape names no character", ""},
	{"alphabetic or numeric character", `"&" and "*" begin an anchor or an alias`, "put the value in quotes"},
	{"did not find expected key", "the line fits neither the mapping nor the list that it stands in", "indent it as its neighbours"},
	{"did not find expected '-' indicator", `expected "- " as in the lines before`, "indent it as its neighbours"},
	{"did not find expected node content", "expected a value", "put the value in quotes"},
	{"are not allowed in this context", "a list cannot begin here", "begin it on the next line"},
	{"expected <document start>", "the document has ended, and something else follows", "indent it as its neighbours"},
	{"incompatible YAML document", "the file is in another version of YAML, expected 1.2", `leave its "%YAML" away`},
	{"did not find URI escape", `"!" begins a tag`, "put the value in quotes"},
	{"did not find expected whitespace", `"!" begins a tag`, "put the value in quotes"},
}

// problem is an error of yaml.v3, parsed.
type problem struct {
	line int
	text string
}

// problem parses an error of yaml.v3. yaml.v3 sees a line break at the end that
// the source may lack: a line after the source is its last line.
func (d *document) problem(err error) problem {
	p := parseProblem(err)
	p.line = d.cursorAt(diag.Pos{Line: p.line, Col: 1}).pos.Line
	return p
}

func parseProblem(err error) problem {
	m := errorText().FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	if m == nil {
		return problem{1, err.Error()}
	}
	line, _ := strconv.Atoi(m[1])
	if slices.ContainsFunc(afterParser, func(s string) bool { return strings.HasPrefix(m[2], s) }) {
		line++
	}
	return problem{max(line, 1), m[2]}
}

// gotcha looks for an expression that YAML misread in the lines around a problem.
// It reports the expression, and returns where it begins and ends in src.
func (d *document) gotcha(p problem) (from, to int, found bool) {
	start, end := d.window(p.line)
	lines := d.src[start:end]
	for _, m := range tagTrap().FindAllSubmatchIndex(lines, -1) {
		from, to := d.extent(start + m[2])
		at := d.span(from, start+m[3])
		tag := strings.TrimRight(string(lines[m[2]:m[3]]), ",})]")
		at.End.Col = at.Start.Col + utf8.RuneCountInString(tag)
		reportTag(&d.diags, at, tag)
		return from, to, true
	}
	for at := 0; ; {
		m := plainInMap().FindSubmatchIndex(lines[at:])
		if m == nil {
			break
		}
		value, comma := at+m[4], at+m[5]
		if !balanced(string(lines[value:comma])) {
			d.diags.Add(diag.YAMLComma, d.span(start+comma, start+comma+1), "put the value in quotes",
				"a comma in { } ends the value of %q", lines[at+m[2]:at+m[3]])
			from, to := d.extent(start + value)
			return from, to, true
		}
		at = comma
	}
	return 0, 0, false
}

// extent returns where an expression that begins at off ends: at the end of its
// line, or within { } at the comma or bracket after it.
func (d *document) extent(off int) (from, to int) {
	line := d.src[bytes.LastIndexAny(d.src[:off], "\r\n")+1 : off]
	flow := bytes.Count(line, []byte("{")) > bytes.Count(line, []byte("}"))
	to = off
	for to < len(d.src) && d.src[to] != '\n' && d.src[to] != '\r' {
		if b := d.src[to]; flow && (b == ',' || b == '}') && balanced(string(d.src[off:to])) {
			break
		}
		to++
	}
	return off, to
}

// cover replaces an expression by a text that YAML does not misread, of the
// same length, so that the rest of the file can be read.
func (d *document) cover(from, to int) {
	d.src = bytes.Clone(d.src)
	for i := from; i < to; i++ {
		if d.src[i] < utf8.RuneSelf {
			d.src[i] = '_'
		}
	}
	d.covered = append(d.covered, from)
}

// syntaxError turns an error of yaml.v3, which has a line at best, into a
// diagnostic with a column and plain words.
func (d *document) syntaxError(err error) {
	p := d.problem(err)
	if strings.Contains(p.text, "exceeded max depth") {
		d.diags.Add(diag.TooLarge, d.culprit(p), "", "the document is nested deeper than %d levels", maxDepth)
		return
	}
	message, help := "this is not YAML: "+p.text, ""
	for _, w := range plainWords {
		if strings.Contains(p.text, w.problem) {
			message, help = w.message, w.help
			break
		}
	}
	if name, ok := strings.CutPrefix(p.text, "unknown anchor '"); ok {
		name = strings.TrimSuffix(name, "' referenced")
		message, help = fmt.Sprintf("there is no anchor %q", "&"+name), `"*" begins an alias: put the value in quotes if none is meant`
		if i := bytes.Index(d.src, []byte("*"+name)); i >= 0 {
			d.diags.Add(diag.YAMLSyntax, d.span(i, i+1+len(name)), help, "%s", message)
			return
		}
	}
	at := d.culprit(p)
	if structural(p) {
		// The outline may be wrong about lines that yaml.v3 accepted.
		if found, what, way, ok := d.misfit(); ok && found.Start.Line >= p.line-1 {
			at, message, help = found, what, way
		}
	}
	d.diags.Add(diag.YAMLSyntax, at, help, "%s", message)
}

// window is the bytes of the lines around a line.
func (d *document) window(line int) (from, to int) {
	c := d.cursorAt(diag.Pos{Line: max(line-1, 1), Col: 1})
	from = c.off
	for c.off < len(c.src) && c.pos.Line < line+2 {
		c.next()
	}
	return from, c.off
}

// structural reports whether the outline of a text can say more about a problem.
func structural(p problem) bool {
	return slices.ContainsFunc([]string{"did not find expected ',' or", "did not find expected key", "did not find expected '-'",
		"did not find expected node content", "could not find expected ':'", "cannot start any token", "mapping values",
		"unexpected end of stream", "unexpected document indicator", "not allowed in this context", "tab character", "alphabetic or numeric"},
		func(s string) bool { return strings.Contains(p.text, s) })
}

// culprit guesses the place of a problem in its line.
func (d *document) culprit(p problem) diag.Span {
	c := d.cursorAt(diag.Pos{Line: p.line, Col: 1})
	start := c.off
	c.skipLine()
	line := d.src[start:c.off]
	off := len(line) - len(bytes.TrimLeft(line, " "))
	switch {
	case strings.Contains(p.text, "escape"):
		off = max(bytes.IndexByte(line, '\\'), off)
	case strings.Contains(p.text, "alphabetic or numeric"):
		if m := anchorTrap().FindSubmatchIndex(line); m != nil {
			off = m[2]
		}
	}
	return d.span(start+off, start+off+1)
}

// span is the place of some bytes of one line.
func (d *document) span(from, to int) diag.Span {
	from, to = min(from, len(d.src)), min(to, len(d.src))
	c := cursor{src: d.src, pos: diag.Pos{Line: 1, Col: 1}}
	for c.off < from {
		c.next()
	}
	s := diag.Span{File: d.file, Start: c.pos}
	for c.off < to {
		c.next()
	}
	s.End = c.pos
	if s.End.Line != s.Start.Line || s.End == s.Start {
		s.End = diag.Pos{Line: s.Start.Line, Col: s.Start.Col + 1}
	}
	return s
}

// cursorAt walks to a place from the start of the source.
func (d *document) cursorAt(p diag.Pos) cursor {
	c := cursor{src: d.src, pos: diag.Pos{Line: 1, Col: 1}}
	for c.off < len(c.src) && c.pos.Less(p) {
		c.next()
	}
	return c
}
