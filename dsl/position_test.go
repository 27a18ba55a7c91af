package dsl

import (
	"strings"
	"testing"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// TestPlaces holds the place of single characters of decoded scalars against
// the source: mark is searched in the decoded value, and must stand at line:col.
func TestPlaces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, mark string
		line, col       int
	}{
		{"plain", "a: len(x) > 0", ">", 1, 11},
		{"plain behind an anchor", "a: &v len(x) > 0", ">", 1, 14},
		{"plain behind a tag", "a: !!str len(x) > 0", ">", 1, 17},
		{"plain over lines", "a: len(x)\n   > 0", ">", 2, 4},
		{"plain with an empty line", "a: len(x)\n\n  > 0", ">", 3, 3},
		{"wide characters", "a: 'größe → x > 0'", ">", 1, 15},
		{"single quotes", "a: 'it''s > 0'", ">", 1, 11},
		{"single quotes over lines", "a: 'x\n  y > 0'", ">", 2, 5},
		{"double quotes", `a: "x > 0"`, ">", 1, 7},
		{"escapes", `a: "\t\u00e9\x41 > 0"`, ">", 1, 18},
		{"escaped quotes", `a: "x == \"b\" > 0"`, ">", 1, 16},
		{"escaped line break", "a: \"x \\\n   > 0\"", ">", 2, 4},
		{"double quotes folded", "a: \"x\n\n   > 0\"", ">", 3, 4},
		{"literal block", "a: |\n  x\n  y > 0\n", ">", 3, 5},
		{"literal block with a deeper line", "a: |\n  x\n    y > 0\n", ">", 3, 7},
		{"literal block with indentation indicator", "a: |2-\n    x > 0\n", ">", 2, 7},
		{"literal block with an empty line first", "a: |\n\n  x > 0\n", ">", 3, 5},
		{"folded block", "a: >-\n  x\n  y > 0\n\n", ">", 3, 5},
		{"folded block with paragraphs", "a: >+\n  x\n\n  y > 0\n\n", ">", 4, 5},
		{"folded block with a deeper line", "a: >\n  x\n    y\n  z > 0\n", ">", 4, 5},
		{"block in a list", "a:\n- |\n x > 0\n", ">", 3, 4},
		{"CR LF", "a: |\r\n  x\r\n  y > 0\r\n", ">", 3, 5},
		{"flow", "{a: x, b: [y, z > 0]}", ">", 1, 17},
		{"question mark in braces", "{a: string?, b: x?.y ?? 1 > 0}", ">", 1, 27},
		{"key", "a:\n  b>c: 1", ">", 2, 4},
		{"version of YAML", "%YAML 1.2\n---\na: x > 0", ">", 3, 6},
		{"byte order mark", "\uFEFFa: x > 0", ">", 1, 6},
		{"long block", "a: |\n" + strings.Repeat("  a line of a long prompt\n", 5000) + "  x > 0\n", ">", 5002, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := readYAML("f", []byte(tt.src))
			if len(d.diags) > 0 {
				t.Fatal(d.diags)
			}
			text, ok := find(d.root, tt.mark)
			if !ok {
				t.Fatalf("%q is not in the document", tt.mark)
			}
			got := text.At(strings.Index(text.Value, tt.mark))
			if want := (diag.Pos{Line: tt.line, Col: tt.col}); got != want {
				t.Errorf("%q of %q stands at %v, want %v", tt.mark, text.Value, got, want)
			}
		})
	}
}

// find is the first text that contains mark.
func find(n *tree.Node, mark string) (diag.Text, bool) {
	if n.Kind == tree.String && strings.Contains(n.Text.Value, mark) {
		return n.Text, true
	}
	for _, it := range n.Items {
		if t, ok := find(it, mark); ok {
			return t, true
		}
	}
	for _, f := range n.Fields {
		if strings.Contains(f.Key.Value, mark) {
			return f.Key, true
		}
		if t, ok := find(f.Value, mark); ok {
			return t, true
		}
	}
	return diag.Text{}, false
}
