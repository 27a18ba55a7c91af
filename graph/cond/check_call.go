package cond

import (
	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// call checks a call of a builtin, with or without a predicate.
func (c *checker) call(n ast.Node, name string, args []ast.Node) typed {
	f := lookFunction(name)
	if f == nil {
		return c.unknownFunction(n, name, args)
	}
	if f.loop != nil {
		return c.predicate(n, f, args)
	}
	at := c.at(n.Location())
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		c.report(diag.ExprType, at, f.usage(), "%s takes %s, not %d", name, f.arity(), len(args))
		return c.arguments(args)
	}
	k := &call{function: f, at: at}
	ok := true
	checked := make([]typed, len(args))
	work := float64(0)
	for i, a := range args {
		t := c.check(a, nil)
		checked[i] = t
		k.args = append(k.args, t.code)
		k.places = append(k.places, c.place(t))
		ok = c.argument(f, i, t) && ok
		work += t.work
	}
	if !ok {
		return broken()
	}
	problems := len(*c.problems)
	t := f.result(c, k, checked)
	if t.code == nil {
		t.code = k
	}
	if len(*c.problems) == problems {
		c.tryConstant(k)
	}
	c.shared = c.shared || f.shares
	t.work += work
	return t
}

// tryConstant runs a call of constants, and reports its failure where it stands: the
// expression could only fail there.
func (c *checker) tryConstant(k *call) {
	for _, a := range k.args {
		if _, ok := constantOf(a); !ok {
			return
		}
	}
	e := &Env{}
	if k.eval(e); e.err != nil && !e.err.Limit { // what costs too much is reported as that
		c.report(diag.ExprType, e.err.Span, "", "%s", e.err.Message)
	}
}

// argument checks one argument against the function's parameter.
func (c *checker) argument(f *function, i int, t typed) bool {
	p := f.params[min(i, len(f.params)-1)]
	at := c.place(t)
	if t.typ.Kind == schema.Any {
		return true
	}
	if t.typ.Nullable {
		if p.null {
			return true
		}
		c.maybeNull(t.typ, at, "the argument of "+f.name)
		return false
	}
	if len(p.kinds) > 0 && !c.needs(t, at, "the argument of "+f.name, p.kinds...) {
		return false
	}
	if len(p.elems) == 0 || t.typ.Kind != schema.List {
		return true
	}
	e := t.typ.Elem
	if e.Kind == schema.Any {
		return true
	}
	if e.Nullable {
		c.report(diag.ExprType, at, "map(list, # ?? …) or filter(list, # != nil) first",
			"the elements of the list may be null (%s)", t.typ)
		return false
	}
	for _, k := range p.elems {
		if e.Kind == k {
			return true
		}
	}
	c.report(diag.ExprType, at, "", "%s needs a list of %s, not %s", f.name, elemWords(p.elems), t.typ)
	return false
}

func elemWords(kinds []schema.Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = k.String() + "s"
	}
	return orWords(words)
}

// arguments checks the arguments of a call that has a problem itself.
func (c *checker) arguments(args []ast.Node) typed {
	for _, a := range args {
		if p, ok := a.(*ast.PredicateNode); ok {
			c.body(&frame{elem: schema.AnyType, index: -1, acc: -1, accType: schema.AnyType, elemLocal: c.newLocal()}, p)
			continue
		}
		c.check(a, nil)
	}
	return broken()
}

func (c *checker) unknownFunction(n ast.Node, name string, args []ast.Node) typed {
	c.report(diag.UnknownFunction, c.at(n.Location()), functionHelp(name), "unknown function %q", name)
	return c.arguments(args)
}

func functionHelp(name string) string {
	if help := functionHints[name]; help != "" {
		return help
	}
	return diag.Suggest(name, functionNames())
}

// callOther checks a call of anything but a builtin: a method or a name.
func (c *checker) callOther(n *ast.CallNode) typed {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		if _, ok := c.scope.Lookup(callee.Value); ok || c.variable(callee.Value) != nil {
			c.report(diag.UnknownFunction, c.at(callee.Location()), "write "+callee.Value+" without parentheses",
				"%q is not a function", callee.Value)
			return c.arguments(n.Arguments)
		}
		if lookFunction(callee.Value) != nil { // the parser does not know those that expr lacks
			return c.call(n, callee.Value, n.Arguments)
		}
		return c.unknownFunction(callee, callee.Value, n.Arguments)
	case *ast.MemberNode:
		return c.method(n, callee)
	}
	c.report(diag.UnknownFunction, c.at(n.Location()), "", "only functions can be called")
	return c.arguments(n.Arguments)
}

