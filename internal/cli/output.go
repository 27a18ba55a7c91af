package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/graphrun/graphrun/diag"
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
	b, err := marshal(v)
	if err != nil {
		return err
	}
	return a.writeJSON(append(b, '\n'))
}

// writeJSON writes JSON to standard output, escaped where a terminal would act on
// it: the values are the same.
func (a *app) writeJSON(b []byte) error {
	_, err := a.out.Write(diag.CleanJSON(b))
	return err
}

// marshal is json.Marshal, with < > & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// printText writes text for people. Whatever it contains is safe on a terminal:
// control characters but line feeds and tabs are shown escaped. A write that fails
// is no error here: standard output notes it, and standard error has no other.
func printText(w io.Writer, format string, args ...any) {
	_, _ = io.WriteString(w, diag.CleanLines(fmt.Sprintf(format, args...)))
}

// printf is printText to standard output.
func (a *app) printf(format string, args ...any) { printText(a.out, format, args...) }

// text is standard output for text of others: whatever it contains is safe on a terminal.
func (a *app) text() io.Writer { return cleanWriter{a.out} }

// cleanWriter writes text as printText does. Each write has whole lines.
type cleanWriter struct{ w io.Writer }

func (c cleanWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(c.w, diag.CleanLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// notef is printText to standard error.
func (a *app) notef(format string, args ...any) { printText(a.err, format, args...) }

// wrap breaks a text between its words into lines of at most width columns,
// each with the indent. A word that is longer stands alone; one with wide characters is
// broken between those, as their scripts have no spaces.
func wrap(text string, width int, indent string) []string {
	var lines []string
	column := 0 // of the last line
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		word := words[i]
		n := runewidth.StringWidth(word)
		if room := width - len(indent); n > max(room, 2) && n > utf8.RuneCountInString(word) {
			head := runewidth.Truncate(word, max(room, 2), "")
			if head != "" && head != word {
				words[i] = word[len(head):]
				i--
				word, n = head, runewidth.StringWidth(head)
			}
		}
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
