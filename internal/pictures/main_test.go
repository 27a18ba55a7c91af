package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDraw(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	screen := "$ run <x> & y\n  \x1b[32m✓\x1b[39m plan  \x1b[1;31mfailed\x1b[0m  \n\x1b[2mdim\n\x1b[0m\n\n"
	if err := draw(&out, strings.NewReader(screen)); err != nil {
		t.Fatal(err)
	}
	type text struct{ X, Y, Class, Text string }
	var got []text
	dec := xml.NewDecoder(strings.NewReader(out.String()))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "text" {
			continue
		}
		var one text
		for _, a := range start.Attr {
			switch a.Name.Local {
			case "x":
				one.X = a.Value
			case "y":
				one.Y = a.Value
			case "class":
				one.Class = a.Value
			}
		}
		if err := dec.DecodeElement(&one.Text, &start); err != nil {
			t.Fatal(err)
		}
		got = append(got, one)
	}
	want := []text{
		{"14.0", "28", "", "$ run <x> & y"},
		{"30.8", "47", "c2", "✓"},
		{"47.6", "47", "", "plan"},
		{"98.0", "47", "c1 b", "failed"},
		{"14.0", "66", "d", "dim"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, bad := range []string{"\x1b[2J", "\x1b[38;5;1mx", "\x1b[xm"} {
		if err := draw(io.Discard, strings.NewReader(bad)); err == nil {
			t.Errorf("%q was drawn", bad)
		}
	}
}
