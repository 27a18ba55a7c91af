package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
)

// itself is how this program is called so that it reaches the same store from the same folder.
type itself struct{ db string }

func (a *app) itself() itself { return itself{a.db} }

// answer is the command that answers a question, of a call if there is one. It can be copied
// into a shell as it stands.
func (i itself) answer(stack, node, item, call string) string {
	s := "graphrun approve " + quoted(stack) + " " + quoted(node)
	if call != "" {
		s += " --call " + quoted(call)
	}
	if item != "" {
		s += " --item " + quoted(item)
	}
	return s + i.store()
}

// retry is the command that continues a stack that has ended.
func (i itself) retry(stack string) string { return "graphrun retry " + quoted(stack) + i.store() }

// store are the words that name the store, as they continue a command.
func (i itself) store() string {
	if i.db == "" || i.db == defaultDB {
		return ""
	}
	return " --db " + quoted(i.db)
}

// quoted is a word as a shell reads it. What a terminal acts on is written in the form $'…',
// which POSIX shells know since 2024, and bash, zsh and ksh for long.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,", r)
	}
	switch {
	case word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0:
		return word
	case diag.Clean(word) == word:
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for len(word) > 0 {
		_, n := utf8.DecodeRuneInString(word)
		switch char := word[:n]; {
		case char == "'" || char == `\`:
			b.WriteString(`\` + char)
		case diag.Clean(char) == char:
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
