package cond

import (
	"slices"
	"strconv"

	"github.com/expr-lang/expr/ast"
)

// facts are the keys of expressions that are known not to be null. Expressions
// have no side effects, so equal texts have equal values.
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

// nonNull is what is known when n is not null: n itself, and the values from
// which it was read, because every property of null is null.
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

// key identifies an expression by its text with its names resolved. It is "" for
// an expression without a key.
func (c *checker) key(n ast.Node) string {
	k := keying{c: c}
	if !k.write(n) {
		return ""
	}
	return string(k.text)
}

// keying writes a key. Elements of predicates inside the expression are named by
// their depth in it, those of predicates around it by their variable.
type keying struct {
	c      *checker
	text   []byte
	inside int // predicates of the expression itself that are open
}

// write returns false for an expression without a key.
func (k *keying) write(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if v := k.c.variable(n.Value); v != nil {
			k.text = strconv.AppendInt(append(k.text, '$'), int64(v.local), 10)
			return true
		}
		k.text = append(k.text, n.Value...)
	case *ast.PointerNode:
		return k.pointer(n)
	case *ast.ChainNode:
		return k.write(n.Node)
	case *ast.MemberNode:
		return k.write(n.Node) && k.list("[", "]", n.Property)
	case *ast.StringNode:
		k.text = strconv.AppendQuote(k.text, n.Value)
	case *ast.IntegerNode:
		k.text = strconv.AppendInt(k.text, int64(n.Value), 10)
	case *ast.FloatNode:
		k.text = strconv.AppendFloat(k.text, n.Value, 'e', -1, 64)
	case *ast.BoolNode:
		k.text = strconv.AppendBool(append(k.text, '!'), n.Value)
	case *ast.NilNode:
		k.text = append(k.text, "!nil"...)
	case *ast.UnaryNode:
		return k.list(n.Operator+"(", ")", n.Node)
	case *ast.BinaryNode:
		return k.list(n.Operator+"(", ")", n.Left, n.Right)
	case *ast.ConditionalNode:
		return k.list("?(", ")", n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		return k.list("[", "]", n.Nodes...)
	case *ast.BuiltinNode:
		return k.list(n.Name+"(", ")", n.Arguments...)
	case *ast.PredicateNode:
		k.inside++
		ok := k.list("{", "}", n.Node)
		k.inside--
		return ok
	default:
		return false
	}
	return true
}

func (k *keying) list(open, end string, all ...ast.Node) bool {
	k.text = append(k.text, open...)
	for _, n := range all {
		if !k.write(n) {
			return false
		}
		k.text = append(k.text, ',')
	}
	k.text = append(k.text, end...)
	return true
}

func (k *keying) pointer(n *ast.PointerNode) bool {
	frames := k.c.frames
	switch {
	case k.inside > 0:
		k.text = strconv.AppendInt(append(append(k.text, '#'), n.Name...), -int64(k.inside), 10)
	case len(frames) > 0:
		k.text = strconv.AppendInt(append(append(k.text, '#'), n.Name...), int64(frames[len(frames)-1].elemLocal), 10)
	default:
		return false
	}
	return true
}

// lengthFacts is what a comparison of a length with a literal makes known: a list
// that is not empty has a first and a last element.
func (c *checker) lengthFacts(n *ast.BinaryNode, left, right typed, op compareOp) (yes, no facts) {
	measured, literal, length := n.Left, n.Right, left
	if _, turned := n.Left.(*ast.IntegerNode); turned {
		measured, literal, length, op = n.Right, n.Left, right, op.turned()
	}
	call, ok := measured.(*ast.BuiltinNode)
	bound, isInt := literal.(*ast.IntegerNode)
	if !length.firm || !ok || !isInt || call.Name != "len" || len(call.Arguments) != 1 {
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
