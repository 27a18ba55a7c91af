package cond

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// facts are the keys of expressions that are known not to be null. Expressions
// have no side effects: what the same text gives once, it gives again.
type facts []string

func (f facts) has(key string) bool { return key != "" && slices.Contains(f, key) }

// and is what is known when both hold.
func (f facts) and(g facts) facts {
	if len(f) == 0 {
		return g
	}
	if len(g) == 0 {
		return f
	}
	return slices.Concat(f, g)
}

// or is what is known when one of them holds.
func (f facts) or(g facts) facts {
	var both facts
	for _, k := range f {
		if g.has(k) {
			both = append(both, k)
		}
	}
	return both
}

// nonNull is what is known when n is not null: n itself, and what its
// properties were read from, because null has null properties only.
func (c *checker) nonNull(n ast.Node) facts {
	var f facts
	for {
		if k := c.key(n); k != "" {
			f = append(f, k)
		}
		switch m := n.(type) {
		case *ast.ChainNode:
			n = m.Node
		case *ast.MemberNode:
			n = m.Node
		case *ast.SliceNode:
			n = m.Node
		default:
			return f
		}
	}
}

// key identifies an expression by its text, with its names resolved; "" for
// what has no key.
func (c *checker) key(n ast.Node) string {
	b, ok := c.appendKey(nil, n)
	if !ok {
		return ""
	}
	return string(b)
}

func (c *checker) appendKey(b []byte, n ast.Node) ([]byte, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if v := c.variable(n.Value); v != nil {
			return strconv.AppendInt(append(b, '$'), int64(v.local), 10), true
		}
		return append(b, n.Value...), true
	case *ast.PointerNode:
		if len(c.frames) == 0 {
			return b, false
		}
		b = append(append(b, '#'), n.Name...)
		return strconv.AppendInt(b, int64(c.frames[len(c.frames)-1].elemLocal), 10), true
	case *ast.ChainNode:
		return c.appendKey(b, n.Node)
	case *ast.MemberNode:
		b, ok := c.appendKey(b, n.Node)
		if !ok {
			return b, false
		}
		b, ok = c.appendKey(append(b, '['), n.Property)
		return append(b, ']'), ok
	case *ast.StringNode:
		return strconv.AppendQuote(b, n.Value), true
	case *ast.IntegerNode:
		return strconv.AppendInt(b, int64(n.Value), 10), true
	case *ast.BuiltinNode:
		return c.appendCall(b, n)
	}
	return b, false
}

func (c *checker) appendCall(b []byte, n *ast.BuiltinNode) ([]byte, bool) {
	b = append(append(b, n.Name...), '(')
	for _, arg := range n.Arguments {
		var ok bool
		if b, ok = c.appendKey(b, arg); !ok {
			return b, false
		}
		b = append(b, ',')
	}
	return append(b, ')'), true
}

// lengthFacts is what a comparison of a length with a literal says: a list
// that is not empty has a first and a last element.
func (c *checker) lengthFacts(n *ast.BinaryNode, length typed, op compareOp) (yes, no facts) {
	if !length.firm {
		return nil, nil
	}
	call, ok := n.Left.(*ast.BuiltinNode)
	bound, isInt := n.Right.(*ast.IntegerNode)
	if !ok || !isInt || call.Name != "len" || len(call.Arguments) != 1 {
		return nil, nil
	}
	key := c.key(call.Arguments[0])
	if key == "" {
		return nil, nil
	}
	filled := facts{"first(" + key + ",)", "last(" + key + ",)"}
	switch {
	case op == greater && bound.Value >= 0, op == greaterOrEqual && bound.Value >= 1, op == different && bound.Value == 0:
		return filled, nil
	case op == less && bound.Value <= 1, op == lessOrEqual && bound.Value <= 0, op == same && bound.Value == 0:
		return nil, filled
	}
	return nil, nil
}
