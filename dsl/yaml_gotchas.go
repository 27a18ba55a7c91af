package dsl

import (
	"strings"
	"unicode/utf8"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/internal/late"
)

// The gotchas are places where YAML reads a part of an expression as syntax of
// its own. The value is marked as broken, so that no further problems are reported
// for it.

// reportTag reports `when: !state.done`, which YAML reads as a tag.
func reportTag(diags *diag.List, at diag.Span, tag string) {
	help := "put the value in quotes"
	switch name := strings.TrimPrefix(tag, "!"); {
	case pathText().MatchString(name):
		help = `in an expression, write "not ` + name + `"; else put the value in quotes`
	case !strings.HasPrefix(name, "!"):
		help = `in an expression, write "not" in place of "!"; else put the value in quotes`
	}
	diags.Add(diag.YAMLTag, at, help, "%q was taken for a YAML tag", tag)
}

// rejoin reports `{to: a, when: any(state.x, .y)}`, which YAML reads as the three
// entries to, when and ".y)", and drops those that are no entries.
func (r *reader) rejoin(entries []entry) []entry {
	kept := entries[:0]
	for i := 0; i < len(entries); i++ {
		e := entries[i]
		kept = append(kept, e)
		if !e.plainValue || balanced(e.value.Text.Value) {
			continue
		}
		if text, more := whole(e.value.Text.Value, entries[i+1:]); more > 0 {
			r.diags.Add(diag.YAMLComma, r.char(e.value.Span.End), "put the value in quotes: \""+strings.ReplaceAll(text, `"`, `\"`)+"\"",
				"a comma in { } ends the value of %q", e.key.Text.Value)
			r.broken[e.value] = true
			i += more
		}
	}
	return kept
}

// maxJoined is how many bytes whole searches for the end of a value: the length
// that an expression may have.
const maxJoined = 4 << 10

// whole joins the beginning of a value and the entries after it, until all its
// brackets are closed. more is how many entries it took, 0 if the brackets are
// never closed.
func whole(text string, tail []entry) (joined string, more int) {
	var ends []int
	for _, e := range tail {
		if len(text) > maxJoined || isCollection(e.key) || isCollection(e.value) {
			break
		}
		text += ", " + e.key.Text.Value
		if e.value.Kind != tree.Null {
			text += ": " + e.value.Text.Value
		}
		ends = append(ends, len(text))
	}
	n := closedAt(text, ends)
	if n < 0 {
		return "", 0
	}
	return text[:ends[n]], n + 1
}

// closedAt returns the index of the first end at which every bracket and quote of
// the text before it is closed, -1 if there is no such end.
func closedAt(text string, ends []int) int {
	depth, at := 0, 0
	for n, end := range ends {
		for at < end {
			switch b := text[at]; b {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth = max(depth-1, 0)
			case '"', '\'', '`':
				at = stringEnd(text, at)
			}
			at++
		}
		if depth == 0 && at == end {
			return n
		}
	}
	return -1
}

// stringEnd returns where the string that begins at from ends: the offset of its
// closing quote, or the end of the text.
func stringEnd(text string, from int) int {
	end := from + 1
	for end < len(text) && text[end] != text[from] {
		if text[end] == '\\' && text[from] != '`' {
			end++
		}
		end++
	}
	return end
}

func isCollection(n *tree.Node) bool { return n.Kind == tree.List || n.Kind == tree.Map }

// balanced reports whether every bracket and quote of an expression is closed.
func balanced(s string) bool { return len(openBrackets(s)) == 0 }

// openBrackets returns the brackets that are open at the end of s, and a quote at
// last if s ends within a string.
func openBrackets(s string) []byte {
	var open []byte
	for i := 0; i < len(s); i++ {
		switch b := s[i]; b {
		case '(', '[', '{':
			open = append(open, b)
		case ')', ']', '}':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case '"', '\'', '`':
			end := stringEnd(s, i)
			if end >= len(s) {
				if b == '\'' && i > 0 && isWord(s[i-1]) {
					continue // an apostrophe
				}
				return append(open, b)
			}
			i = end
		}
	}
	return open
}

func isWord(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= utf8.RuneSelf
}

var (
	pathText = late.Regexp(`^[A-Za-z_][\w.?]*$`)
	// unfinished is the end of a text that cannot be the end of an expression.
	unfinished = late.Regexp(`(^|[-+*/%^<>=!&|?:,.]|(^|\W)(and|or|not|in|contains|matches|startsWith|endsWith))$`)
	// element is how expr names the element of a predicate.
	element = late.Regexp(`^#(acc|index)?([.\[)\],]|\s*$|\s*[-+*/%<>=!&|?]|\s+(and|or|in)\b)`)
)

// commentCut finds the comment that cut the expression in a plain scalar off:
// `when: any(state.x, # > 3)`. ok is false if there is no comment, or if the
// expression is complete without it.
func (d *document) commentCut(n *tree.Node) (at diag.Span, ok bool) {
	c, ok := d.comments[n]
	if !ok {
		return c.at, false
	}
	text := strings.TrimSpace(n.Text.Value)
	joined := element().MatchString(c.text) // and not an ordinary comment
	cut := !balanced(text) || unfinished().MatchString(text) && (text != "" || joined) ||
		strings.HasPrefix(text, ".") && joined
	return c.at, cut
}
