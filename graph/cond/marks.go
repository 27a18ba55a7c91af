package cond

import (
	"cmp"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// MarkKind says what a name in an expression stands for.
type MarkKind uint8

const (
	MarkName     MarkKind = iota // a name of the scope
	MarkVariable                 // a variable of `let`, or #, #index and #acc
	MarkProperty
	MarkFunction
)

// Mark is a name in an expression, and what it stands for.
type Mark struct {
	Kind     MarkKind
	Name     string
	Of       string       // of a property that is read right from a name of the scope: that name
	From, To int          // bytes of the text
	Type     *schema.Type // of its value at this place, where null checks count; of a function, of the call
	Define   *Program     // of a name of `define`
	Doc      string       // of a function: its signature
}

// Marks lists the names in an expression in the order of the text. An expression with
// problems has them too, if it parses; what a problem keeps from being known is any.
func Marks(text diag.Text, scope *Scope, want Want) []Mark {
	o := observe(text, scope, want)
	if o == nil {
		return nil
	}
	all := make([]Mark, 0, len(o.marks))
	for _, m := range o.marks { // in any order: they are sorted
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Mark) int { return cmp.Compare(a.From, b.From) })
	return all
}

// observer keeps what a checker finds out about names.
type observer struct {
	marks map[int]Mark // by From: the last check of a place counts
	types map[ast.Node]*schema.Type
	hole  string // the name in whose place something is sought; "" for none
	gap   *gap
}

// observe checks an expression and gives what it learned, nil for a text that does not
// parse.
func observe(text diag.Text, scope *Scope, want Want) *observer { return seek("", text, scope, want) }

func seek(hole string, text diag.Text, scope *Scope, want Want) *observer {
	var problems diag.List
	tree, src := parse(text, &problems)
	if tree == nil {
		return nil
	}
	o := &observer{marks: map[int]Mark{}, types: map[ast.Node]*schema.Type{}, hole: hole}
	c := &checker{source: src, scope: scope, problems: &problems, seen: o}
	c.checkRoot(tree, want)
	return o
}

// note keeps what a checked node is.
func (o *observer) note(c *checker, n ast.Node, t typed) {
	o.types[n] = t.typ
	switch n := n.(type) {
	case *ast.IdentifierNode:
		o.name(c, n, t.typ)
	case *ast.PointerNode:
		m := Mark{Kind: MarkVariable, Name: "#" + n.Name, Type: t.typ}
		m.From = c.byteAt(n.Location().From)
		if m.To = m.From + len(m.Name); m.To <= len(c.text.Value) && c.text.Value[m.From:m.To] == m.Name {
			o.marks[m.From] = m // others are not written, as in `.field`
		}
	case *ast.MemberNode:
		o.property(c, n, t.typ)
	case *ast.StringNode:
		if n.Value == o.hole && o.hole != "" && o.gap == nil {
			o.gap = &gap{text: true}
		}
	case *ast.BuiltinNode:
		o.function(c, n, n.Name, t.typ)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			o.function(c, callee, callee.Value, t.typ)
		}
	}
}

func (o *observer) name(c *checker, n *ast.IdentifierNode, t *schema.Type) {
	m := Mark{Name: n.Value, Type: t, From: c.byteAt(n.Location().From), To: c.byteAt(n.Location().To)}
	switch {
	case n.Value == o.hole && o.hole != "":
		o.gap = &gap{vars: slices.Clone(c.vars)}
		if len(c.frames) > 0 {
			o.gap.frame = c.frames[len(c.frames)-1]
		}
		return
	case c.variable(n.Value) != nil:
		m.Kind = MarkVariable
	default:
		name, ok := c.scope.Lookup(n.Value)
		if !ok || name.Forbidden != "" {
			return
		}
		m.Define = name.Define
	}
	o.marks[m.From] = m
}

func (o *observer) property(c *checker, n *ast.MemberNode, t *schema.Type) {
	prop, constant := n.Property.(*ast.StringNode)
	if !constant {
		return
	}
	m := Mark{Kind: MarkProperty, Name: prop.Value, Type: t, From: c.byteAt(prop.Location().From), To: c.byteAt(prop.Location().To)}
	base := o.types[n.Node]
	if id, ok := n.Node.(*ast.IdentifierNode); ok && c.variable(id.Value) == nil {
		if name, ok := c.scope.Lookup(id.Value); ok && name.Forbidden == "" {
			m.Of, base = name.Name, name.Type
			o.name(c, id, name.Type) // the checker reads a field of a record without it
		}
	}
	if prop.Value == o.hole && o.hole != "" {
		o.gap = &gap{of: base, member: true}
		return
	}
	o.marks[m.From] = m
}

func (o *observer) function(c *checker, at ast.Node, name string, t *schema.Type) {
	if f := lookFunction(name); f != nil {
		from := c.byteAt(at.Location().From)
		o.marks[from] = Mark{Kind: MarkFunction, Name: name, From: from, To: from + len(name), Type: t, Doc: f.doc}
	}
}

// allowed notes the values that a literal may have in the place of the hole.
func (o *observer) allowed(enum *schema.Type, v any) {
	if o.hole != "" && v == o.hole {
		o.gap = &gap{text: true, enum: enum}
	}
}
