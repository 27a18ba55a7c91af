package diag_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/graphrun/graphrun/diag"
)

// Parts of a text stand where they stand in the file, however it was cut.
func TestCuts(t *testing.T) {
	t.Parallel()
	span := diag.Span{File: "f.yaml", Start: diag.Pos{Line: 1, Col: 4}, End: diag.Pos{Line: 3, Col: 6}}
	text := diag.Mapped("é ab\ncd ef", span, []diag.Run{{N: 0, At: diag.Pos{Line: 2, Col: 3}}, {N: 5, At: diag.Pos{Line: 3, Col: 3}}})
	parts := text.Cuts(diag.Range{From: 3, To: 5}, diag.Range{From: 6, To: 8}, diag.Range{From: 9, To: 11})
	var got []string
	for _, p := range append(parts, parts[2].Cut(1, 2)) {
		got = append(got, p.Value+" "+p.Span.String()+" "+p.Sub(len(p.Value), len(p.Value)).String())
	}
	want := []string{"ab f.yaml:2:5 f.yaml:2:7", "cd f.yaml:3:3 f.yaml:3:5", "ef f.yaml:3:6 f.yaml:3:8", "f f.yaml:3:7 f.yaml:3:8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	whole := diag.Whole("abc", span)
	if got := whole.Cut(1, 2).Span.Start; got != span.Start {
		t.Errorf("a part of a whole stands at %v, want %v", got, span.Start)
	}
	if got := whole.Sub(0, 3); got != span {
		t.Errorf("all of a whole stands at %v, want %v", got, span)
	}
	if got := diag.Plain("abc").Cut(1, 2); got.Value != "b" || !got.Span.IsZero() {
		t.Errorf("a part of a text without a place: %q at %v", got.Value, got.Span)
	}
}

// Problems of one long line find their places in whatever order they come.
func TestRenderALineTwice(t *testing.T) {
	t.Parallel()
	src := strings.Repeat("é", 200) + "one" + strings.Repeat("x", 200) + "two" + strings.Repeat("y", 200)
	var list diag.List
	for _, col := range []int{201, 404, 201} {
		list.Add(diag.WrongType, at(1, col, col+3), "", "bad")
	}
	var out bytes.Buffer
	if err := diag.Render(&out, list, map[string][]byte{"f.yaml": []byte(src)}, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	lines := strings.Split(out.String(), "\n")
	for i := 1; i+1 < len(lines); i += 3 {
		from := strings.IndexByte(lines[i+1], '^')
		got = append(got, string([]rune(lines[i])[from:from+3]))
	}
	if diff := cmp.Diff([]string{"one", "two", "one"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestOffset: Offset is the opposite of At, in texts over several lines and parts of them too.
func TestOffset(t *testing.T) {
	t.Parallel()
	span := diag.Span{File: "f", Start: diag.Pos{3, 5}, End: diag.Pos{4, 9}}
	whole := diag.Mapped("ab ücd", span, []diag.Run{{0, diag.Pos{3, 6}}, {2, diag.Pos{3, 8}}, {3, diag.Pos{4, 3}}})
	for name, text := range map[string]diag.Text{"whole": whole, "part": whole.Cut(3, 6), "end": whole.Cut(7, 7)} {
		for off := range text.Value + "." {
			if got, ok := text.Offset(text.At(off)); !ok || got != off {
				t.Errorf("%s: byte %d stands at %v, and byte %d, %v there", name, off, text.At(off), got, ok)
			}
		}
	}
	for _, p := range []diag.Pos{{3, 5}, {4, 2}, {4, 7}, {5, 3}} {
		if off, ok := whole.Offset(p); ok {
			t.Errorf("%v is byte %d", p, off)
		}
	}
	if _, ok := diag.Whole("abc", span).Offset(span.Start); ok {
		t.Error("a text without places of its own has one")
	}
}
