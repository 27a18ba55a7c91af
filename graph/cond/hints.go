package cond

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// tokenHints are words and signs of other languages, with what to write here.
var tokenHints = map[string]string{
	"=":    "comparison is written ==",
	"&":    "write && or and",
	"AND":  "write && or and",
	"And":  "write && or and",
	"OR":   "write || or or",
	"Or":   "write || or or",
	"NOT":  "write ! or not",
	"Not":  "write ! or not",
	"is":   "comparison is written ==",
	"then": "write condition ? value : other",
	"~":    "write matches for a regular expression",
	"#":    "# is the element, inside the predicate of a function such as filter; a comment is written // …",
}

// nameHints are identifiers of other languages, with what to write here.
var nameHints = map[string]string{
	"null": "null is written nil", "None": "null is written nil", "NULL": "null is written nil",
	"undefined": "null is written nil", "Null": "null is written nil",
	"True": "write true", "TRUE": "write true", "False": "write false", "FALSE": "write false",
	"yes": "write true", "no": "write false",
	"NOT": "write ! or not", "Not": "write ! or not",
	"item": "the element is written # in a predicate", "it": "the element is written # in a predicate",
	"self": "the element is written # in a predicate", "this": "the element is written # in a predicate",
	"$env": "names are written without $env",
}

// functionHints are functions of other languages, with what to write here.
var functionHints = map[string]string{
	"timezone": "write inZone(time, \"Europe/Berlin\")",
	"format":   "write sprintf(format, …), or formatTime(time, layout)",
	"now":      "write now, without parentheses: it is one instant for the whole wave",
	"size":     "write len(x)", "length": "write len(x)", "count_of": "write count(list, predicate)",
	"exists": "write any(list, predicate)", "some": "write any(list, predicate)",
	"every": "write all(list, predicate)", "forEach": "write map(list, predicate)",
	"includes": "write x in list, or text contains part", "contains": "write text contains part, or x in list",
	"startsWith": "write text startsWith part", "endsWith": "write text endsWith part",
	"matches": "write text matches pattern", "default": "write x ?? other", "coalesce": "write x ?? other",
	"str": "write string(x)", "toString": "write string(x)", "number": "write float(x)", "integer": "write int(x)",
	"parseInt": "write int(x)", "avg": "write mean(list)", "average": "write mean(list)",
	"unique": "write uniq(list)", "distinct": "write uniq(list)", "toUpperCase": "write upper(x)",
	"toLowerCase": "write lower(x)", "env": "the environment is not in scope; declare params or secrets",
}

const templateHelp = "this is an expression already: leave ${{ }} out"

// wordSyntax words an error of the parser at byte at of text.
func wordSyntax(text string, at int, message string) (worded, help string) {
	switch {
	case strings.HasPrefix(message, "unexpected token EOF"), message == "unexpected end of expression":
		return "the expression ends too early", pipeHint(text)
	case strings.HasPrefix(message, "unexpected token "):
		token := tokenText(strings.TrimPrefix(message, "unexpected token "))
		return fmt.Sprintf("unexpected %q", token), hintFor(text, at, token)
	case strings.Contains(message, "coalesce expressions (??) cannot be mixed"):
		return mixedOperators, mixedHelp
	case strings.HasPrefix(message, "invalid ") && strings.Contains(message, "invalid syntax"),
		strings.HasPrefix(message, "bad number syntax"):
		return "this is not a number", ""
	case strings.HasPrefix(message, "expected at least "):
		return missingArgument(text, at)
	case strings.HasPrefix(message, "invalid integer literal"), strings.HasPrefix(message, "invalid hex literal"),
		strings.HasPrefix(message, "invalid octal literal"), strings.HasPrefix(message, "invalid binary literal"):
		return "the integer does not fit 64 bits", ""
	case strings.HasPrefix(message, "invalid float literal"):
		return "the number is too large", ""
	case message == "literal not terminated":
		return "the string is not closed", ""
	case message == "expected name":
		return "a name is expected after the dot", ""
	case strings.HasPrefix(message, "unrecognized character"):
		return strings.Replace(message, "#U ", "", 1), hintFor(text, at, charAt(text, at))
	case strings.HasPrefix(message, "compilation failed"):
		return "the expression has too many parts", "name parts of it in `define`"
	}
	return message, ""
}

func charAt(text string, at int) string {
	for _, r := range text[min(at, len(text)):] {
		return string(r)
	}
	return ""
}

// tokenText is the text of a token in the parser's spelling: Operator("=").
func tokenText(s string) string {
	if i := strings.IndexByte(s, '('); i >= 0 && strings.HasSuffix(s, ")") {
		if t, err := strconv.Unquote(s[i+1 : len(s)-1]); err == nil {
			return t
		}
	}
	return s
}

// missingArgument words the error of a call without its predicate.
func missingArgument(text string, at int) (worded, help string) {
	name, _ := enclosingCall(text, at)
	if f := lookFunction(name); f != nil {
		return name + " needs a predicate", f.usage()
	}
	return "an argument is missing", ""
}

// hintFor is the help for an unexpected token, from the token itself or from
// what stands before it.
func hintFor(text string, at int, token string) string {
	before := text[:min(at, len(text))]
	switch {
	case token == ">" && strings.HasSuffix(before, "<"):
		return "write !="
	case token == "=" && lastWord(before) == "let":
		return "write let name = value; and then the expression"
	case token == "{" && strings.HasSuffix(before, "$"), token == "$" && strings.HasPrefix(text[len(before):], "${"):
		return templateHelp
	case token == ":" && strings.Contains(before, "{"):
		return "an object in place of a predicate begins with a key, as in {id: .id}; put any other into brackets: ({…})"
	case operatorWords[token]:
		return functionHints[token]
	case tokenHints[token] != "":
		return tokenHints[token]
	}
	if help := pipeHint(before); help != "" {
		return help
	}
	return tokenHints[lastWord(before)]
}

// pipeHint is the help for a single | before the last word of a text.
func pipeHint(text string) string {
	word := lastWord(text)
	rest := strings.TrimRightFunc(text, unicode.IsSpace)
	rest = strings.TrimRightFunc(strings.TrimSuffix(rest, word), unicode.IsSpace)
	switch {
	case !strings.HasSuffix(rest, "|") || strings.HasSuffix(rest, "||"):
		return ""
	case lookFunction(word) != nil:
		return "write " + word + "(…) behind the |"
	}
	return "write || or or; a single | passes a value to a function"
}

// lastWord is the name that a text ends with, "" when it ends with something
// else.
func lastWord(text string) string {
	text = strings.TrimRightFunc(text, unicode.IsSpace)
	return text[len(strings.TrimRightFunc(text, isNameRune)):]
}

func isNameRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// enclosingCall is the name before the innermost bracket that is open at byte
// at, and where the name begins; "" when no call is open there.
func enclosingCall(text string, at int) (name string, from int) {
	var open []int
	for i := 0; i < at && i < len(text); i++ {
		switch text[i] {
		case '"', '\'', '`':
			i = skipString(text, i)
		case '(':
			open = append(open, i)
		case ')':
			open = open[:max(len(open)-1, 0)]
		}
	}
	if len(open) == 0 {
		return "", 0
	}
	end := open[len(open)-1]
	from = len(strings.TrimRightFunc(text[:end], isNameRune))
	return text[from:end], from
}
