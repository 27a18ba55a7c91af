package cond

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"

	"github.com/graphrun/graphrun/diag"
)

// parse returns the syntax tree with the places of its text, or nil and a problem. It
// bounds length and nesting before the parser reads the text, because the parser recurses
// and a stack overflow would end the process.
func parse(text diag.Text, problems *diag.List) (node ast.Node, src source) {
	if !bounded(text, problems) {
		return nil, src
	}
	var missing []paren
	if strings.Contains(text.Value, "??") || strings.Contains(text.Value, "{") {
		all := tokens(text.Value)
		if mixed(text, all, problems) {
			return nil, src
		}
		missing = objectPredicates(all)
	}
	src = bracketed(text, missing)
	src.missing = missing
	defer func() {
		if recover() != nil { // expr's parser panics on some broken texts
			node = nil
			if len(*problems) == 0 {
				problems.Add(diag.ExprSyntax, text.Sub(0, len(text.Value)), "", "this is not an expression")
			}
		}
	}()
	tree, err := new(parser.Parser).Parse(src.parsed, nil)
	if err != nil {
		src.syntaxError(err, problems)
		return nil, src
	}
	if n := countNodes(tree.Node, 0); n > maxNodes {
		problems.Add(diag.ExprTooCostly, text.Sub(0, len(text.Value)), "name parts of it in `define`",
			"the expression has more than %d parts", maxNodes)
		return nil, src
	}
	return tree.Node, src
}

// bounded checks what can be checked without parsing.
func bounded(text diag.Text, problems *diag.List) bool {
	s := text.Value
	whole := text.Sub(0, len(s))
	switch {
	case len(s) > maxText:
		problems.Add(diag.ExprTooCostly, whole, "name parts of it in `define`",
			"the expression is %d bytes long, at most %d are allowed", len(s), maxText)
		return false
	case !utf8.ValidString(s):
		problems.Add(diag.ExprSyntax, whole, "", "the expression is not valid UTF-8")
		return false
	case strings.TrimSpace(s) == "":
		problems.Add(diag.ExprSyntax, whole, "", "the expression is empty")
		return false
	case strings.HasPrefix(strings.TrimSpace(s), "${{"):
		at := strings.Index(s, "${{")
		problems.Add(diag.ExprSyntax, text.Sub(at, at+3), templateHelp, `"${{" cannot stand in an expression`)
		return false
	}
	if at, ok := tooNested(s); ok {
		problems.Add(diag.ExprTooCostly, text.Sub(at, at+1), "name parts of it in `define`",
			"brackets are nested deeper than %d", maxNesting)
		return false
	}
	return true
}

// tooNested finds the bracket that exceeds maxNesting. It skips strings and
// comments as the lexer does.
func tooNested(s string) (at int, found bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; ch {
		case '(', '[', '{':
			if depth++; depth > maxNesting {
				return i, true
			}
		case ')', ']', '}':
			depth--
		case '"', '\'', '`':
			i = skipString(s, i)
		case '/':
			switch {
			case strings.HasPrefix(s[i:], "//"):
				i = skipTo(s, i, "\n")
			case strings.HasPrefix(s[i:], "/*"):
				i = skipTo(s, i+2, "*/")
			}
		}
	}
	return 0, false
}

func skipTo(s string, from int, end string) int {
	if n := strings.Index(s[from:], end); n >= 0 {
		return from + n + len(end) - 1
	}
	return len(s)
}

// skipString is the place of the quote that ends the string at i.
func skipString(s string, i int) int {
	quote := s[i]
	for i++; i < len(s) && s[i] != quote; i++ {
		if s[i] == '\\' && quote != '`' {
			i++
		}
	}
	return i
}

// countNodes counts a node each time it is reached. The parser shares the middle
// of `a < b < c`, so that nested chains are walked 2^n times.
func countNodes(n ast.Node, sum int) int {
	sum++
	if sum > maxNodes {
		return sum
	}
	for _, kid := range children(n) {
		if sum = countNodes(kid, sum); sum > maxNodes {
			break
		}
	}
	return sum
}

func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		kids := []ast.Node{n.Node}
		if n.From != nil {
			kids = append(kids, n.From)
		}
		if n.To != nil {
			kids = append(kids, n.To)
		}
		return kids
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	}
	return nil
}

// source maps the places of the parser, in characters of what it reads, to bytes of the
// text.
type source struct {
	text   diag.Text
	parsed string // the text, with parentheses that it lacks
	bytes  []int  // of each character of parsed; nil when the two are the same, in ASCII

	missing []paren // the parentheses that it lacks
}

