package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable: cells are aligned by what a terminal shows of them, and cannot write
// on it.
func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	tab := &table{w: &out, fit: 35}
	tab.row("NAME", "N", "NOTE")
	tab.row("日本", 1, "a note that is longer than the terminal")
	tab.row("b", 22, "")
	tab.row("red\x1b[31m", 3, "\u202eabc\nx")
	tab.print()
	want := `NAME           N   NOTE
日本           1   a note that is …
b              22
red\u001b[31m  3   \u202eabc\nx
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestTableStreams: of many rows only some are held.
func TestTableStreams(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	tab := &table{w: &out}
	for i := range 10 * heldRows {
		tab.row(fmt.Sprint("stack-", i), "x")
		if len(tab.held) > heldRows {
			t.Fatalf("%d rows are held", len(tab.held))
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 10*heldRows {
		t.Errorf("%d rows were printed before the end, want all but the last %d", n, heldRows)
	}
}

// TestTextIsPrintedSafely: text goes to a terminal through printf, notef, printText
// or a table, which make it safe.
func TestTextIsPrintedSafely(t *testing.T) {
	t.Parallel()
	raw := regexp.MustCompile(`fmt\.Fprint\w*\((a\.out|a\.err|out|v\.w)\b`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if raw.MatchString(line) && !strings.Contains(line, "// ") {
				t.Errorf("%s:%d: %s: use printf, notef or a table", file, i+1, strings.TrimSpace(line))
			}
		}
	}
}
