package cond

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// variable is a name that `let` declares.
type variable struct {
	name  string
	local int
	value typed
}

// frame is a predicate: what #, #index and #acc are inside it.
type frame struct {
	elem      *schema.Type
	elemLocal int
	index     int // local, -1 until it is used
	acc       int // local, -1 until it is used
	accType   *schema.Type
}

func (c *checker) newLocal() int {
	c.locals++
	return c.locals - 1
}

func (c *checker) variable(name string) *variable {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i].name == name {
			return &c.vars[i]
		}
	}
	return nil
}

// name resolves an identifier: variables first, then the scope.
func (c *checker) name(n *ast.IdentifierNode) typed {
	if v := c.variable(n.Value); v != nil {
		t := v.value
		return typed{code: local{v.local}, typ: t.typ, yes: t.yes, no: t.no, size: t.size, literals: t.literals, elemLiterals: t.elemLiterals}
	}
	name, ok := c.lookup(n)
	if !ok {
		return broken()
	}
	switch {
	case name.Define != nil:
		c.reads.define(name.Define)
		c.timely = c.timely || name.Define.timely
		c.shared = c.shared || name.Define.shared
		t := value(&define{slot: name.Slot, program: name.Define}, name.Type)
		t.literals, t.elemLiterals = name.Define.literals, name.Define.elemLiterals
		t.verdict = name.Define.verdict
		return t
	case name.Record:
		c.reads.whole(name.Slot)
		return value(&record{slot: slot{name.Slot}, typ: name.Type, at: c.at(n.Location())}, name.Type)
	}
	c.reads.slot(name.Slot)
	for _, p := range name.Type.Props { // `cycle` as a whole has a moment in it
		c.timely = c.timely || p.Type.Kind == schema.Time
	}
	return value(slot{name.Slot}, name.Type)
}

// lookup finds a name in the scope. It reports a name that is missing or
// forbidden.
func (c *checker) lookup(n *ast.IdentifierNode) (Name, bool) {
	at := c.at(n.Location())
	name, ok := c.scope.Lookup(n.Value)
	if ok && name.Forbidden != "" {
		code := name.Code
		if code == "" {
			code = diag.UnknownName
		}
		c.report(code, at, name.Forbidden, "%q is not in scope here", n.Value)
		return name, false
	}
	if !ok {
		c.report(diag.UnknownName, at, c.nameHelp(n.Value), "unknown name %q", n.Value)
	}
	return name, ok
}

func (c *checker) nameHelp(name string) string {
	if help := nameHints[name]; help != "" {
		return help
	}
	if lookFunction(name) != nil {
		return "it is a function: write " + name + "(…)"
	}
	known := c.scope.usable()
	for _, v := range c.vars {
		known = append(known, v.name)
	}
	// A key of the state without its prefix is the most frequent mistake.
	for _, outer := range known {
		if n, ok := c.scope.Lookup(outer); ok && n.Type != nil && n.Record {
			if _, ok := n.Type.Prop(name); ok {
				return "did you mean \"" + outer + "." + name + "\"?"
			}
		}
	}
	if help := diag.Suggest(name, known); help != "" {
		return help
	}
	if len(known) == 0 {
		return ""
	}
	return "in scope: " + someOf(known)
}

// pointer resolves #, #index and #acc.
func (c *checker) pointer(n *ast.PointerNode) typed {
	if len(c.frames) == 0 {
		return c.report(diag.ExprSyntax, c.at(n.Location()), "", "# is known in predicates only")
	}
	f := c.frames[len(c.frames)-1]
	switch n.Name {
	case "":
		return value(local{f.elemLocal}, f.elem)
	case "index":
		if f.index < 0 {
			f.index = c.newLocal()
		}
		return value(local{f.index}, schema.IntegerType)
	case "acc":
		if f.accType != nil {
			if f.acc < 0 {
				f.acc = c.newLocal()
			}
			return value(local{f.acc}, f.accType)
		}
	}
	at := c.span(n.Location().From, n.Location().From+1+len(n.Name))
	return c.report(diag.UnknownName, at, "#, #index and, in reduce, #acc are known", "unknown name \"#%s\"", n.Name)
}