// newSource is the source of a text. parsed has the parentheses in added besides, which
// ascend.
func newSource(text diag.Text, parsed string, added []paren) source {
	s := source{text: text, parsed: parsed}
	plain := len(added) == 0
	for i := 0; plain && i < len(text.Value); i++ {
		plain = text.Value[i] < utf8.RuneSelf
	}
	if plain {
		return s
	}
	s.bytes = make([]int, 0, len(parsed)+1)
	char := 0
	for i := range text.Value {
		for ; len(added) > 0 && added[0].at == char; added = added[1:] {
			s.bytes = append(s.bytes, i)
		}
		s.bytes = append(s.bytes, i)
		char++
	}
	for range added {
		s.bytes = append(s.bytes, len(text.Value))
	}
	s.bytes = append(s.bytes, len(text.Value))
	return s
}

// bracketed is the source of a text with the parentheses that it lacks.
func bracketed(text diag.Text, missing []paren) source {
	if len(missing) == 0 {
		return newSource(text, text.Value, nil)
	}
	var b strings.Builder
	char, left := 0, missing
	for _, r := range text.Value {
		for ; len(left) > 0 && left[0].at == char; left = left[1:] {
			b.WriteByte(left[0].sign)
		}
		b.WriteRune(r)
		char++
	}
	for _, p := range left {
		b.WriteByte(p.sign)
	}
	return newSource(text, b.String(), missing)
}

func (s *source) byteAt(char int) int {
	if s.bytes == nil {
		return min(max(char, 0), len(s.text.Value))
	}
	return s.bytes[min(max(char, 0), len(s.bytes)-1)]
}

// span is the part of the file between two characters of the text.
func (s *source) span(from, to int) diag.Span {
	return s.text.Sub(s.byteAt(from), s.byteAt(to))
}

func (s *source) at(loc file.Location) diag.Span { return s.span(loc.From, loc.To) }

// syntaxError reports an error of the parser in our words.
func (s *source) syntaxError(err error, problems *diag.List) {
	text := s.text
	var e *file.Error
	if !errors.As(err, &e) {
		problems.Add(diag.ExprSyntax, text.Sub(0, len(text.Value)), "", "%s", err)
		return
	}
	from, to := s.byteAt(e.From), s.byteAt(e.To)
	if strings.HasPrefix(e.Message, "invalid ") && strings.Contains(e.Message, " literal") {
		from, to = s.numberBefore(e.From) // the parser reports the place after it
	}
	if unknownCall(text, from, problems) {
		return
	}
	message, help := wordSyntax(text.Value, from, e.Message)
	if strings.HasPrefix(message, "the expression ends") {
		from, to = len(text.Value), len(text.Value)
	}
	problems.Add(diag.ExprSyntax, text.Sub(from, to), help, "%s", message)
}

// unknownCall reports a misspelt function around a predicate. The parser accepts
// predicates only in calls that it knows, and stops at their first dot.
func unknownCall(text diag.Text, at int, problems *diag.List) bool {
	if !strings.ContainsAny(text.Value[at:min(at+1, len(text.Value))], ".#") {
		return false
	}
	name, from := enclosingCall(text.Value, at)
	method := from > 0 && text.Value[from-1] == '.'
	switch {
	case name == "" || operatorWords[name] || lookFunction(name) != nil && !method:
		return false
	case method && lookFunction(name) != nil:
		problems.Add(diag.UnknownFunction, text.Sub(from, from+len(name)), "there are no methods: write "+lookFunction(name).doc, "unknown function %q", name)
		return true
	}
	problems.Add(diag.UnknownFunction, text.Sub(from, from+len(name)), functionHelp(name), "unknown function %q", name)
	return true
}

// operatorWords can stand before a bracket and are not functions.
var operatorWords = map[string]bool{"not": true, "and": true, "or": true, "in": true, "matches": true,
	"contains": true, "startsWith": true, "endsWith": true, "let": true, "if": true, "else": true}

// numberBefore is the number that ends before a character.
func (s *source) numberBefore(char int) (from, to int) {
	tokens, _ := lexer.Lex(file.NewSource(s.parsed))
	for _, t := range tokens {
		if t.Kind == lexer.Number && t.From < char {
			from, to = s.byteAt(t.From), s.byteAt(t.To)
		}
	}
	return from, to
}
