package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/graph/value"
)

// dataWriter is standard output. It remembers the first write that failed: what
// is printed line by line is not asked for each line.
type dataWriter struct {
	w   io.Writer
	err error
}

func (d *dataWriter) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if d.err == nil {
		d.err = err
	}
	return n, err
}

// check is how the program ends: data that did not arrive is a failing write,
// whatever else went well.
func (d *dataWriter) check(failure error) error {
	if d.err == nil || codeOf(failure) == exitStore {
		return failure
	}
	return &exitError{exitStore, fmt.Errorf("cannot write the output: %w", d.err)}
}

// rawJSON writes a state value exactly: integers whole, keys sorted.
type rawJSON struct{ v any }

func (r rawJSON) MarshalJSON() ([]byte, error) { return value.Append(nil, r.v), nil }

// printJSON writes one value as one line of JSON.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// table writes rows of tab-separated cells in aligned columns.
func table(w io.Writer, rows func(row func(cells ...any))) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(tw, "\t")
			}
			fmt.Fprint(tw, c)
		}
		fmt.Fprintln(tw)
	})
	return tw.Flush()
}

// longTable is table for more rows than may be held: it writes them in blocks, and
// its columns only grow.
type longTable struct {
	out    io.Writer
	widths []int
	block  [][]string
}

// tableBlock is how many rows are held before they are written.
const tableBlock = 512

func (t *longTable) row(cells ...any) error {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = fmt.Sprint(c)
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(texts[i]))
	}
	if t.block = append(t.block, texts); len(t.block) < tableBlock {
		return nil
	}
	return t.flush()
}

func (t *longTable) flush() error {
	var b strings.Builder
	for _, row := range t.block {
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	t.block = t.block[:0]
	_, err := io.WriteString(t.out, b.String())
	return err
}

// wrap breaks a text between its words into lines of at most width columns,
// each with the indent. A word that is longer stands alone.
func wrap(text string, width int, indent string) []string {
	var lines []string
	column := 0 // of the last line
	for _, word := range strings.Fields(text) {
		n := runewidth.StringWidth(word)
		if len(lines) > 0 && column+1+n <= width {
			lines[len(lines)-1] += " " + word
			column += 1 + n
			continue
		}
		lines = append(lines, indent+word)
		column = runewidth.StringWidth(indent) + n
	}
	return lines
}
