package dsl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// NEL, LS and PS end no line: text behind them stays in the comment or the
// scalar that it stands in, and the lines of the file are counted without them.
func TestNoLineBreaks(t *testing.T) {
	t.Parallel()
	for name, sep := range map[string]string{"NEL": "\u0085", "LS": "\u2028", "PS": "\u2029"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := strings.ReplaceAll(`a: 1 # harmless@  b: 2
c: plain@text # more@b: 3
d: 'single@text'
e: "double@text"
f: |
  block@b: 4
  line
g: >-
  folded@b: 5
  line
h: [x, # in a list@b: 6
  y@z]
i: {k: v@w}
# alone@b: 7
j: last
`, "@", sep)
			d := readYAML("f", []byte(src))
			if len(d.diags) > 0 {
				t.Fatal(d.diags)
			}
			var got []string
			for _, f := range d.root.Fields {
				text := f.Value.Text.Value
				for _, it := range f.Value.Items {
					text += it.Text.Value + ";"
				}
				for _, in := range f.Value.Fields {
					text += in.Key.Value + "=" + in.Value.Text.Value
				}
				got = append(got, f.Key.Value+" "+f.Key.Span.String()+" "+strings.ReplaceAll(text, sep, "@"))
			}
			want := []string{"a f:1:1 1", "c f:2:1 plain@text", "d f:3:1 single@text", "e f:4:1 double@text",
				"f f:5:1 block@b: 4\nline\n", "g f:8:1 folded@b: 5 line", "h f:11:1 x;y@z;", "i f:13:1 k=v@w", "j f:15:1 last"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A source without a free character of private use is refused: nothing could
// stand for what yaml.v3 must not see.
func TestNoStandIn(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(firstPrivate); r <= lastPrivate; r++ {
		all.WriteRune(r)
	}
	d := readYAML("f", []byte("a: 1 # "+all.String()+"\nb: 2\n"))
	if len(d.diags) > 0 || d.root.Get("b") == nil {
		t.Errorf("without a masked character: %v", d.diags)
	}
	d = readYAML("f", []byte("a: 1 # "+all.String()+"\u2028b: 2\n"))
	if len(d.diags) != 1 || d.diags[0].Code != diag.TooLarge || d.root != nil {
		t.Errorf("with a line separator: %v", d.diags)
	}
	d = readYAML("f", []byte("a: "+all.String()[3*4:]+"?\u2028\n"))
	if len(d.diags) > 0 || d.root.Get("a").Kind != tree.String || d.root.Get("a").Text.Value != all.String()[3*4:]+"?\u2028" {
		t.Errorf("with four free characters: %v", d.diags)
	}
}
