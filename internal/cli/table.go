package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"github.com/graphrun/graphrun/diag"
)

// heldRows is how many rows a table looks at before it prints the first.
const heldRows = 500

// table writes rows in aligned columns as they come. Its columns are as wide as
// the widest cell of the first rows, and grow when a later one is wider: so it
// needs no memory for all of them.
type table struct {
	w      io.Writer
	widths []int
	held   [][]string
	fit    int // columns that a row may have; 0 means any number
}

// row adds a row. Every cell becomes one line that is safe on a terminal.
func (t *table) row(cells ...any) {
	line := make([]string, len(cells))
	for i, c := range cells {
		line[i] = diag.Clean(fmt.Sprint(c))
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		if i < len(cells)-1 { // nothing follows the last one
			t.widths[i] = max(t.widths[i], runewidth.StringWidth(line[i]))
		}
	}
	if t.held = append(t.held, line); len(t.held) == heldRows {
		t.print()
	}
}

// print writes the rows that are held. What cannot be written is noted by the
// writer.
func (t *table) print() {
	for _, line := range t.held {
		var b strings.Builder
		at := 0
		for i, cell := range line {
			if i == len(line)-1 {
				b.WriteString(t.cut(cell, at))
				break
			}
			b.WriteString(runewidth.FillRight(cell, t.widths[i]+2))
			at += t.widths[i] + 2
		}
		_, _ = io.WriteString(t.w, strings.TrimRight(b.String(), " ")+"\n")
	}
	t.held = t.held[:0]
}

// cut shortens the last cell of a row to what is left of a terminal's line, where
// that is enough to say something.
func (t *table) cut(cell string, at int) string {
	const least = 16
	if left := t.fit - at; t.fit > 0 && left >= least {
		return runewidth.Truncate(cell, left, "…")
	}
	return cell
}

// printTable writes the rows that fill adds.
func printTable(w io.Writer, fill func(row func(cells ...any))) {
	t := &table{w: w}
	fill(t.row)
	t.print()
}

// terminalColumns is how wide the terminal is that w writes to; 0 for anything else.
func terminalColumns(w io.Writer) int {
	if d, ok := w.(*dataWriter); ok {
		w = d.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
