package cond

import (
	"fmt"
	"math"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// checker finds the type of every node and compiles it in the same walk. A node
// with a problem gets the type any, which fits everywhere, so that one mistake is
// reported once.
type checker struct {
	source
	scope    *Scope
	problems *diag.List

	vars   []variable // of `let`, the innermost last
	frames []*frame   // of predicates, the innermost last
	facts  facts      // what is known not to be null at this place
	low    int        // the characters that the node being checked spans
	high   int

	reads  readSet
	locals int
	nodes  int // how many were compiled: the cost of a loop's body
	visits int // how many were checked; reduce checks its body several times, and nested ones multiply
	timely bool
	shared bool

	sketch *sketch   // nil but for Explain
	seen   *observer // nil but for Marks and Complete
}

// typed is a checked and compiled node.
type typed struct {
	code     code
	typ      *schema.Type
	from, to int // the characters it spans, closing brackets not counted

	yes, no facts   // what is not null when it is true, and when it is false or null
	verdict verdict // of a condition whose value is known at load
	size    int     // the least length, as far as it is known at load
	work    float64 // the least work, as far as it is known at load
	firm    bool    // it is the length of a list without nulls
	fitted  bool    // its parts were checked against the wanted type

	literals     literals // the literals that it may be
	elemLiterals literals // of a list: the literals that its elements may be
}

type verdict uint8

const (
	unknown verdict = iota
	always
	never
)

func (v verdict) negated() verdict {
	switch v {
	case always:
		return never
	case never:
		return always
	}
	return unknown
}

func verdictOf(b bool) verdict {
	if b {
		return always
	}
	return never
}

// broken stands for a node with a reported problem.
func broken() typed { return typed{code: missing{}, typ: schema.AnyType} }

// missing is the code of a node with a problem. It never runs.
type missing struct{}

func (missing) eval(*Env) any { return nil }

// value is a node without a problem.
func value(c code, t *schema.Type) typed { return typed{code: c, typ: t} }

// checkRoot checks the whole expression against want.
func (c *checker) checkRoot(n ast.Node, want Want) typed {
	t := c.check(n, want.Type)
	switch {
	case c.visits > maxVisits:
		c.problems.Add(diag.ExprTooCostly, c.text.Sub(0, len(c.text.Value)), "name the inner ones in `define`",
			"reduce is nested too deep for its types to be found")
	case want.Condition:
		c.condition(t)
	}
	c.timely = c.timely && holdsTime(t.typ, 0, nil)
	return t
}

// condition reports a result that is not boolean, at the start of the text.
func (c *checker) condition(t typed) {
	start := leadingSpace(c.text.Value)
	at := c.text.Sub(start, len(c.text.Value))
	switch {
	case t.typ.Kind == schema.Boolean:
	case t.typ.Kind == schema.Any && c.problems.HasErrors():
	case t.typ.Kind == schema.Any:
		c.problems.Add(diag.Untyped, at, "compare it with a value, or declare its type",
			"the type of this condition cannot be known")
	default:
		c.problems.Add(diag.NotBoolean, at, booleanHelp(t.typ), "a condition must be a boolean, this is %s", t.typ)
	}
	switch t.verdict {
	case always:
		c.problems.Add(diag.AlwaysTrue, at, "", "this condition is always true")
	case never:
		c.problems.Add(diag.AlwaysFalse, at, "", "this condition is always false")
	}
}

func leadingSpace(s string) int {
	for i, r := range s {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			return i
		}
	}
	return 0
}

// booleanHelp says how a value of another type becomes a condition.
func booleanHelp(t *schema.Type) string {
	switch {
	case t.Kind == schema.Null:
		return ""
	case t.Nullable:
		return "compare it, as in x != nil"
	case t.Kind == schema.List, t.Kind == schema.Object:
		return "compare its length, as in len(x) > 0"
	case t.Kind == schema.String:
		return `compare it, as in x != ""`
	}
	return "compare it, as in x != 0"
}

// check infers the type of n, applies the null checks that hold at this place,
// and reports a value that does not fit want. A nil want accepts any value.
func (c *checker) check(n ast.Node, want *schema.Type) typed {
	if c.visits++; c.visits > maxVisits {
		return broken() // checkRoot reports it: reduce drops the problems of a try
	}
	low, high := c.low, c.high
	c.low, c.high = math.MaxInt, -1
	switch n.(type) {
	case *ast.ConditionalNode, *ast.PairNode: // their places are those of other tokens
	default:
		c.touch(n.Location())
	}
	c.nodes++
	t := c.infer(n, want)
	t.from, t.to = c.low, c.high
	c.low, c.high = min(low, c.low), max(high, c.high)
	if t.typ.Nullable && t.typ.Kind != schema.Null && len(c.facts) > 0 && c.facts.has(c.key(n)) {
		t.typ = t.typ.NonNull()
	}
	if c.sketch != nil {
		c.draw(n, t)
	}
	if c.seen != nil {
		c.seen.note(c, n, t)
	}
	if t.typ.Kind == schema.Time || t.typ.Kind == schema.Duration {
		c.timely = true
	}
	if want != nil && !t.fitted && !c.wantedLiterals(t, want) {
		c.fit(t, want)
	}
	return t
}

func (c *checker) touch(loc file.Location) {
	c.low, c.high = min(c.low, loc.From), max(c.high, loc.To)
}

