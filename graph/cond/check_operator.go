package cond

import (
	"errors"
	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

func (c *checker) unary(n *ast.UnaryNode) typed {
	of := c.check(n.Node, nil)
	at := c.at(n.Location())
	switch n.Operator {
	case "!", "not":
		t := value(&not{of: c.boolean(of, diag.ExprType, at)}, schema.BooleanType)
		t.yes, t.no, t.verdict = of.no, of.yes, of.verdict.negated()
		return c.folded(t, of)
	}
	if !c.operand(of, n.Operator, at) {
		return broken()
	}
	switch of.typ.Kind {
	case schema.Integer, schema.Number, schema.Any, schema.Duration:
	default:
		return c.report(diag.ExprType, at, "", "%q needs a number, not %s", n.Operator, of.typ)
	}
	t := of.typ
	if t.Enum != nil {
		t = &schema.Type{Kind: t.Kind}
	}
	if n.Operator == "-" {
		return c.folded(value(&negate{of: of.code, at: at}, t), of)
	}
	return c.folded(value(&positive{of: of.code, at: at}, t), of)
}

// operand reports an operand that may be null where it must not.
func (c *checker) operand(t typed, op string, at diag.Span) bool {
	if !t.typ.Nullable || t.typ.Kind == schema.Any {
		return true
	}
	c.maybeNull(t.typ, at, "an operand of \""+op+"\"")
	return false
}

func (c *checker) binary(n *ast.BinaryNode, want *schema.Type) typed {
	switch n.Operator {
	case "&&", "and", "||", "or":
		return c.logical(n)
	case "??":
		return c.coalesce(n, want)
	}
	left, right := c.check(n.Left, nil), c.check(n.Right, nil)
	at := c.at(n.Location())
	var t typed
	switch n.Operator {
	case "==", "!=":
		t = c.equality(n, left, right, at)
	case "<", "<=", ">", ">=":
		t = c.order(n, left, right, at)
	case "in":
		t = c.in(n, left, right, at)
	case "contains", "startsWith", "endsWith", "matches":
		t = c.textOperator(n, left, right, at)
	case "..":
		t = c.rangeOf(left, right, at)
	default:
		t = c.arithmetic(n.Operator, left, right, at)
	}
	t.work += left.work + right.work
	return c.folded(t, left, right)
}

func (c *checker) logical(n *ast.BinaryNode) typed {
	isAnd := n.Operator == "&&" || n.Operator == "and"
	at := c.at(n.Location())
	left := c.check(n.Left, nil)
	known := left.no
	if isAnd {
		known = left.yes
	}
	right := c.within(known, n.Right, nil)
	l, r := c.boolean(left, diag.ExprType, at), c.boolean(right, diag.ExprType, at)
	var t typed
	if isAnd {
		t = value(&and{l, r}, schema.BooleanType)
		t.yes, t.no = left.yes.and(right.yes), left.no.or(right.no)
		if left.verdict == never || right.verdict == never {
			t.verdict = never
		} else if left.verdict == always && right.verdict == always {
			t.verdict = always
		}
	} else {
		t = value(&or{l, r}, schema.BooleanType)
		t.yes, t.no = left.yes.or(right.yes), left.no.and(right.no)
		if left.verdict == always || right.verdict == always {
			t.verdict = always
		} else if left.verdict == never && right.verdict == never {
			t.verdict = never
		}
	}
	t.work = left.work
	return t
}

func (c *checker) coalesce(n *ast.BinaryNode, want *schema.Type) typed {
	var wantLeft *schema.Type
	if want != nil {
		wantLeft = want.OrNull()
	}
	left, right := c.check(n.Left, wantLeft), c.check(n.Right, want)
	l := left
	l.typ = left.typ.NonNull()
	if left.typ.Kind == schema.Null {
		l.typ = schema.NothingType
	}
	t := value(&coalesce{left: left.code, right: right.code}, joinLiterals(l, right))
	t.fitted = true
	if isConstant(right.code, false) {
		t.yes = left.yes
	}
	if !right.typ.Nullable && right.typ.Kind != schema.Any && left.typ.Kind == schema.Any {
		t.typ = schema.AnyType
	}
	t.work = left.work
	return t
}

// equality is == and !=.
func (c *checker) equality(n *ast.BinaryNode, left, right typed, at diag.Span) typed {
	negated := n.Operator == "!="
	if !schema.Comparable(left.typ, right.typ) {
		return c.mismatch(n.Operator, left, right, at)
	}
	for _, side := range [][2]typed{{left, right}, {right, left}} {
		c.checkLiterals(side[0].typ, side[1].literals)
		if side[0].typ.Kind == schema.List {
			c.checkLiterals(side[0].typ.Elem, side[1].elemLiterals)
		}
	}
	t := value(equalCode(left, right, negated, at), schema.BooleanType)
	var yes, no facts
	switch {
	case left.typ.Kind == schema.Null:
		no = c.nonNull(n.Right)
		t.verdict = nullVerdict(right.typ, negated)
	case right.typ.Kind == schema.Null:
		no = c.nonNull(n.Left)
		t.verdict = nullVerdict(left.typ, negated)
	default:
		if !left.typ.Nullable && left.typ.Kind != schema.Any {
			yes = c.nonNull(n.Right)
		}
		if !right.typ.Nullable && right.typ.Kind != schema.Any {
			yes = yes.and(c.nonNull(n.Left))
		}
	}
	some, none := c.lengthFacts(n, left, right, same)
	yes, no = yes.and(some), no.and(none)
	if negated {
		yes, no = no, yes
	}
	t.yes, t.no = yes, no
	return t
}

// nullVerdict is the verdict on x == nil, or on x != nil when negated.
func nullVerdict(x *schema.Type, negated bool) verdict {
	switch {
	case x.Kind == schema.Null:
		return verdictOf(!negated)
	case x.Nullable || x.Kind == schema.Any:
		return unknown
	}
	return verdictOf(negated)
}

// equalCode picks the fastest code for a comparison.
func equalCode(left, right typed, negated bool, at diag.Span) code {
	for _, side := range [][2]typed{{left, right}, {right, left}} {
		v, ok := constantOf(side[1].code)
		switch v := v.(type) {
		case nil:
			if ok {
				return &equalNull{of: side[0].code, negated: negated}
			}
		case string:
			if side[0].typ.Kind == schema.String {
				return &equalText{of: side[0].code, text: v, negated: negated}
			}
		}
	}
	op := same
	if negated {
		op = different
	}
	if l, r, ok := bothInts(left, right); ok {
		return &compareInts{op: op, left: l, right: r}
	}
	return &equalOp{left: left.code, right: right.code, negated: negated, at: at}
}

// bothInts returns both operands when they can be computed as unboxed integers.
func bothInts(left, right typed) (l, r intCode, ok bool) {
	if left.typ.Kind != schema.Integer || right.typ.Kind != schema.Integer {
		return nil, nil, false
	}
	l, ok1 := left.code.(intCode)
	r, ok2 := right.code.(intCode)
	return l, r, ok1 && ok2
}

func (c *checker) mismatch(op string, left, right typed, at diag.Span) typed {
	help := ""
	a, b := left.typ.Kind, right.typ.Kind
	switch {
	case op == "+" && (a == schema.String || b == schema.String) && (numeric(a) || numeric(b) || a == schema.Boolean || b == schema.Boolean):
		help = "string(x) makes text of a value"
	case op == "+" && a == schema.List && b == schema.List:
		help = "concat(a, b) joins lists"
	case op == "==" && (a == schema.List || b == schema.List) && (a == schema.Integer || b == schema.Integer):
		help = "len(x) is the length of a list"
	case a == schema.String && b == schema.Time || a == schema.Time && b == schema.String:
		help = "date(x) reads a time from a text"
	case a == schema.String && b == schema.Duration || a == schema.Duration && b == schema.String:
		help = "duration(x) reads a duration from a text"
	case op == "==" && (a == schema.String && b == schema.Boolean || a == schema.Boolean && b == schema.String):
		help = "booleans are written true and false, without quotes"
	}
	return c.report(diag.ExprType, at, help, "mismatched types: %s %s %s", left.typ, op, right.typ)
}

func numeric(k schema.Kind) bool { return k == schema.Integer || k == schema.Number }

// order is < <= > >=.
func (c *checker) order(n *ast.BinaryNode, left, right typed, at diag.Span) typed {
	if !c.operand(left, n.Operator, at) || !c.operand(right, n.Operator, at) {
		return broken()
	}
	a, b := left.typ.Kind, right.typ.Kind
	ordered := func(k schema.Kind) bool {
		return numeric(k) || k == schema.String || k == schema.Time || k == schema.Duration
	}
	ok := a == b && ordered(a) || numeric(a) && numeric(b) ||
		a == schema.Any && (b == schema.Any || ordered(b)) || b == schema.Any && ordered(a)
	if !ok {
		return c.mismatch(n.Operator, left, right, at)
	}
	op := map[string]compareOp{"<": less, "<=": lessOrEqual, ">": greater, ">=": greaterOrEqual}[n.Operator]
	t := value(nil, schema.BooleanType)
	if l, r, ok := bothInts(left, right); ok {
		t.code = &compareInts{op: op, left: l, right: r}
	} else {
		t.code = &compare{op: op, left: left.code, right: right.code, at: at}
	}
	t.yes, t.no = c.lengthFacts(n, left, right, op)
	return t
}

// in is `x in list` and `key in object`.
func (c *checker) in(n *ast.BinaryNode, left, right typed, at diag.Span) typed {
	if !c.operand(right, "in", at) {
		return broken()
	}
	switch right.typ.Kind {
	case schema.List:
		if !schema.Comparable(left.typ, right.typ.Elem) {
			return c.mismatch("in", left, right, at)
		}
		c.checkLiterals(right.typ.Elem, left.literals)
		c.checkLiterals(left.typ, right.elemLiterals)
	case schema.Object:
		if !accepts(left.typ, schema.String) && left.typ.Kind != schema.Null {
			return c.mismatch("in", left, right, at)
		}
	case schema.Any:
	case schema.String:
		return c.report(diag.ExprType, at, "write text contains part", `"in" needs a list or an object, not %s`, right.typ)
	default:
		return c.report(diag.ExprType, at, "", `"in" needs a list or an object, not %s`, right.typ)
	}
	t := value(&in{needle: left.code, within: right.code, at: at}, schema.BooleanType)
	if right.typ.Kind == schema.Object || right.typ.Kind == schema.List && !right.typ.Elem.Nullable && right.typ.Elem.Kind != schema.Any {
		t.yes = c.nonNull(n.Left)
	}
	return t
}

// textOperator is contains, startsWith, endsWith and matches.
func (c *checker) textOperator(n *ast.BinaryNode, left, right typed, at diag.Span) typed {
	op := n.Operator
	if !c.operand(left, op, at) || !c.operand(right, op, at) {
		return broken()
	}
	if !accepts(left.typ, schema.String) || !accepts(right.typ, schema.String) {
		help := ""
		if left.typ.Kind == schema.List && op == "contains" {
			help = "write x in list"
		}
		return c.report(diag.ExprType, at, help, "%q needs two strings, not %s and %s", op, left.typ, right.typ)
	}
	if op != "matches" {
		return value(&textTest{op: op, left: left.code, right: right.code, at: at}, schema.BooleanType)
	}
	m := &match{text: left.code, pattern: right.code, at: at}
	if v, ok := constantOf(right.code); ok {
		p, err := newPattern(v.(string))
		if err != nil {
			code := diag.ExprSyntax
			if errors.Is(err, errPatternSize) {
				code = diag.ExprTooCostly
			}
			return c.report(code, c.place(right), "", "bad pattern %q: %s", shorten(v.(string)), err)
		}
		m.ready = p
	}
	return value(m, schema.BooleanType)
}

// rangeOf is from..to.
func (c *checker) rangeOf(left, right typed, at diag.Span) typed {
	if !c.operand(left, "..", at) || !c.operand(right, "..", at) {
		return broken()
	}
	if !accepts(left.typ, schema.Integer) || !accepts(right.typ, schema.Integer) {
		return c.report(diag.ExprType, at, "", `".." needs two integers, not %s and %s`, left.typ, right.typ)
	}
	s := &span{from: asInt(left.code, c.place(left)), to: asInt(right.code, c.place(right)), at: at}
	t := value(s, schema.ListOf(schema.IntegerType))
	_, ok1 := constantOf(left.code)
	_, ok2 := constantOf(right.code)
	if ok1 && ok2 && left.typ.Kind == schema.Integer && right.typ.Kind == schema.Integer {
		_, t.size = s.bounds(&Env{})
		if t.size > maxMemory/(bytesPerItem+bytesPerBox) {
			return c.report(diag.ExprTooCostly, at, "", "the range has %s elements, too many", countText(t.size))
		}
	}
	return t
}

// arithmetic is + - * / % and **.
func (c *checker) arithmetic(op string, left, right typed, at diag.Span) typed {
	if !c.operand(left, op, at) || !c.operand(right, op, at) {
		return broken()
	}
	sign := op[0]
	if op == "**" {
		sign = '^'
	}
	a, b := left.typ.Kind, right.typ.Kind
	switch {
	case a == schema.Integer && b == schema.Integer && sign != '/' && sign != '^':
		return value(&integerOp{op: sign, left: asInt(left.code, c.place(left)), right: asInt(right.code, c.place(right)), at: at}, schema.IntegerType)
	case numeric(a) && numeric(b) && sign != '%':
		return value(&numberOp{op: sign, left: left.code, right: right.code, at: at}, schema.NumberType)
	case a == schema.String && b == schema.String && sign == '+':
		t := value(&concatOp{left: left.code, right: right.code, at: at}, schema.StringType)
		t.size = left.size + right.size
		return t
	}
	dynamic := value(&dynamicOp{op: sign, left: left.code, right: right.code, at: at}, nil)
	if t := timeOperator(sign, a, b); t != nil {
		dynamic.typ = t
		return dynamic
	}
	if a == schema.Any && computes(b, sign) || b == schema.Any && computes(a, sign) {
		dynamic.typ = dynamicType(a, b, sign)
		return dynamic
	}
	if sign == '%' && numeric(a) && numeric(b) {
		return c.report(diag.ExprType, at, "int(x) cuts a number to an integer", "%q needs two integers, not %s and %s", op, left.typ, right.typ)
	}
	return c.mismatch(op, left, right, at)
}

// computes reports whether the operator takes a value of the kind together with
// one of unknown type.
func computes(k schema.Kind, sign byte) bool {
	switch k {
	case schema.Any, schema.Number:
		return sign != '%' || k == schema.Any
	case schema.Integer:
		return true
	case schema.Duration:
		return sign != '%' && sign != '^'
	case schema.Time:
		return sign == '+' || sign == '-'
	case schema.String:
		return sign == '+'
	}
	return false
}

func dynamicType(a, b schema.Kind, sign byte) *schema.Type {
	switch {
	case sign == '%':
		return schema.IntegerType
	case sign == '^':
		return schema.NumberType
	case a == schema.String || b == schema.String:
		return schema.StringType
	}
	return &schema.Type{Kind: schema.Any} // a number, a string or a time: never null
}
