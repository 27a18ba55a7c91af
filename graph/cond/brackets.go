package cond

import (
	"slices"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
	"github.com/expr-lang/expr/parser/operator"

	"github.com/graphrun/graphrun/diag"
)

// What expr's parser takes for something else, or accepts in silence, is found in the
// tokens before it reads the text:
//
//   - map(list, {id: .id}): a bracket that begins a predicate is the predicate's own for
//     the parser. Where it can only be an object, it is put into parentheses.
//   - a + b ?? c: the parser refuses an operator behind `??` and takes one before it, which
//     then binds less than `??`. Both are refused.

// tokens returns the tokens of a text, nil if it has none that are sound; the parser then
// says why.
func tokens(text string) []lexer.Token {
	all, err := lexer.Lex(file.NewSource(text))
	if err != nil {
		return nil
	}
	return all
}

// paren is a parenthesis that a text lacks before one of its characters.
type paren struct {
	at   int // the character
	sign byte
}

// opens reports whether a token is an opening bracket.
func opens(t lexer.Token) bool { return t.Is(lexer.Bracket, "(", "[", "{") }

// objectPredicates returns the parentheses that are missing around objects which stand as
// predicates, in the order of the text.
func objectPredicates(all []lexer.Token) (missing []paren) {
	var open []int // tokens of brackets that are open
	comma := map[int]int{}
	for i, t := range all {
		switch {
		case t.Kind == lexer.Operator && t.Value == "," && len(open) > 0:
			comma[open[len(open)-1]]++
		case t.Kind != lexer.Bracket:
		case opens(t):
			if t.Value == "{" && isPredicate(all, i, open, comma) && isObject(all, i) {
				if end := closing(all, i); end > 0 {
					missing = append(missing, paren{t.From, '('}, paren{all[end].To, ')'})
				}
			}
			open = append(open, i)
		default:
			open = open[:max(len(open)-1, 0)]
		}
	}
	slices.SortFunc(missing, func(a, b paren) int { return a.at - b.at })
	return missing
}

// isPredicate reports whether the bracket at i begins the predicate of a function: the
// second argument of a call, or the first behind a pipe.
func isPredicate(all []lexer.Token, i int, open []int, commas map[int]int) bool {
	if len(open) == 0 {
		return false
	}
	call := open[len(open)-1]
	if call == 0 || all[call].Value != "(" || all[call-1].Kind != lexer.Identifier {
		return false
	}
	f := lookFunction(all[call-1].Value)
	piped := call > 1 && all[call-2].Is(lexer.Operator, "|")
	switch {
	case f == nil || f.loop == nil:
		return false
	case piped:
		return i == call+1
	}
	return commas[call] == 1 && all[i-1].Is(lexer.Operator, ",")
}

// isObject reports whether the bracket at i can only begin an object: it is empty, or a
// key and a colon follow.
func isObject(all []lexer.Token, i int) bool {
	if i+2 >= len(all) {
		return false
	}
	key, colon := all[i+1], i+2
	switch {
	case key.Is(lexer.Bracket, "}"):
		return true
	case key.Is(lexer.Bracket, "("):
		if colon = closing(all, i+1) + 1; colon == 1 || colon >= len(all) {
			return false
		}
	case key.Kind != lexer.Identifier && key.Kind != lexer.String && key.Kind != lexer.Number &&
		!(key.Kind == lexer.Operator && operatorWords[key.Value]):
		return false
	}
	return all[colon].Is(lexer.Operator, ":")
}

// closing returns the token of the bracket that closes the one at i, 0 if none does.
func closing(all []lexer.Token, i int) int {
	depth := 0
	for k := i; k < len(all); k++ {
		if all[k].Kind != lexer.Bracket {
			continue
		}
		if opens(all[k]) {
			depth++
		} else if depth--; depth == 0 {
			return k
		}
	}
	return 0
}

// segment is the part of an expression between two signs that part operands: brackets,
// commas, the signs of a condition.
type segment struct {
	coalesces bool
	other     *lexer.Token // the first operator that is none
}

// mixedOperators and mixedHelp are also for what the parser refuses itself.
const (
	mixedOperators = "?? cannot be mixed with other operators"
	mixedHelp      = "put the ?? in parentheses: (x ?? y)"
)

// mixed reports an operator that stands beside `??` without brackets.
func mixed(text diag.Text, all []lexer.Token, problems *diag.List) bool {
	segments := []segment{{}}
	for i := range all {
		t := &all[i]
		s := &segments[len(segments)-1]
		_, binary := operator.Binary[t.Value]
		_, unary := operator.Unary[t.Value]
		switch {
		case opens(*t):
			segments = append(segments, segment{})
			continue
		case t.Kind == lexer.Bracket:
			if segments = segments[:len(segments)-1]; len(segments) == 0 {
				return false // the parser says more
			}
			continue
		case t.Kind != lexer.Operator:
			continue
		case t.Value == "??":
			s.coalesces = true
		case !binary && !unary:
			if t.Value != "." && t.Value != "?." && t.Value != "#" {
				*s = segment{}
			}
			continue
		case unary && i > 0 && all[i-1].Is(lexer.Operator, "??") && i+1 < len(all) && all[i+1].Kind == lexer.Number:
			continue // the sign of a number
		case s.other == nil:
			s.other = t
		}
		if s.coalesces && s.other != nil {
			src := newSource(text, text.Value, nil)
			problems.Add(diag.ExprSyntax, src.at(s.other.Location), mixedHelp, mixedOperators)
			return true
		}
	}
	return false
}
