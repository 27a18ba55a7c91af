package dsl

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/diag"
)

var errorLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)

// cursorAt walks to a place from the start of the source.
func (d *document) cursorAt(p diag.Pos) cursor {
	c := cursor{src: d.src, pos: diag.Pos{Line: 1, Col: 1}}
	for c.off < len(c.src) && c.pos.Less(p) {
		c.next()
	}
	return c
}

// syntaxError turns an error of yaml.v3, which knows a line at best, into a
// diagnostic with a column and plain words.
func (d *document) syntaxError(err error) {
	m := errorLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	line, problem := 1, err.Error()
	if m != nil {
		problem = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	d.diags.Add(diag.YAMLSyntax, d.char(diag.Pos{Line: line, Col: 1}), "", "%s", problem)
}
