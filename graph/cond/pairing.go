package cond

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
)

// Pairing finds where an expression pairs the elements of some lists with those of another
// by their places: an index into one of the lists that comes from elsewhere, `#index` in a
// predicate over one of them, or what `findIndex` gives for one of them as an index of
// another. lists are names of lists whose places belong together. Constant indexes pair
// nothing, and neither do those that only the lists themselves decide, as len(list) - 1.
// It returns the first such place. A text that does not parse has none.
func Pairing(text diag.Text, lists ...string) (at diag.Span, found bool) {
	var ignored diag.List
	node, src := parse(text, &ignored)
	if node == nil {
		return at, false
	}
	p := &pairing{source: src, lists: lists}
	p.walk(node, false)
	return p.first, p.found
}

type pairing struct {
	source
	lists []string // with the variables of `let` that stand for one of them
	first diag.Span
	found bool
}

// walk visits an expression. over says that the innermost predicate around it is over one
// of the lists.
func (p *pairing) walk(n ast.Node, over bool) {
	if p.found {
		return
	}
	switch n := n.(type) {
	case *ast.PointerNode:
		if over && n.Name == "index" {
			p.report(n)
		}
		return
	case *ast.VariableDeclaratorNode:
		if p.is(n.Value) {
			p.lists = append(slices.Clone(p.lists), n.Name)
		}
	case *ast.MemberNode:
		p.element(n, n.Node, n.Property, over)
		return
	case *ast.BuiltinNode:
		p.call(n, n.Name, n.Arguments, over)
		return
	case *ast.CallNode:
		if f, named := n.Callee.(*ast.IdentifierNode); named {
			p.call(n, f.Value, n.Arguments, over)
			return
		}
	}
	for _, kid := range children(n) {
		p.walk(kid, over)
	}
}

func (p *pairing) call(n ast.Node, name string, args []ast.Node, over bool) {
	if name == "get" && len(args) == 2 {
		p.element(n, args[0], args[1], over)
		return
	}
	for _, a := range args {
		if body, is := a.(*ast.PredicateNode); is {
			p.walk(body.Node, p.is(args[0]))
		} else {
			p.walk(a, over)
		}
	}
}

// element is `of[index]`.
func (p *pairing) element(n, of, index ast.Node, over bool) {
	switch {
	case !p.is(of):
		if p.finds(index) {
			p.report(n)
			return
		}
		p.walk(of, over)
		p.walk(index, over)
	case !p.own(index, over):
		p.report(n)
	}
}

// is reports whether an expression is one of the lists.
func (p *pairing) is(n ast.Node) bool {
	if chain, wrapped := n.(*ast.ChainNode); wrapped {
		n = chain.Node
	}
	id, named := n.(*ast.IdentifierNode)
	return named && slices.Contains(p.lists, id.Value)
}

// finds reports whether an expression is the place of an element of one of the lists.
func (p *pairing) finds(n ast.Node) bool {
	b, builtin := n.(*ast.BuiltinNode)
	return builtin && (b.Name == "findIndex" || b.Name == "findLastIndex") && p.is(b.Arguments[0])
}

// own reports whether an index depends on nothing but the lists.
func (p *pairing) own(n ast.Node, over bool) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return p.is(n)
	case *ast.PointerNode:
		return over
	case *ast.BuiltinNode:
		for _, a := range n.Arguments {
			body, is := a.(*ast.PredicateNode)
			if is && !p.own(body.Node, p.is(n.Arguments[0])) || !is && !p.own(a, over) {
				return false
			}
		}
		return true
	}
	return !slices.ContainsFunc(children(n), func(kid ast.Node) bool { return !p.own(kid, over) })
}

func (p *pairing) report(n ast.Node) { p.first, p.found = p.at(n.Location()), true }
