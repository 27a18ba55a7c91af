package dsl

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/graphrun/graphrun/diag"
)

// TestMisfits wants the place of what makes a text no YAML, which yaml.v3 does
// not know.
func TestMisfits(t *testing.T) {
	t.Parallel()
	const (
		behind   = "the value has ended, and something else follows"
		colon    = `": " begins a mapping where none can stand`
		cannot   = "this character cannot begin a value"
		neither  = "the line fits neither the mapping nor the list that it stands in"
		noKey    = `expected ": " after a key`
		notQuote = "a quoted text is not closed"
	)
	for _, tt := range []struct{ name, src, at, message string }{
		{"text behind quotes", "a:\n  when: \"x\" == y\nb: 1\n", "f:2:13", behind},
		{"an apostrophe", "a: 'it's'\nb: 1\n", "f:1:8", behind},
		{"a list in front", "a:\n  when: [\"a\"] == x\nb: 1\n", "f:2:15", behind},
		{"text behind an anchor's sign", "a: \"x\" && y\nb: 1\n", "f:1:8", behind},
		{"no comma", "a: {b: {c: 1} d: 2}\n", "f:1:15", behind},
		{"a bracket too many", "a: {b: 1}}\nb: 1\n", "f:1:10", `"}" closes nothing here`},
		{"another bracket", "a: [{b: 1]\nb: 1\n", "f:1:10", `"]" closes nothing here`},
		{"a bracket alone", "a: {b: ]}\n", "f:1:8", `"]" closes nothing here`},
		{"an open bracket", "a:\n  b: {c: 1\nd: {e: 2}\n", "f:2:6", `"{" is not closed`},
		{"an open bracket in a list", "a:\n  - {to: b\n  - {to: c}\n", "f:2:5", `"{" is not closed`},
		{"an open bracket at the end", "a: [1, 2\n", "f:1:4", `"[" is not closed`},
		{"an index", "a: {b: x[0] == 1}\n", "f:1:9", `"[" ends a value within { }`},
		{"a template", "a: {b: ${{ x }}}\n", "f:1:8", "${{ }} within { } must be quoted"},
		{"a mapping in a value", "a: {b: c: d}\n", "f:1:9", colon},
		{"a mapping on one line", "a: b: c\n", "f:1:5", colon},
		{"a mapping below a text", "a: b\n  c: d\n", "f:2:4", colon},
		{"back to no column", "a:\n    b: 1\n  c: 2\nd: 3\n", "f:3:3", neither},
		{"back to no column, later", "a:\n  b:\n    c: 1\n   d: 2\ne: 3\n", "f:4:4", neither},
		{"deeper than a list", "a:\n- {b: 1}\n - {c: 1}\nd: 1\n", "f:3:2", "the line is indented deeper than those before it"},
		{"a key in a list", "a:\n  - b\n  c: 1\nd: 1\n", "f:3:3", `expected "- " as in the lines before`},
		{"a dash in a mapping", "a:\n  b: 1\n  - c\nd: 1\n", "f:3:3", `"- " begins an entry of a list, and this is a mapping`},
		{"a list on its key's line", "a: - b\n   - c\n", "f:1:4", "a list cannot begin here"},
		{"no colon", "a:\n  b: 1\n  c\nd: 1\n", "f:3:3", noKey},
		{"a block that goes back", "a: |\n  b\nc\nd: 1\n", "f:3:1", noKey},
		{"a character", "a: 1\nb: @x\n", "f:2:4", cannot},
		{"a character in braces", "a: {b: >\n x}\n", "f:1:8", cannot},
		{"open quotes", "a: 1\nb: \"x\nc: 2\n", "f:2:4", notQuote},
		{"another YAML", "%YAML 2.0\n---\na: 1\n", "f:1:7", "the file is in another version of YAML, expected 1.2"},
		{"a tab", "a:\n\tb: 1\n", "f:2:1", "a tab cannot indent"},
		{"behind texts of all styles", "a: |\n  x: [\n\nb: >-\n  'y\nc: 'it''s'\nd: \"\\\" {\"\ne: [a, 'b]', {c: \"d}\"}] # {\nf: x # '\ng: {h: 1\n", "f:10:4", `"{" is not closed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := readYAML("f", []byte(tt.src))
			if len(d.diags) != 1 || d.diags[0].Span.String() != tt.at || d.diags[0].Message != tt.message {
				t.Errorf("got %v\nwant %s: %s", d.diags, tt.at, tt.message)
			}
		})
	}
}

// In a text that is YAML there is no misfit.
func TestNothingToStumbleOver(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"testdata/*/*.yaml", "../graphs/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := readYAML(file, src)
			if slices.ContainsFunc(d.diags, func(p diag.Diagnostic) bool { return p.Code == diag.YAMLSyntax }) || len(d.covered) > 0 {
				continue
			}
			if at, message, _, found := d.misfit(); found {
				t.Errorf("%s: %s", at, message)
			}
		}
	}
}
