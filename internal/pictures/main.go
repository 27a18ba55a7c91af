package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

func main() {
	if err := draw(os.Stdout, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// The size of a cell, and of the margin around the screen, in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 19
	margin     = 14
	fontSize   = 14
)

// style is how a piece of text looks: what is set stays until it is reset.
type style struct {
	color     int // 30 to 37 or 90 to 97; 0 for that of the terminal
	bold, dim bool
}

// class names the style in the style sheet.
func (s style) class() string {
	var names []string
	if s.color != 0 {
		names = append(names, fmt.Sprint("c", s.color%10))
	}
	if s.bold {
		names = append(names, "b")
	}
	if s.dim {
		names = append(names, "d")
	}
	return strings.Join(names, " ")
}

// run is a piece of a line in one style.
type run struct {
	style
	column int
	text   string
}

// sheet has the colors for light and dark pages. They reach a contrast of 4.5 to 1.
const sheet = `
text { font: ` + "14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" + `; white-space: pre; fill: #1f2328 }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
.b { font-weight: bold } .d { fill: #59636e }
.c1 { fill: #c4162a } .c2 { fill: #116329 } .c3 { fill: #7d4e00 } .c4 { fill: #0550ae } .c5 { fill: #8250df } .c6 { fill: #1b6f79 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect { fill: #0d1117; stroke: #3d444d } .d { fill: #9198a1 }
.c1 { fill: #ff9492 } .c2 { fill: #56d364 } .c3 { fill: #e3b341 } .c4 { fill: #79c0ff } .c5 { fill: #d2a8ff } .c6 { fill: #76e3ea }
}
`

// draw writes the screen without the empty lines at its end.
func draw(w io.Writer, r io.Reader) error {
	var lines [][]run
	var now style
	width := 0
	in := bufio.NewScanner(r)
	for in.Scan() {
		line, columns, err := parse(in.Text(), &now)
		if err != nil {
			return fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
		lines, width = append(lines, line), max(width, columns)
	}
	for n := len(lines); n > 0 && len(lines[n-1]) == 0; n-- {
		lines = lines[:n-1]
	}
	out := bufio.NewWriter(w)
	wide, high := float64(width)*cellWidth+2*margin, len(lines)*cellHeight+2*margin
	fmt.Fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%d\" viewBox=\"0 0 %.0f %d\" role=\"img\" aria-label=\"A terminal\">\n", wide, high, wide, high)
	fmt.Fprintf(out, "<style>%s</style>\n<rect x=\"0.5\" y=\"0.5\" width=\"%.0f\" height=\"%d\" rx=\"6\"/>\n", sheet, wide-1, high-1)
	for i, line := range lines {
		for _, piece := range line {
			fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%d\"", margin+float64(piece.column)*cellWidth, margin+i*cellHeight+fontSize)
			// The font of whoever looks may be wider or narrower: the columns stay where they are.
			fmt.Fprintf(out, " textLength=\"%.1f\"", float64(runewidth.StringWidth(piece.text))*cellWidth)
			if class := piece.class(); class != "" {
				fmt.Fprintf(out, " class=%q", class)
			}
			fmt.Fprint(out, ">")
			if err := xml.EscapeText(out, []byte(piece.text)); err != nil {
				return err
			}
			fmt.Fprintln(out, "</text>")
		}
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// parse takes a line apart. Only the sequences that set colors are known.
func parse(line string, now *style) (runs []run, columns int, err error) {
	for line != "" {
		if rest, ok := strings.CutPrefix(line, "\x1b["); ok {
			codes, after, found := strings.Cut(rest, "m")
			if !found {
				return nil, 0, fmt.Errorf("a sequence that sets no color: %q", line)
			}
			if err := now.set(codes); err != nil {
				return nil, 0, err
			}
			line = after
			continue
		}
		end := strings.IndexByte(line, '\x1b')
		if end < 0 {
			end = len(line)
		}
		text := line[:end]
		line = line[end:]
		at := columns
		columns += runewidth.StringWidth(text)
		at += len(text) - len(strings.TrimLeft(text, " "))
		if text = strings.Trim(text, " "); text != "" {
			runs = append(runs, run{*now, at, text})
		}
	}
	if n := len(runs); n > 0 {
		columns = runs[n-1].column + runewidth.StringWidth(runs[n-1].text)
	} else {
		columns = 0
	}
	return runs, columns, nil
}

// set applies the codes of one sequence.
func (s *style) set(codes string) error {
	for text := range strings.SplitSeq(codes, ";") {
		code, err := strconv.Atoi("0" + text)
		switch {
		case err != nil:
			return fmt.Errorf("the code %q", text)
		case code == 0:
			*s = style{}
		case code == 1:
			s.bold = true
		case code == 2:
			s.dim = true
		case code == 22:
			s.bold, s.dim = false, false
		case code == 39:
			s.color = 0
		case code >= 30 && code <= 37, code >= 90 && code <= 97:
			s.color = code
		case slices.Contains([]int{3, 4, 7, 23, 24, 27, 49}, code): // not drawn
		default:
			return fmt.Errorf("the code %d", code)
		}
	}
	return nil
}
