package memory

import (
	"unicode"
	"unicode/utf8"
)

// words calls word for the words of a text, for a search or for its index. word must not
// keep what it gets.
//
// A word is a run of letters and digits of any script, with the marks on them, in lower
// case as by simple case folding, and "ss" for "ß". Texts are compared as they are coded:
// a letter with its accent as one character is not one with two.
//
// Scripts that put no spaces between words (Chinese, Japanese, Korean, Thai, Lao, Khmer,
// Myanmar) give every pair of neighbours. A character of them gives itself too: in an
// index always, so that a query of one character finds it, and in a query when it stands
// alone. Such a character beside its pairs does not count in the length of a text.
func words(text string, index bool, word func(w []byte, counts bool)) {
	var run []byte  // the word, or the last character of a run without spaces
	var run2 []byte // the pair
	pieces, dense := 0, false
	end := func() {
		switch {
		case len(run) == 0:
		case !dense:
			word(run, true)
		case pieces == 1:
			word(run, true)
		case index:
			word(run, false)
		}
		run, pieces = run[:0], 0
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		switch kind := kindOf(r); kind {
		case other:
			end()
		case mark:
			if len(run) > 0 {
				run = utf8.AppendRune(run, r)
			}
		case letter:
			if dense {
				end()
			}
			dense = false
			run = appendFolded(run, r)
		case ideograph:
			if !dense {
				end()
			}
			dense = true
			if pieces > 0 {
				run2 = utf8.AppendRune(append(run2[:0], run...), r)
				word(run2, true)
				if index {
					word(run, false)
				}
			}
			run = appendFolded(run[:0], r)
			pieces++
		}
	}
	end()
}

type runeKind uint8

const (
	other runeKind = iota
	letter
	ideograph // a character of a script without spaces
	mark      // belongs to what is before it
)

// dense are the scripts that put no spaces between words. Korean does, but joins its
// particles to the words.
var dense = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

func kindOf(r rune) runeKind {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return letter
		}
		return other
	}
	switch {
	case unicode.IsMark(r):
		return mark
	case r == 'ー': // lengthens a vowel of Katakana, and is of no script
		return ideograph
	case !unicode.IsLetter(r) && !unicode.IsNumber(r):
		return other
	case r >= 0x0E00 && unicode.In(r, dense...):
		return ideograph
	}
	return letter
}

// appendFolded appends a letter without its case.
func appendFolded(b []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(b, byte(r))
	case r == 'ß' || r == 'ẞ':
		return append(b, "ss"...)
	}
	return utf8.AppendRune(b, unicode.ToLower(unicode.ToUpper(r)))
}
