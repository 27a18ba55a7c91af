package diag

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Options of Render.
type Options struct {
	Color bool // ANSI colours; the caller knows whether out is a terminal
}

// maxShown is how many columns of a source line are shown around a culprit.
const maxShown = 120

const (
	colorBold   = "\x1b[1m"
	colorRed    = "\x1b[1;31m"
	colorYellow = "\x1b[1;33m"
	colorCyan   = "\x1b[36m"
	colorOff    = "\x1b[0m"
)

// Render writes the problems in the order of the list: place and message, the
// source line with carets under the culprit, and the help. sources holds the
// text of the files by name; a problem in a file that is not there is written
// without its line. What comes from files is shown as text: control characters
// do not reach out.
func Render(out io.Writer, list List, sources map[string][]byte, opts Options) error {
	w := bufio.NewWriter(out)
	files := map[string]*source{}
	for _, d := range list {
		paint := func(color, s string) string {
			if !opts.Color || s == "" {
				return s
			}
			return color + s + colorOff
		}
		hue := colorRed
		if d.Severity == Warning {
			hue = colorYellow
		}
		place := Clean(d.Span.String())
		if place != "" {
			place = paint(colorBold, place+":") + " "
		}
		fmt.Fprintf(w, "%s%s %s [%s]\n", place, paint(hue, d.Severity.String()+":"), Clean(d.Message), d.Code)
		if src := sources[d.Span.File]; src != nil && !d.Span.IsZero() {
			if files[d.Span.File] == nil {
				files[d.Span.File] = newSource(src)
			}
			if line, carets, ok := files[d.Span.File].excerpt(d.Span); ok {
				fmt.Fprintf(w, "  %s\n  %s\n", line, paint(hue, carets))
			}
		}
		if d.Help != "" {
			fmt.Fprintf(w, "  %s %s\n", paint(colorCyan, "help:"), Clean(d.Help))
		}
	}
	return w.Flush()
}

// lineStarts are the byte offsets at which the lines of src begin: the breaks
// are those of YAML, as positions are counted.
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

// excerpt is the source line of a span and the carets under it, both cut to
// what fits around the culprit. ok is false when the file has no such line.
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

	wide := runewidth.Condition{StrictEmojiNeutral: true} // the same on every machine, whatever its locale
	var text, under strings.Builder
	if first > 0 {
		text.WriteString("…")
		under.WriteString(" ")
	}
	shown := f.from(first)
	for i := first; i < last; i++ {
		r, n := utf8.DecodeRune(shown)
		shown = shown[n:]
		cell, width := " ", 1
		if r != '\t' {
			cell = visible(r)
			width = wide.StringWidth(cell)
		}
		text.WriteString(cell)
		mark := " "
		if i >= from && i < to {
			mark = "^"
		}
		under.WriteString(strings.Repeat(mark, width))
	}
	if last < f.width {
		text.WriteString("…")
	}
	if from >= last {
		under.WriteString("^")
	}
	return strings.TrimRight(text.String(), " "), strings.TrimRight(under.String(), " "), true
}

// source is a file's text. It remembers where in which line it was asked last:
// problems come in the order of the file, and a line can be as long as the file.
type source struct {
	text   []byte
	starts []int // of the lines

	line, width int    // the line at hand, and its characters
	rest        []byte // of it, from character col on
	col         int
}

func newSource(text []byte) *source { return &source{text: text, starts: lineStarts(text)} }

// of gives a line without its break.
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

// from is the rest of the line at hand from a character on.
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

// EndColumn is the exclusive end of a span on its first line: a span that goes
// on over further lines ends with the line, which has width characters.
func EndColumn(at Span, width int) int {
	end := at.End.Col
	if at.End.Line > at.Start.Line {
		end = width + 1
	}
	return max(end, at.Start.Col+1)
}
