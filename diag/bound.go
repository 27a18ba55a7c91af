package diag

import (
	"strings"
	"unicode/utf8"
)

// What is shown of one problem has at most 2 KiB in every format: a name of a
// megabyte or a loop of a thousand nodes is in the file, and need not be in
// the message too. The excerpt (excerpt.go) takes at most 640 bytes.
const (
	maxMessage = 1000 // bytes
	maxHelp    = 400  // bytes
	maxPlace   = 500  // bytes of FILE:LINE:COL, for people
	maxFile    = 4096 // bytes, for programs: no longer path can be opened
)

// MaxMessage is how many bytes any message for people has at most, whether a
// command prints it or the API answers with it. Shorten cuts a longer one.
const MaxMessage = 2 << 10

// Shorten returns s when it has at most limit bytes, else its beginning and
// its end with "…" between them, at most limit bytes together. It cuts no
// character apart.
func Shorten(s string, limit int) string {
	const gap = "…"
	if len(s) <= limit {
		return s
	}
	keep := max(limit-len(gap), 0)
	from, to := (keep+1)/2, len(s)-keep/2
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	for to < len(s) && !utf8.RuneStart(s[to]) {
		to++
	}
	return s[:from] + gap + s[to:]
}

// bounded shortens the message and the help, for formats that escape control
// characters themselves.
func (d Diagnostic) bounded() Diagnostic {
	d.Message, d.Help = bound(d.Message, maxMessage), bound(d.Help, maxHelp)
	return d
}

// bound shortens s to limit bytes of valid UTF-8. Replacing an invalid byte takes
// three bytes, so the result is shortened again.
func bound(s string, limit int) string {
	s = Shorten(s, limit)
	if utf8.ValidString(s) {
		return s
	}
	return Shorten(strings.ToValidUTF8(s, "\uFFFD"), limit)
}

// clean shortens and cleans the message and the help, for a terminal.
func (d Diagnostic) clean() Diagnostic {
	d = d.bounded() // an escape takes six bytes: without this, cleaning would cost six times the text
	d.Message, d.Help = Clean(d.Message), Clean(d.Help)
	return d.bounded()
}
