package dsl

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/trial"
)

// Fill writes values into the empty expectations of a test file. The other bytes stay as
// they are.
func Fill(src []byte, fills []trial.Fill) []byte {
	type cut struct {
		from, to int
		text     string
	}
	body := bytes.TrimPrefix(src, []byte("\uFEFF"))
	var cuts []cut
	for _, f := range fills {
		at := f.Empty.Span
		c := cut{from: offset(body, at.Start), to: offset(body, at.End), text: trial.Flow(f.Value)}
		if f.Empty.Text.Value == "" { // the place is that of the key
			colon := bytes.IndexByte(body[c.to:], ':')
			if colon < 0 {
				continue
			}
			c.from = c.to + colon + 1
			c.to, c.text = c.from, " "+c.text
		}
		cuts = append(cuts, c)
	}
	slices.SortFunc(cuts, func(a, b cut) int { return cmp.Compare(a.from, b.from) })
	out := append([]byte(nil), src[:len(src)-len(body)]...)
	done := 0
	for _, c := range cuts {
		if c.from < done {
			continue
		}
		out = append(append(out, body[done:c.from]...), c.text...)
		done = c.to
	}
	return append(out, body[done:]...)
}

// offset is where a place is in a text, in bytes.
func offset(src []byte, p diag.Pos) int {
	c := cursor{src: src, pos: diag.Pos{Line: 1, Col: 1}}
	for c.off < len(c.src) && (c.pos.Line < p.Line || c.pos.Line == p.Line && c.pos.Col < p.Col) {
		c.next()
	}
	return c.off
}
