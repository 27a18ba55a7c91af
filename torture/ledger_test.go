package torture

import "strings"

// A ledger is a file that processes append to, and that outlives them. A kill may cut a
// write off where a page ends, so an entry has a line end before it and a sign at its end.

// entry is what a ledger is given in one write.
func entry(words ...string) string { return "\n" + strings.Join(words, " ") + " .\n" }

// entries are the whole entries of a ledger, split into words.
func entries(text string) (all [][]string) {
	for line := range strings.Lines(text) {
		if whole, ok := strings.CutSuffix(line, " .\n"); ok {
			all = append(all, strings.Fields(whole))
		}
	}
	return all
}
