package cond

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// list checks a list literal, and its elements against those of the wanted
// list.
func (c *checker) list(n *ast.ArrayNode, want *schema.Type) typed {
	var wantElem *schema.Type
	if want != nil && want.Kind == schema.List {
		wantElem = want.Elem
	}
	code := &list{at: c.at(n.Location())}
	elem := schema.NothingType
	var work float64
	var found literals
	for _, it := range n.Nodes {
		t := c.check(it, wantElem)
		elem = schema.Join(elem, t.typ)
		code.items = append(code.items, t.code)
		work += t.work
		found = found.and(t.literals)
	}
	c.shared = true
	t := value(code, schema.ListOf(elem))
	t.size, t.work, t.fitted, t.elemLiterals = len(n.Nodes), work, wantElem != nil, found
	return t
}

// object checks an object literal, and its values against the properties of the
// wanted object.
func (c *checker) object(n *ast.MapNode, want *schema.Type) typed {
	if want != nil && want.Kind != schema.Object {
		want = nil
	}
	code := &object{at: c.at(n.Location())}
	typ := &schema.Type{Kind: schema.Object}
	seen := map[string]bool{}
	var work float64
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		name, constant := pair.Key.(*ast.StringNode)
		if !constant {
			c.dynamicEntry(code, typ, pair, want)
			continue
		}
		c.touch(name.Location())
		if seen[name.Value] {
			c.report(diag.ExprSyntax, c.at(name.Location()), "", "the key %q is given twice", name.Value)
		}
		seen[name.Value] = true
		v := c.check(pair.Value, c.entryWant(want, name))
		code.keys = append(code.keys, literal(name.Value))
		code.values = append(code.values, v.code)
		typ.Props = append(typ.Props, schema.Prop{Name: name.Value, Type: v.typ, Required: true})
		work += v.work
	}
	if want != nil && typ.Rest == nil {
		c.lacking(n, want, seen)
	}
	c.shared = true
	t := value(code, typ)
	t.work, t.fitted = work, want != nil
	return t
}

func (c *checker) dynamicEntry(code *object, typ *schema.Type, pair *ast.PairNode, want *schema.Type) {
	var wantRest *schema.Type
	if want != nil && len(want.Props) == 0 {
		wantRest = want.Rest
	}
	k := c.check(pair.Key, nil)
	c.needs(k, c.place(k), "a key of an object", schema.String)
	v := c.check(pair.Value, wantRest)
	code.keys = append(code.keys, k.code)
	code.values = append(code.values, v.code)
	if typ.Rest == nil {
		typ.Rest = schema.NothingType
	}
	typ.Rest = schema.Join(typ.Rest, v.typ)
}

// entryWant returns the declared type of an entry, or nil. It reports an entry
// that is not declared.
func (c *checker) entryWant(want *schema.Type, name *ast.StringNode) *schema.Type {
	if want == nil {
		return nil
	}
	if p, ok := want.Prop(name.Value); ok {
		if !p.Required {
			return p.Type.OrNull()
		}
		return p.Type
	}
	if want.Rest == nil && len(want.Props) > 0 {
		c.report(diag.UnknownProperty, c.at(name.Location()), propertyHelp(want, name.Value),
			"%s has no property %q", describe(want), name.Value)
	}
	return want.Rest
}

// lacking reports required properties that an object literal does not have.
func (c *checker) lacking(n *ast.MapNode, want *schema.Type, seen map[string]bool) {
	for _, p := range want.Props {
		if p.Required && !seen[p.Name] {
			c.report(diag.ExprType, c.at(n.Location()), "", "the property %q of %s is missing", p.Name, describe(want))
		}
	}
}

// let declares a variable for the rest of the expression.
func (c *checker) let(n *ast.VariableDeclaratorNode, want *schema.Type) typed {
	v := c.check(n.Value, nil)
	at := c.at(n.Location())
	if _, taken := c.scope.Lookup(n.Name); taken || c.variable(n.Name) != nil || lookFunction(n.Name) != nil {
		c.report(diag.BadName, at, "choose another name", "%q is taken", n.Name)
	}
	i := c.newLocal()
	c.vars = append(c.vars, variable{name: n.Name, local: i, value: v})
	rest := c.check(n.Expr, want)
	c.vars = c.vars[:len(c.vars)-1]
	t := rest
	t.code, t.fitted = &let{at: i, value: v.code, rest: rest.code}, true
	t.work = v.work + rest.work
	return t
}

// sequence is a; b: its value is the last one's.
func (c *checker) sequence(n *ast.SequenceNode, want *schema.Type) typed {
	code := &sequence{}
	var t typed
	for i, it := range n.Nodes {
		w := want
		if i < len(n.Nodes)-1 {
			w = nil
		}
		t = c.check(it, w)
		code.steps = append(code.steps, t.code)
	}
	t.code, t.fitted = code, true
	return t
}

// fit reports a value that does not fit the wanted type.
func (c *checker) fit(t typed, want *schema.Type) {
	m := schema.Assign(want, t.typ)
	if m == nil {
		return
	}
	help := ""
	switch {
	case m.Null:
		help = "give a value for null, as in (x ?? " + sample(m.To) + ")"
	case m.To.Kind == schema.String:
		help = "string(x) makes text of a value"
	}
	c.report(diag.ExprType, c.place(t), help, "%s", m)
}

// needs reports an operand that may be null, or is of none of the kinds.
func (c *checker) needs(t typed, at diag.Span, what string, kinds ...schema.Kind) bool {
	if t.typ.Nullable && t.typ.Kind != schema.Any {
		c.maybeNull(t.typ, at, what)
		return false
	}
	for _, k := range kinds {
		if accepts(t.typ, k) || k == schema.Number && t.typ.Kind == schema.Integer {
			return true
		}
	}
	help := ""
	if len(kinds) == 1 && kinds[0] == schema.Integer {
		help = intHelp(t.typ)
	}
	if kinds[0] == schema.String && t.typ.Kind != schema.List && t.typ.Kind != schema.Object {
		help = "string(x) makes text of a value"
	}
	c.report(diag.ExprType, at, help, "%s must be %s, not %s", what, kindWords(kinds), t.typ)
	return false
}

func kindWords(kinds []schema.Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = "a " + k.String()
		if k == schema.Integer || k == schema.Object {
			words[i] = "an " + k.String()
		}
	}
	return orWords(words)
}

// orWords lists alternatives: "a, b or c".
func orWords(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// folded computes an operator with constant operands, so that a condition that
// is always true is reported. One that fails is left to fail when it runs.
func (c *checker) folded(t typed, operands ...typed) typed {
	for _, o := range operands {
		if _, ok := constantOf(o.code); !ok {
			return t
		}
	}
	if t.typ == schema.AnyType || t.code == nil {
		return t
	}
	if _, isRange := t.code.(*span); isRange {
		return t
	}
	e := &Env{}
	v := t.code.eval(e)
	if e.err != nil {
		return t
	}
	switch v.(type) {
	case bool, int64, float64, string:
		t.code = literal(v)
	}
	if b, ok := v.(bool); ok {
		t.verdict = verdictOf(b)
	}
	return t
}

func countText(n int) string {
	if n > 1<<40 {
		return "more than 2^40"
	}
	return strconv.Itoa(n)
}

// shorten bounds a value that a message quotes.
func shorten(s string) string { return diag.Shorten(s, 60) }