// method checks a call x.f(…). Only moments and durations have methods.
func (c *checker) method(n *ast.CallNode, callee *ast.MemberNode) typed {
	base := c.check(callee.Node, nil)
	prop, ok := callee.Property.(*ast.StringNode)
	if !ok {
		c.report(diag.UnknownFunction, c.at(n.Location()), "", "only functions can be called")
		return c.arguments(n.Arguments)
	}
	at := c.at(prop.Location())
	if m := lookMethod(base.typ.Kind, prop.Value); m != nil {
		if len(n.Arguments) > 0 {
			c.report(diag.ExprType, at, "write x."+prop.Value+"()", "%s takes no arguments, not %d", prop.Value, len(n.Arguments))
			return c.arguments(n.Arguments)
		}
		if !c.operand(base, "."+prop.Value, at) {
			return broken()
		}
		return value(&methodCall{of: base.code, method: m, at: at}, m.result)
	}
	var help string
	switch {
	case lookFunction(prop.Value) != nil:
		help = "there are no methods: write " + prop.Value + "(x)"
	case functionHints[prop.Value] != "":
		help = functionHints[prop.Value]
	default:
		help = diag.Suggest(prop.Value, methodNames(base.typ.Kind))
	}
	c.report(diag.UnknownFunction, at, help, "unknown function %q", prop.Value)
	return c.arguments(n.Arguments)
}

// predicate checks a function that runs a predicate for each element.
func (c *checker) predicate(n ast.Node, f *function, args []ast.Node) typed {
	at := c.at(n.Location())
	list := c.check(args[0], nil)
	ok := c.needs(list, c.place(list), "the argument of "+f.name, schema.List)
	elem := schema.AnyType
	if list.typ.Kind == schema.List && list.typ.Elem != schema.NothingType {
		elem = list.typ.Elem
	}
	l := &loop{name: f.name, list: list.code, index: -1, acc: -1, at: at}
	fr := &frame{elem: elem, elemLocal: c.newLocal(), index: -1, acc: -1}
	l.elem = fr.elemLocal
	var body typed
	nodes := c.nodes
	switch {
	case len(args) > 1:
		p, isPredicate := args[1].(*ast.PredicateNode)
		if !isPredicate {
			return c.report(diag.ExprSyntax, at, f.usage(), "%s needs a predicate", f.name)
		}
		if f.name == "reduce" {
			body = c.reduceBody(fr, l, p, args, elem)
		} else {
			body = c.body(fr, p)
		}
	default:
		body = value(local{fr.elemLocal}, elem)
		body.from, body.to = list.from, list.to
	}
	l.index, l.acc = fr.index, fr.acc
	l.cost = 1 + c.nodes - nodes
	l.body = body.code
	if f.loop.test {
		l.test = c.boolean(body, diag.NotBoolean, c.place(body))
	}
	if len(args) > 2 && f.name == "sortBy" {
		l.desc = c.direction(args[2])
	}
	l.finish = f.loop.run
	if c.sketch != nil {
		c.sketch.loops[n] = l
	}
	if !ok {
		return broken()
	}
	t := f.loop.result(c, l, list, body, elem)
	if t.code == nil {
		t.code = l
	}
	c.shared = c.shared || f.shares
	t.work += list.work + float64(list.size)*(float64(l.cost)+body.work)
	if t.work > maxWork {
		c.report(diag.ExprTooCostly, at, "", "%s runs its predicate too often", f.name)
		t.work = 0
	}
	return t
}

// body checks the body of a predicate, in which #, #index and #acc are known.
func (c *checker) body(f *frame, p *ast.PredicateNode) typed {
	c.frames = append(c.frames, f)
	t := c.check(p.Node, nil)
	c.frames = c.frames[:len(c.frames)-1]
	return t
}

// direction reads sortBy's order, which is a literal.
func (c *checker) direction(n ast.Node) (desc bool) {
	t := c.check(n, nil)
	v, _ := constantOf(t.code)
	if v != "asc" && v != "desc" {
		c.report(diag.ExprType, c.place(t), "", `the order must be "asc" or "desc"`)
	}
	return v == "desc"
}

// reduceBody finds the type of the accumulator. It begins with the type of the
// first value and widens it until the value of the body fits.
func (c *checker) reduceBody(f *frame, l *loop, p *ast.PredicateNode, args []ast.Node, elem *schema.Type) typed {
	f.accType = elem
	if len(args) > 2 {
		init := c.check(args[2], nil)
		l.init, l.first = init.code, init.typ
		f.accType = init.typ
	}
	for range 3 {
		problems, nodes := *c.problems, c.nodes
		t := c.body(f, p)
		wide := schema.Join(f.accType, t.typ)
		if wide == f.accType || schema.Assign(f.accType, t.typ) == nil && f.accType.Kind == wide.Kind && !unknownParts(f.accType) {
			return t
		}
		*c.problems, c.nodes = problems[:len(problems):len(problems)], nodes
		f.accType = wide
	}
	f.accType = schema.AnyType
	return c.body(f, p)
}

// unknownParts reports whether a list type came from an empty literal.
func unknownParts(t *schema.Type) bool {
	return t.Kind == schema.List && t.Elem == schema.NothingType
}
