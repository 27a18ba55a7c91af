package diag

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Suggest is the help line `did you mean "b"?` for a word that is not among
// the known ones, "" when none of them is near. Of equally near words the
// first counts.
func Suggest(word string, among []string) string {
	if len(word) > maxGuessed {
		return ""
	}
	best, least := "", -1
	lower := []rune(strings.ToLower(word))
	letters := lettersOf(word)
	for _, w := range among {
		// A third of the letters may differ: more, and the guess puzzles.
		size := utf8.RuneCountInString(w)
		bound := max(1, (max(len(lower), size)+1)/3)
		if least >= 0 {
			bound = min(bound, least-1)
		}
		if w == word || apart(letters, lettersOf(w), len(lower)-size) > bound {
			continue
		}
		if d := distance(lower, []rune(strings.ToLower(w))); d <= bound {
			best, least = w, d
		}
		if least == 0 {
			break
		}
	}
	if least < 0 {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// maxGuessed is the longest word that a guess is made for: nobody's slip of the
// pen is longer, and the distance costs the product of two lengths.
const maxGuessed = 256

// lettersOf is the set of a word's ASCII letters, whatever their case, and
// digits and signs: a bit for each.
func lettersOf(word string) (set uint64) {
	for i := range len(word) {
		b := word[i]
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b < utf8.RuneSelf {
			set |= 1 << (b & 63)
		}
	}
	return set
}

// apart is how much two words differ at least: a letter that only one of them
// has is a slip, and so is each letter that one of them is longer. It spares
// most of the words of a long list the distance.
func apart(a, b uint64, longer int) int {
	return max(bits.OnesCount64(a&^b), bits.OnesCount64(b&^a), longer, -longer)
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
