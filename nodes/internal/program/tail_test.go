package program

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTail(t *testing.T) {
	t.Parallel()
	hide := func(s string) string { return strings.ReplaceAll(s, "<secret>", "***") }
	long := strings.Repeat("x", 3*margin)
	for _, tt := range []struct {
		mask func(string) string
		in   []string
		want string
	}{
		{nil, []string{"ab", "c\n", " "}, "abc"},
		{nil, []string{"abc\n", "defgh", "ij\nklm"}, "klm"},
		{nil, []string{long, "abcdefgh"}, "abcdefgh"},
		{nil, []string{long + "\n", long, "é1234567"}, "1234567"},
		{hide, []string{long, "<sec", "ret>1234"}, "1234"},
		{hide, []string{long, "<secret>"}, "<secret>"},
		{hide, []string{"<secret>", "<secret>", "12"}, "12"},
	} {
		l := &Tail{Max: 8, Mask: tt.mask}
		for _, piece := range tt.in {
			if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Errorf("Write(%q) = %d, %v", piece, n, err)
			}
		}
		if got := l.String(); got != tt.want {
			t.Errorf("%.30q: %q, want %q", tt.in, got, tt.want)
		}
		if len(l.kept) > l.Max+margin {
			t.Errorf("%.30q: %d bytes are kept", tt.in, len(l.kept))
		}
	}
}

// TestLinesAreNotCutWithinASecret: half of one would not be masked.
func TestLinesAreNotCutWithinASecret(t *testing.T) {
	t.Parallel()
	var lines []string
	l := &Tail{Max: 8,
		Mask: func(s string) string { return strings.ReplaceAll(s, "<secret>", "***") },
		Log:  func(line string) { lines = append(lines, line) },
	}
	fmt.Fprint(l, "short\n12345<sec", "ret>6789\n", strings.Repeat("y", 2*margin), "\nno end")
	l.Flush()
	l.Flush()
	if diff := cmp.Diff([]string{"short", "12345", "yyyyyyyy", "no end"}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
