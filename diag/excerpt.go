package diag

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// maxShown is how many columns of a source line are shown around a culprit.
const maxShown = 120

// lineStarts are the byte offsets at which the lines of src begin: LF, CR LF
// and CR end a line, as in YAML 1.2, and nothing else does.
func lineStarts(src []byte) []int {
	starts := []int{0}
	if strings.HasPrefix(string(src[:min(3, len(src))]), "\uFEFF") {
		starts[0] = 3
	}
	for i := starts[0]; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		i += n
		switch r {
		case '\r':
			if i < len(src) && src[i] == '\n' {
				i++
			}
			starts = append(starts, i)
		case '\n':
			starts = append(starts, i)
		}
	}
	return starts
}

// excerpt returns the source line of a span and the carets under it, both cut
// around the culprit. ok is false if the file has no such line.
func (f *source) excerpt(at Span) (line, carets string, ok bool) {
	if at.Start.Line > len(f.starts) {
		return "", "", false
	}
	f.enter(at.Start.Line)
	from := min(at.Start.Col-1, f.width)
	to := min(EndColumn(at, f.width)-1, max(f.width, from+1))
	first := 0
	if f.width > maxShown {
		first = max(0, min(from-maxShown/3, f.width-maxShown))
	}
	last := min(f.width, first+maxShown)
	cells := f.cells(first, last)
	for lead := columns(cells[:from-first]); lead > maxShown/3 && lead+columns(cells[from-first:]) > maxShown; first++ {
		lead -= max(cells[0].width, 1)
		cells = cells[1:]
	}

	var text, under strings.Builder
	if first > 0 {
		text.WriteString("…")
		under.WriteString(" ")
	}
	shown, size := 0, 0
	for i, c := range cells {
		if size += max(c.width, 1); size > maxShown && first+i > from {
			break
		}
		text.WriteString(c.text)
		mark := " "
		if first+i >= from && first+i < to {
			mark = "^"
		}
		under.WriteString(strings.Repeat(mark, c.width))
		shown++
	}
	last = first + shown
	if last < f.width {
		text.WriteString("…")
	}
	if from >= last {
		under.WriteString("^")
	}
	return strings.TrimRight(text.String(), " "), strings.TrimRight(under.String(), " "), true
}

// cell is a character as an excerpt shows it, and how many columns it takes.
type cell struct {
	text  string
	width int
}

// cells returns the characters from..to of the current line.
func (f *source) cells(from, to int) []cell {
	wide := runewidth.Condition{StrictEmojiNeutral: true} // the same on every machine, whatever its locale
	out := make([]cell, 0, to-from)
	rest := f.from(from)
	for range to - from {
		r, n := utf8.DecodeRune(rest)
		rest = rest[n:]
		c := cell{" ", 1}
		if r != '\t' {
			c.text = visible(r)
			c.width = wide.StringWidth(c.text)
		}
		out = append(out, c)
	}
	return out
}

// columns returns the width of some cells. A character without a width, such as
// a combining mark, counts as one: it takes bytes.
func columns(cells []cell) (n int) {
	for _, c := range cells {
		n += max(c.width, 1)
	}
	return n
}

// source is a file's text. It remembers its last position, because problems come
// in the order of the file and a line can be as long as the file.
type source struct {
	text   []byte
	starts []int // byte offsets of the lines

	line, width int    // the current line, and how many characters it has
	rest        []byte // of the current line, from character col on
	col         int
}

func newSource(text []byte) *source { return &source{text: text, starts: lineStarts(text)} }

// of returns a line without its line break.
func (f *source) of(line int) []byte {
	end := len(f.text)
	if line < len(f.starts) {
		end = f.starts[line]
	}
	return bytes.TrimRight(f.text[f.starts[line-1]:end], "\r\n")
}

// enter goes to a line, 1-based.
func (f *source) enter(line int) {
	if f.line != line {
		f.line, f.rest, f.col = line, f.of(line), 0
		f.width = utf8.RuneCount(f.rest)
	}
}

// from returns the rest of the current line, from a character on.
func (f *source) from(col int) []byte {
	if f.col > col {
		f.rest, f.col = f.of(f.line), 0
	}
	for ; f.col < col; f.col++ {
		_, n := utf8.DecodeRune(f.rest)
		f.rest = f.rest[n:]
	}
	return f.rest
}

// EndColumn is the exclusive end of a span on its first line. A span over several
// lines ends with the line, which has width characters.
func EndColumn(at Span, width int) int {
	end := at.End.Col
	if at.End.Line > at.Start.Line {
		end = width + 1
	}
	return max(end, at.Start.Col+1)
}
