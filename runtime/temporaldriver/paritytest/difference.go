package paritytest

import (
	"fmt"
	"strings"
)

// How much of a difference is shown: lines before it, lines of it, and bytes of a line.
const (
	shownBefore = 4
	shownLines  = 12
	shownBytes  = 700
)

// diffLines shows where two lists of lines differ: what follows the lines that they begin with,
// and comes before those that they end with.
func diffLines(a, b []string) string {
	begin := 0
	for begin < len(a) && begin < len(b) && a[begin] == b[begin] {
		begin++
	}
	if begin == len(a) && begin == len(b) {
		return ""
	}
	end := 0
	for end < len(a)-begin && end < len(b)-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out strings.Builder
	show := func(mark string, lines []string) {
		for i, l := range lines {
			if i == shownLines {
				fmt.Fprintf(&out, "%s … and %d more\n", mark, len(lines)-i)
				return
			}
			if len(l) > shownBytes {
				l = l[:shownBytes] + "…"
			}
			out.WriteString(mark + " " + l + "\n")
		}
	}
	show(" ", a[max(0, begin-shownBefore):begin])
	show("-", a[begin:len(a)-end])
	show("+", b[begin:len(b)-end])
	return out.String()
}
