package cond

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
)

// part is how an expression is put together, for Explain.
type part struct {
	op       string
	code     code
	from, to int // bytes of the source
	kids     []*part
	reads    []readCode
	define   *Program // of "define"
	loop     *loop    // of what has Matches
	local    int      // of "let"
}

// readCode is what a part reads by name.
type readCode struct {
	path, name, field string
	code              code
}

// sketch is what a checker keeps of the nodes that it has checked, for their parts.
type sketch struct {
	made    map[ast.Node]*part
	loops   map[ast.Node]*loop // of calls with predicates
	defines map[*Program][]readCode
}

// sketch compiles the program's text again, for its parts, and says how many variables
// they need.
func (p *Program) sketch() (root *part, locals int) {
	c, tree := p.again(map[*Program][]readCode{})
	return c.sketch.made[tree], c.locals
}

func (p *Program) again(defines map[*Program][]readCode) (*checker, ast.Node) {
	var none diag.List
	tree, src := parse(p.text, &none)
	c := &checker{source: src, scope: p.scope, problems: &none, sketch: &sketch{map[ast.Node]*part{}, map[ast.Node]*loop{}, defines}}
	c.checkRoot(tree, p.want)
	return c, tree
}

// draw keeps the part that a checked node is.
func (c *checker) draw(n ast.Node, t typed) {
	made := c.sketch.made
	p := &part{op: "value", code: t.code}
	p.from, p.to = balance(c.text.Value, c.byteAt(t.from), c.byteAt(max(t.to, t.from)))
	switch n := n.(type) {
	case *ast.ChainNode:
		made[n] = made[n.Node]
		return
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			p.op, p.kids = "not", []*part{made[n.Node]}
			if of := made[n.Node]; isComparison(n.Node) && of.from < c.byteAt(n.Location().From) { // a not in b
				p.op, p.kids = "not "+of.op, of.kids
			}
		}
	case *ast.BinaryNode:
		c.drawBinary(p, n)
	case *ast.ConditionalNode:
		p.op, p.kids = "?:", []*part{made[n.Cond], made[n.Exp1], made[n.Exp2]}
	case *ast.VariableDeclaratorNode:
		p.op, p.kids = "let", []*part{made[n.Value], made[n.Expr]}
		p.from = max(0, strings.LastIndex(c.text.Value[:p.from], "let"))
		if l, ok := t.code.(*let); ok {
			p.local = l.at
		}
	case *ast.IdentifierNode:
		if d, ok := t.code.(*define); ok {
			p.op, p.define = "define", d.program
		}
	case *ast.BuiltinNode:
		c.drawCall(p, n, n.Name, n.Arguments)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			c.drawCall(p, n, callee.Value, n.Arguments)
		} else if callee, ok := n.Callee.(*ast.MemberNode); ok {
			p.op, p.kids = "call", []*part{made[callee.Node]}
		}
	}
	made[n] = p
	if p.op == "value" {
		p.reads = c.readsIn(nil, n)
	}
}

func (c *checker) drawBinary(p *part, n *ast.BinaryNode) {
	op := map[string]string{"and": "&&", "or": "||"}[n.Operator]
	if op == "" {
		op = n.Operator
	}
	kids := []*part{c.sketch.made[n.Left], c.sketch.made[n.Right]}
	switch {
	case op == "&&" || op == "||":
		p.op = op
		for _, kid := range kids {
			if kid.op == op {
				p.kids = append(p.kids, kid.kids...)
			} else {
				p.kids = append(p.kids, kid)
			}
		}
	case op == "??" || isComparison(n):
		p.op, p.kids = op, kids
	}
}

func isComparison(n ast.Node) bool {
	b, ok := n.(*ast.BinaryNode)
	return ok && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "matches"}, b.Operator)
}

// drawCall is the part of a call. What a predicate reads is read by the call.
func (c *checker) drawCall(p *part, n ast.Node, name string, args []ast.Node) {
	p.op = "call"
	l := c.sketch.loops[n]
	if l == nil {
		for _, a := range args {
			p.kids = append(p.kids, c.sketch.made[a])
		}
		return
	}
	p.kids = []*part{c.sketch.made[args[0]]}
	for _, a := range args[1:] {
		p.reads = c.readsIn(p.reads, a)
	}
	if slices.Contains([]string{"any", "all", "none", "one", "filter", "count"}, name) {
		p.op, p.loop = name, l
	}
}

