package cond

import (
	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
)

// Use is one name in an expression, with its place.
type Use struct {
	Name string
	At   diag.Span
}

// Uses lists the names in an expression that are not properties, functions or
// keys, in the order of the text; what `let` declares is among them. A text
// that does not parse has none: Compile says why.
func Uses(text diag.Text) []Use {
	var ignored diag.List
	node := parse(text, &ignored)
	if node == nil {
		return nil
	}
	v := &useVisitor{source: newSource(text)}
	ast.Walk(&node, v)
	return v.uses
}

type useVisitor struct {
	source
	uses []Use
}

// Visit implements ast.Visitor.
func (v *useVisitor) Visit(node *ast.Node) {
	if id, ok := (*node).(*ast.IdentifierNode); ok {
		v.uses = append(v.uses, Use{id.Value, v.at(id.Location())})
	}
}
