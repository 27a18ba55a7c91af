package lsp

import (
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/dsl"
)

// document is a text that an editor has open.
type document struct {
	uri     string
	file    string // its path; without a file, the URI itself
	version int
	edition int // counts the texts that it had
	text    string
	lines   []int             // the byte offsets at which its lines begin
	study   *dsl.Study        // of the text as it is; nil until something asks for it
	last    *dsl.Study        // of the text as it was when there was one; nil for none
	names   map[string][]byte // the files that it names, by path, as its last check found them
}

func newDocument(uri string, version int, text string) *document {
	d := &document{uri: uri, file: fileOf(uri), version: version}
	d.set(text)
	return d
}

const byteOrderMark = "\uFEFF"

// set replaces the whole text. LF, CR LF and CR end a line, as in YAML.
func (d *document) set(text string) {
	d.text, d.lines, d.study = text, d.lines[:0], nil
	d.edition++
	d.lines = append(d.lines, 0)
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' || text[i] == '\r' && (i+1 == len(text) || text[i+1] != '\n') {
			d.lines = append(d.lines, i+1)
		}
	}
}

// change makes one change of an editor.
func (d *document) change(c change) error {
	if c.Range == nil {
		d.set(c.Text)
		return nil
	}
	from, to := d.offset(c.Range.Start), d.offset(c.Range.End)
	if to < from {
		return fmt.Errorf("a change ends before it begins")
	}
	d.set(d.text[:from] + c.Text + d.text[to:])
	return nil
}

// line is a line without its break, 0-based, and where it begins.
func (d *document) line(n int) (text string, from int) {
	if n < 0 || n >= len(d.lines) {
		return "", len(d.text)
	}
	end := len(d.text)
	if n+1 < len(d.lines) {
		end = d.lines[n+1]
	}
	return strings.TrimRight(d.text[d.lines[n]:end], "\r\n"), d.lines[n]
}

// offset is the byte at a position. A character beyond the end of its line is that end, as
// the protocol says.
func (d *document) offset(p position) int {
	text, from := d.line(p.Line)
	units := 0
	for i, r := range text {
		if units >= p.Character {
			return from + i
		}
		units += unitsOf(r)
	}
	return from + len(text)
}

// unitsOf is how many UTF-16 code units a character has.
func unitsOf(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// position is the editor's form of a place.
func (d *document) position(p diag.Pos) position {
	if p.Line < 1 {
		return position{}
	}
	text, _ := d.line(p.Line - 1)
	units, col := 0, 1
	if p.Line == 1 && strings.HasPrefix(text, byteOrderMark) {
		col = 0 // it has no column in a graph file
	}
	for _, r := range text {
		if col >= p.Col {
			break
		}
		units += unitsOf(r)
		col++
	}
	return position{Line: p.Line - 1, Character: units}
}

// place is where a position is in a graph file.
func (d *document) place(p position) diag.Pos {
	off := d.offset(p)
	line := sort.SearchInts(d.lines, off+1)
	col := utf8.RuneCountInString(d.text[d.lines[line-1]:off]) + 1
	if line == 1 && col > 1 && strings.HasPrefix(d.text, byteOrderMark) {
		col--
	}
	return diag.Pos{Line: line, Col: col}
}

// span is the editor's form of a part of the text.
func (d *document) span(s diag.Span) textRange {
	r := textRange{Start: d.position(s.Start), End: d.position(s.End)}
	if r.End == r.Start { // beyond the end of its line: a squiggle needs a character
		r.End.Character++
	}
	return r
}

// fileOf is the path of a file URI. Another URI stands for itself.
func fileOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return uri
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
		if u.Host != "" {
			path = "//" + u.Host + u.Path
		}
	}
	return filepath.FromSlash(path)
}

// uriOf is the URI of a path.
func uriOf(file string) string {
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
