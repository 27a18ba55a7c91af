package diag

import (
	"bufio"
	"fmt"
	"io"
)

// Options of Render.
type Options struct {
	Color bool // ANSI colours; set it if the output is a terminal
}

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
// without its line. Text from files is cleaned as Clean does it, and the
// message, the help and the excerpt of one problem have at most 2 KiB together.
func Render(out io.Writer, list List, sources map[string][]byte, opts Options) error {
	w := bufio.NewWriter(out)
	files := map[string]*source{}
	for _, d := range list {
		d = d.clean()
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
		place := Shorten(Clean(Shorten(d.Span.String(), maxPlace)), maxPlace)
		if place != "" {
			place = paint(colorBold, place+":") + " "
		}
		code := ""
		if d.Code != "" { // what fails while it runs has none
			code = fmt.Sprintf(" [%s]", d.Code)
		}
		fmt.Fprintf(w, "%s%s %s%s\n", place, paint(hue, d.Severity.String()+":"), d.Message, code)
		if src := sources[d.Span.File]; src != nil && !d.Span.IsZero() {
			if files[d.Span.File] == nil {
				files[d.Span.File] = newSource(src)
			}
			if line, carets, ok := files[d.Span.File].excerpt(d.Span); ok {
				fmt.Fprintf(w, "  %s\n  %s\n", line, paint(hue, carets))
			}
		}
		if d.Help != "" {
			fmt.Fprintf(w, "  %s %s\n", paint(colorCyan, "help:"), d.Help)
		}
	}
	return w.Flush()
}