// member is a.b, a["b"] and a[i].
func (c *checker) member(n *ast.MemberNode) typed {
	prop, constant := n.Property.(*ast.StringNode)
	if !constant {
		return c.index(n)
	}
	c.touch(prop.Location())
	at := c.at(prop.Location())
	if id, ok := n.Node.(*ast.IdentifierNode); ok && c.variable(id.Value) == nil {
		if name, ok := c.scope.Lookup(id.Value); ok && name.Record && name.Forbidden == "" {
			c.touch(id.Location())
			return c.recordField(name, prop.Value, at)
		}
	}
	base := c.check(n.Node, nil)
	t := c.propertyType(base.typ, prop.Value, at, path(n.Node))
	return value(&property{of: base.code, name: prop.Value, at: at}, t)
}

// recordField is a field of a Record, read by its position.
func (c *checker) recordField(name Name, prop string, at diag.Span) typed {
	for i, p := range name.Type.Props {
		if p.Name == prop {
			c.reads.field(name.Slot, i)
			t := p.Type
			if !p.Required || name.Type.Nullable {
				t = t.OrNull()
			}
			return value(&field{slot: name.Slot, at: i, name: prop}, t)
		}
	}
	var known []string
	for _, p := range name.Type.Props {
		known = append(known, p.Name)
	}
	return c.report(diag.UnknownProperty, at, suggestOr(prop, known), "%q has no property %q", name.Name, prop)
}

// path returns the text of a chain of names such as `state.box`, or "" for any
// other expression.
func path(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.ChainNode:
		return path(n.Node)
	case *ast.MemberNode:
		prop, constant := n.Property.(*ast.StringNode)
		if of := path(n.Node); of != "" && constant {
			return of + "." + prop.Value
		}
	}
	return ""
}

// propertyType is the type of a property; reading it from null gives null. path
// is the name of the object for messages, or "".
func (c *checker) propertyType(of *schema.Type, name string, at diag.Span, path string) *schema.Type {
	switch of.Kind {
	case schema.Any:
		c.withoutType(of, at)
		return schema.AnyType
	case schema.Null:
		return schema.NullType
	case schema.Object:
		if p, ok := of.Prop(name); ok {
			if !p.Required || of.Nullable {
				return p.Type.OrNull()
			}
			return p.Type
		}
		if of.Rest != nil {
			return of.Rest.OrNull()
		}
	}
	what, help := describe(of), propertyHelp(of, name)
	if lookMethod(of.Kind, name) != nil {
		help = "write x." + name + "()"
	}
	if path != "" && of.Kind == schema.Object && of.Name == "" {
		what = strconv.Quote(path)
	}
	if (path == "params" || path == "secrets") && len(of.Props) == 0 {
		help = "declare it in `" + path + "`"
	}
	c.report(diag.UnknownProperty, at, help, "%s has no property %q", what, name)
	return schema.AnyType
}

// withoutType reports that a value is read whose type has keywords of an object
// or a list, but no `type`: it may be of any other kind.
func (c *checker) withoutType(of *schema.Type, at diag.Span) {
	switch of.Lacks {
	case schema.Object:
		c.report(diag.Untyped, at, "write `type: object` beside its keywords", `the type of this value cannot be known: its schema has no "type"`)
	case schema.List:
		c.report(diag.Untyped, at, "write `type: array` beside its keywords", `the type of this value cannot be known: its schema has no "type"`)
	}
}

// describe names a type in the subject of a message.
func describe(t *schema.Type) string {
	if t.Name != "" {
		return `"` + t.Name + `"`
	}
	return t.String()
}

func propertyHelp(of *schema.Type, name string) string {
	switch of.Kind {
	case schema.Object:
		if len(of.Props) == 0 {
			return "declare its properties, or use map(T)"
		}
		var known []string
		for _, p := range of.Props {
			known = append(known, p.Name)
		}
		return suggestOr(name, known)
	case schema.List:
		if name == "length" || name == "size" || name == "count" {
			return "write len(x)"
		}
		return "a list's elements have properties: any(x, ." + name + " == …), first(x)." + name
	case schema.String:
		if name == "length" || name == "size" {
			return "write len(x)"
		}
	}
	return ""
}

