package graph

import (
	"strconv"
	"strings"
)

// listed returns a help line with the names that exist, as in `known: "a", "b"`.
func listed(what string, names []string) string {
	const shown = 12
	if len(names) == 0 {
		return "there is no " + what
	}
	var b strings.Builder
	b.WriteString("known: ")
	for i, n := range names {
		if i == shown {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(n))
	}
	return b.String()
}

// isName reports whether s is [A-Za-z_][A-Za-z0-9_]*. With dash, - is allowed after
// the first character.
func isName(s string, dash bool) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b == '_', 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z':
		case i > 0 && '0' <= b && b <= '9':
		case i > 0 && dash && b == '-':
		default:
			return false
		}
	}
	return s != ""
}

// isGraphName reports whether s is [a-z][a-z0-9_-]*.
func isGraphName(s string) bool {
	return isName(s, true) && s[0] != '_' && s == strings.ToLower(s)
}
