package diag

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ShellWord is a word as a shell reads it, for a command that people copy. What a terminal acts
// on is written in the form $'…', which POSIX shells know since 2024, and bash, zsh and ksh for
// long.
func ShellWord(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,", r)
	}
	switch {
	case word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0:
		return word
	case Clean(word) == word:
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for len(word) > 0 {
		_, n := utf8.DecodeRuneInString(word)
		switch char := word[:n]; {
		case char == "'" || char == `\`:
			b.WriteString(`\` + char)
		case Clean(char) == char:
			b.WriteString(char)
		default:
			for _, c := range []byte(char) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		word = word[n:]
	}
	return b.String() + "'"
}
