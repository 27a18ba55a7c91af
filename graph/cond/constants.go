package cond

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
)

// Constants are the literals of expressions, each once, in the order of the text: values
// that decide something. Names of properties are not among them.
type Constants struct {
	Texts    []string
	Patterns []string // regular expressions that stand right of `matches`
	Integers []int64
	Numbers  []float64
}

// Add adds the literals of one more expression. A text that does not parse has none.
func (c *Constants) Add(text diag.Text) {
	var ignored diag.List
	node, _ := parse(text, &ignored)
	if node != nil {
		c.walk(node, 0)
	}
}

func (c *Constants) walk(n ast.Node, depth int) {
	if depth > maxNesting {
		return
	}
	switch n := n.(type) {
	case *ast.StringNode:
		c.Texts = once(c.Texts, n.Value)
	case *ast.IntegerNode:
		c.Integers = once(c.Integers, int64(n.Value))
	case *ast.FloatNode:
		c.Numbers = once(c.Numbers, n.Value)
	case *ast.MemberNode:
		c.walk(n.Node, depth+1)
		if _, name := n.Property.(*ast.StringNode); !name {
			c.walk(n.Property, depth+1)
		}
		return
	case *ast.PairNode:
		c.walk(n.Value, depth+1)
		return
	case *ast.BinaryNode:
		if s, ok := n.Right.(*ast.StringNode); ok && n.Operator == "matches" {
			c.walk(n.Left, depth+1)
			c.Patterns = once(c.Patterns, s.Value)
			return
		}
	}
	for _, kid := range children(n) {
		c.walk(kid, depth+1)
	}
}

func once[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}