// readsIn adds what a node reads by name, each path once. Behind a name come properties
// and elements as far as no value decides them.
func (c *checker) readsIn(all []readCode, n ast.Node) []readCode {
	if r, ok := c.staticRead(n); ok {
		r.code = c.sketch.made[n].code
		return withReads(all, r)
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if name, ok := c.scope.Lookup(n.Value); ok && name.Define != nil {
			return withReads(all, c.readsOf(name.Define)...)
		}
	case *ast.CallNode:
		kids := n.Arguments
		if callee, ok := n.Callee.(*ast.MemberNode); ok {
			kids = append([]ast.Node{callee.Node}, kids...)
		}
		for _, kid := range kids {
			all = c.readsIn(all, kid)
		}
	default:
		for _, kid := range children(n) {
			all = c.readsIn(all, kid)
		}
	}
	return all
}

// readsOf is what a define reads. Each is looked into once: defines that read defines
// twice would be looked into 2^n times.
func (c *checker) readsOf(p *Program) []readCode {
	if all, ok := c.sketch.defines[p]; ok {
		return all
	}
	in, tree := p.again(c.sketch.defines)
	all := in.readsIn(nil, tree)
	c.sketch.defines[p] = all
	return all
}

func withReads(all []readCode, more ...readCode) []readCode {
	for _, r := range more {
		if !slices.ContainsFunc(all, func(o readCode) bool { return o.path == r.path }) {
			all = append(all, r)
		}
	}
	return all
}

// staticRead is a name of the scope with the properties and elements behind it that
// stand in the text.
func (c *checker) staticRead(n ast.Node) (r readCode, ok bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		name, known := c.scope.Lookup(n.Value)
		known = known && name.Define == nil && c.variable(n.Value) == nil
		return readCode{path: n.Value, name: n.Value}, known
	case *ast.ChainNode:
		return c.staticRead(n.Node)
	case *ast.MemberNode:
		if r, ok = c.staticRead(n.Node); !ok {
			return r, false
		}
		switch at := n.Property.(type) {
		case *ast.StringNode:
			if r.path == r.name {
				r.field = at.Value
			}
			r.path += propertyText(at.Value)
			return r, true
		case *ast.IntegerNode:
			r.path += "[" + strconv.Itoa(at.Value) + "]"
			return r, true
		case *ast.UnaryNode:
			if i, is := at.Node.(*ast.IntegerNode); is && at.Operator == "-" {
				r.path += "[-" + strconv.Itoa(i.Value) + "]"
				return r, true
			}
		}
	}
	return r, false
}

// propertyText is how a property is written behind what it is read from.
func propertyText(name string) string {
	for i := range len(name) {
		if !isWord(name[i]) || i == 0 && name[i] >= '0' && name[i] <= '9' {
			return "[" + strconv.Quote(name) + "]"
		}
	}
	if name == "" {
		return `[""]`
	}
	return "." + name
}

// balance widens the bytes from..to of s until its brackets are balanced, and
// includes an argument list that follows directly. The syntax tree does not say
// where a call or an index ends.
func balance(s string, from, to int) (int, int) {
	open := 0  // brackets to close after to
	close := 0 // brackets to open before from
	count := func(i int) {
		switch s[i] {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			if open > 0 {
				open--
			} else {
				close++
			}
		}
	}
	to = scan(s, from, to, count)
	for open > 0 && to < len(s) {
		to = scan(s, to, to+1, count)
	}
	for to < len(s) && s[to] == '(' && from < to && isWord(s[to-1]) {
		to = scan(s, to, to+1, count)
		for open > 0 && to < len(s) {
			to = scan(s, to, to+1, count)
		}
	}
	for from > 0 && close > 0 {
		from--
		switch s[from] {
		case '(', '[', '{':
			close--
		case ')', ']', '}':
			close++
		}
	}
	return from, to
}

func isWord(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// scan calls count for the bytes from..to that are outside strings, and
// returns where it stopped: beyond to when a string reaches there.
func scan(s string, from, to int, count func(int)) int {
	i := from
	for ; i < to && i < len(s); i++ {
		switch s[i] {
		case '"', '\'', '`':
			i = skipString(s, i)
		default:
			count(i)
		}
	}
	return min(i, len(s))
}