// someOf lists the first few of many words.
func someOf(words []string) string {
	const most = 20
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " and " + strconv.Itoa(len(words)-most) + " more"
	}
	return strings.Join(words, ", ")
}

// suggestOr suggests a similar word, or lists the known ones when they are few.
func suggestOr(word string, known []string) string {
	if help := diag.Suggest(word, known); help != "" {
		return help
	}
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	return "there are: " + strings.Join(known, ", ")
}

// index is a[i] with anything but a string literal in the brackets.
func (c *checker) index(n *ast.MemberNode) typed {
	base := c.check(n.Node, nil)
	key := c.check(n.Property, nil)
	at := c.place(key)
	t := schema.AnyType
	switch base.typ.Kind {
	case schema.Any, schema.Null:
		c.withoutType(base.typ, at)
	case schema.List:
		if !accepts(key.typ, schema.Integer) {
			c.report(diag.ExprType, at, intHelp(key.typ), "a list is indexed by an integer, not %s", key.typ)
		}
		if key.typ.Nullable && key.typ.Kind != schema.Any {
			c.maybeNull(key.typ, at, "the index of a list")
		}
		t = base.typ.Elem
		if base.typ.Nullable {
			t = t.OrNull()
		}
	case schema.Object:
		if !accepts(key.typ, schema.String) {
			c.report(diag.ExprType, at, "", "an object is indexed by a string, not %s", key.typ)
		}
		t = anyProperty(base.typ)
	default:
		help := ""
		if base.typ.Kind == schema.String {
			help = "a part of a string is x[0:1]"
		}
		return c.report(diag.ExprType, c.at(n.Location()), help, "%s cannot be indexed", base.typ)
	}
	return value(&index{of: base.code, key: key.code, at: c.at(n.Location())}, t)
}

// anyProperty is the type of a property whose name is not known at load.
func anyProperty(t *schema.Type) *schema.Type {
	if len(t.Props) == 0 && t.Rest == nil {
		return schema.AnyType
	}
	out := schema.NullType
	for _, p := range t.Props {
		out = schema.Join(out, p.Type)
	}
	if t.Rest != nil {
		out = schema.Join(out, t.Rest)
	}
	return out
}

// accepts reports whether a value of t can be of the kind.
func accepts(t *schema.Type, kind schema.Kind) bool {
	return t.Kind == kind || t.Kind == schema.Any
}

func intHelp(t *schema.Type) string {
	if t.Kind == schema.Number {
		return "int(x) cuts a number to an integer"
	}
	return ""
}

// maybeNull reports a value that may be null where it must not.
func (c *checker) maybeNull(t *schema.Type, at diag.Span, what string) {
	if t.Kind == schema.Null {
		c.report(diag.ExprType, at, "compare with nil by == or !=", "%s must not be null", what)
		return
	}
	c.report(diag.ExprType, at, "give a value for null, as in (x ?? "+sample(t)+"), or check x != nil before",
		"%s may be null (%s)", what, t)
}

func sample(t *schema.Type) string {
	switch t.Kind {
	case schema.Integer, schema.Number:
		return "0"
	case schema.String:
		return `""`
	case schema.List:
		return "[]"
	case schema.Boolean:
		return "false"
	case schema.Object:
		return "{}"
	}
	return "…"
}

// slice is a[from:to] of a list or a string.
func (c *checker) slice(n *ast.SliceNode) typed {
	base := c.check(n.Node, nil)
	s := &slice{of: base.code, at: c.at(n.Location())}
	s.from, s.to = c.bound(n.From), c.bound(n.To)
	switch base.typ.Kind {
	case schema.Any, schema.List, schema.Null:
		return value(s, base.typ)
	case schema.String:
		t := schema.StringType
		if base.typ.Nullable {
			t = t.OrNull()
		}
		return value(s, t)
	}
	return c.report(diag.ExprType, s.at, "", "%s cannot be sliced", base.typ)
}

func (c *checker) bound(n ast.Node) intCode {
	if n == nil {
		return nil
	}
	t := c.check(n, nil)
	c.needs(t, c.place(t), "a bound of a slice", schema.Integer)
	return asInt(t.code, c.place(t))
}
