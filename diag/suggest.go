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
		d := distance([]rune(strings.ToLower(word)), []rune(strings.ToLower(w)))
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

// distance is how many letters differ; two neighbours that changed places count
// as one, since that is one slip of the hand.
func distance(a, b []rune) int {
	if len(a) == len(b) {
		i := 0
		for i < len(a) && a[i] == b[i] {
			i++
		}
		if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && string(a[i+2:]) == string(b[i+2:]) {
			return 1
		}
	}
	return levenshtein.ComputeDistance(string(a), string(b))
}
