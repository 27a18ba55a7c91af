package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

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
