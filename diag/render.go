package diag

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
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
	lines := map[string][]int{}
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
			if lines[d.Span.File] == nil {
				lines[d.Span.File] = lineStarts(src)
			}
			if line, carets, ok := excerpt(src, lines[d.Span.File], d.Span); ok {
				fmt.Fprintf(w, "  %s\n  %s\n", line, paint(hue, carets))
			}
		}
		if d.Help != "" {
			fmt.Fprintf(w, "  %s %s\n", paint(colorCyan, "help:"), Clean(d.Help))
		}
	}
	return w.Flush()
}

// Clean is s without what a terminal would act on: control and formatting
// characters become their Go escapes.
func Clean(s string) string {
	if strings.IndexFunc(s, unsafe) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteString(visible(r))
	}
	return b.String()
}

// unsafe reports characters that move the cursor, hide, or turn text around.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u200c'
}

func visible(r rune) string {
	switch {
	case r == utf8.RuneError:
		return "\uFFFD"
	case r < 0x80 && unsafe(r):
		return fmt.Sprintf(`\x%02x`, r)
	case unsafe(r) && r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	case unsafe(r):
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
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
		case '\n', '\u0085', '\u2028', '\u2029':
			starts = append(starts, i)
		}
	}
	return starts
}

// excerpt is the source line of a span and the carets under it, both cut to
// what fits around the culprit. ok is false when the file has no such line.
func excerpt(src []byte, starts []int, at Span) (line, carets string, ok bool) {
	if at.Start.Line > len(starts) {
		return "", "", false
	}
	end := len(src)
	if at.Start.Line < len(starts) {
		end = starts[at.Start.Line]
	}
	raw := []rune(strings.TrimRight(string(src[starts[at.Start.Line-1]:end]), "\r\n\u0085\u2028\u2029"))
	from := min(at.Start.Col-1, len(raw))
	to := min(EndColumn(at, len(raw))-1, max(len(raw), from+1))
	first := 0
	if len(raw) > maxShown {
		first = max(0, min(from-maxShown/3, len(raw)-maxShown))
	}
	last := min(len(raw), first+maxShown)

	wide := runewidth.Condition{StrictEmojiNeutral: true} // the same on every machine, whatever its locale
	var text, under strings.Builder
	if first > 0 {
		text.WriteString("…")
		under.WriteString(" ")
	}
	for i := first; i < last; i++ {
		cell, width := " ", 1
		if raw[i] != '\t' {
			cell = visible(raw[i])
			width = wide.StringWidth(cell)
		}
		text.WriteString(cell)
		mark := " "
		if i >= from && i < to {
			mark = "^"
		}
		under.WriteString(strings.Repeat(mark, width))
	}
	if last < len(raw) {
		text.WriteString("…")
	}
	if from >= last {
		under.WriteString("^")
	}
	return strings.TrimRight(text.String(), " "), strings.TrimRight(under.String(), " "), true
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
