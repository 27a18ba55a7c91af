package diag

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Suggest is the help line `did you mean "b"?` for a word that is not among
// the known ones, "" when none of them is near. Of equally near words the
// first counts.
func Suggest(word string, among []string) string {
	best, least := "", -1
	for _, w := range among {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(w))
		// A third of the letters may differ: more, and the guess puzzles.
		near := max(1, (max(utf8.RuneCountInString(word), utf8.RuneCountInString(w))+1)/3)
		if d <= near && w != word && (least < 0 || d < least) {
			best, least = w, d
		}
	}
	if least < 0 {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}
