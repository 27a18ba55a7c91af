package cond

import (
	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
)

// Use is one name in an expression, with its place.
type Use struct {
	Name  string
	Field string // the property that is read from it, or "" when it is not a constant
	At    diag.Span
}

// Uses lists the names in an expression in the order of the text, without
// properties, functions and keys. Variables of `let` are among them. It returns
// nil for a text that does not parse; Compile reports why.
func Uses(text diag.Text) []Use {
	var ignored diag.List
	node, src := parse(text, &ignored)
	if node == nil {
		return nil
	}
	return usesIn(node, src)
}

func usesIn(node ast.Node, src source) []Use {
	v := &useVisitor{source: src}
	ast.Walk(&node, v)
	return v.uses
}

type useVisitor struct {
	source
	uses []Use
}

// Visit implements ast.Visitor.
func (v *useVisitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.uses = append(v.uses, Use{Name: n.Value, At: v.at(n.Location())})
	case *ast.MemberNode: // behind its parts
		id, named := n.Node.(*ast.IdentifierNode)
		prop, constant := n.Property.(*ast.StringNode)
		if last := len(v.uses) - 1; named && constant && v.uses[last].Name == id.Value {
			v.uses[last].Field = prop.Value
		}
	}
}
