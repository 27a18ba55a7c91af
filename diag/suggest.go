package diag

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Suggest returns the help line `did you mean "b"?` for a word that is not in
// among, or "" if no word of among is similar. Of equally similar words it takes
// the first.
func Suggest(word string, among []string) string {
	if len(word) > maxGuessed {
		return ""
	}
	best, least := "", -1
	lower := []rune(strings.ToLower(word))
	letters := lettersOf(word)
	for _, w := range among {
		// A third of the letters may differ. With more, the guess would confuse.
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

// maxGuessed is the length of the longest word that Suggest looks at. No typo is
// longer, and the cost of the distance is the product of two lengths.
const maxGuessed = 256

// lettersOf returns the set of a word's ASCII characters, one bit each. Upper
// and lower case are the same.
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

// apart returns a lower bound of the distance of two words: each letter that only
// one of them has, and each letter by which one is longer. With it, the distance is
// not needed for most words of a long list.
func apart(a, b uint64, longer int) int {
	return max(bits.OnesCount64(a&^b), bits.OnesCount64(b&^a), longer, -longer)
}

// distance returns how many letters differ. Two adjacent letters that are swapped
// count as one, because that is one typo.
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
