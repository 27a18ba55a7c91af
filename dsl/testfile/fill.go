package testfile

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"

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

// offset is where a place is in a text, in bytes. Lines end with LF, CR LF or CR, and
// columns count characters.
func offset(src []byte, p diag.Pos) int {
	off := 0
	for line := 1; line < p.Line; line++ {
		end := bytes.IndexAny(src[off:], "\r\n")
		if end < 0 {
			return len(src)
		}
		if off += end + 1; src[off-1] == '\r' && off < len(src) && src[off] == '\n' {
			off++
		}
	}
	for col := 1; col < p.Col && off < len(src); col++ {
		_, n := utf8.DecodeRune(src[off:])
		off += n
	}
	return off
}