// within checks n at a place where more is known not to be null.
func (c *checker) within(known facts, n ast.Node, want *schema.Type) typed {
	outer := c.facts
	c.facts = outer.and(known)
	t := c.check(n, want)
	c.facts = outer
	return t
}

// report adds a problem at the characters of a node.
func (c *checker) report(code diag.Code, at diag.Span, help, format string, args ...any) typed {
	c.problems.Add(code, at, help, format, args...)
	return broken()
}

func (c *checker) place(t typed) diag.Span { return c.span(t.from, max(t.to, t.from+1)) }

func (c *checker) infer(n ast.Node, want *schema.Type) typed {
	switch n := n.(type) {
	case *ast.NilNode:
		return value(&constant{}, schema.NullType)
	case *ast.BoolNode:
		t := value(&constant{value: n.Value}, schema.BooleanType)
		t.verdict = verdictOf(n.Value)
		return t
	case *ast.IntegerNode:
		return c.literal(n, int64(n.Value), schema.IntegerType)
	case *ast.FloatNode:
		return c.literal(n, n.Value, schema.NumberType)
	case *ast.StringNode:
		t := c.literal(n, n.Value, schema.StringType)
		t.size = len(n.Value)
		return t
	case *ast.IdentifierNode:
		return c.name(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ChainNode: // null has every property anyway
		return c.inner(n.Node, want)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n, want)
	case *ast.ConditionalNode:
		return c.conditional(n, want)
	case *ast.ArrayNode:
		return c.list(n, want)
	case *ast.MapNode:
		return c.object(n, want)
	case *ast.VariableDeclaratorNode:
		return c.let(n, want)
	case *ast.SequenceNode:
		return c.sequence(n, want)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		return c.callOther(n)
	case *ast.BytesNode:
		return c.report(diag.ExprSyntax, c.at(n.Location()), "write the string without b", "byte strings are not supported")
	}
	return c.report(diag.ExprSyntax, c.at(n.Location()), "", "%s is not supported", nodeName(n))
}

// inner checks a node that stands for its only child.
func (c *checker) inner(n ast.Node, want *schema.Type) typed {
	t := c.check(n, want)
	t.fitted = true
	return t
}

func nodeName(n ast.Node) string { return fmt.Sprintf("%T", n) }

func (c *checker) conditional(n *ast.ConditionalNode, want *schema.Type) typed {
	cond := c.check(n.Cond, nil)
	test := c.boolean(cond, diag.NotBoolean, c.place(cond))
	then := c.within(cond.yes, n.Exp1, want)
	other := c.within(cond.no, n.Exp2, want)
	t := value(&choice{cond: test, then: then.code, other: other.code}, joinLiterals(then, other))
	t.fitted = true
	t.literals, t.elemLiterals = then.literals.and(other.literals), then.elemLiterals.and(other.elemLiterals)
	t.size = min(then.size, other.size)
	t.work = cond.work + min(then.work, other.work)
	t.yes = then.yes.or(other.yes)
	if isConstant(other.code, false) {
		t.yes = cond.yes.and(then.yes)
	}
	if isConstant(then.code, false) {
		t.yes = cond.no.and(other.yes)
	}
	if v, ok := constantOf(cond.code); ok {
		t.verdict = other.verdict
		if v == true {
			t.verdict = then.verdict
		}
	}
	return t
}

func isConstant(c code, b bool) bool {
	v, ok := constantOf(c)
	return ok && v == b
}

// joinLiterals is the type of one value or the other. A literal beside an enum
// extends the enum.
func joinLiterals(a, b typed) *schema.Type {
	if t, ok := withLiteral(a.typ, b); ok {
		return t
	}
	if t, ok := withLiteral(b.typ, a); ok {
		return t
	}
	return schema.Join(a.typ, b.typ)
}

func withLiteral(enum *schema.Type, literal typed) (*schema.Type, bool) {
	v, ok := constantOf(literal.code)
	if !ok || enum.Enum == nil || literal.typ.Kind != enum.Kind {
		return nil, false
	}
	return schema.Join(enum, schema.EnumOf(enum.Kind, v)), true
}

// boolean is t as an operand that must be a boolean or null.
func (c *checker) boolean(t typed, code diag.Code, at diag.Span) testCode {
	switch t.typ.Kind {
	case schema.Boolean, schema.Null, schema.Any:
	default:
		c.report(code, at, booleanHelp(t.typ), "a boolean is needed here, this is %s", t.typ)
	}
	return asTest(t.code, c.place(t))
}

// holdsTime reports whether a moment or a duration can be inside a value of the
// type. seen holds the objects that were visited; it may be nil.
func holdsTime(t *schema.Type, depth int, seen map[*schema.Prop]bool) bool {
	switch t.Kind {
	case schema.Any, schema.Time, schema.Duration:
		return true
	case schema.List:
		return depth > maxNesting || holdsTime(t.Elem, depth+1, seen)
	case schema.Object:
		if depth > 3 || t.Rest != nil && holdsTime(t.Rest, depth+1, seen) {
			return true
		}
		if len(t.Props) == 0 || seen[&t.Props[0]] {
			return false
		}
		if seen == nil {
			seen = map[*schema.Prop]bool{}
		}
		seen[&t.Props[0]] = true
		for _, p := range t.Props {
			if holdsTime(p.Type, depth+1, seen) {
				return true
			}
		}
	}
	return false
}
