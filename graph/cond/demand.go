package cond

import (
	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// Demand is what programs ask of a value whose type nobody has declared, as the output of
// a program: its properties, elements and kinds, as far as they can be read off the
// texts. It is a guess that helps to make up such values, and checks nothing.
type Demand struct {
	name string
	root shape
}

// NewDemand asks about the value that expressions call name.
func NewDemand(name string) *Demand { return &Demand{name: name} }

// Add reads one more program.
func (d *Demand) Add(p *Program) { d.AddFor(p, p.want.Type) }

// AddFor is Add for a program whose value is to fit a type; nil means any.
func (d *Demand) AddFor(p *Program, want *schema.Type) {
	var ignored diag.List
	node, _ := parse(p.text, &ignored)
	if node == nil {
		return
	}
	if p.want.Condition {
		want = schema.BooleanType
	}
	a := asking{d: d}
	a.need(node, want, 0)
}

// Type is the type of values that the programs can work with; Any if they ask for nothing.
func (d *Demand) Type() *schema.Type { return d.root.build(0) }

// shape is what is known of one part of the value.
type shape struct {
	typ   *schema.Type // that it has to fit; nil if nothing is known
	null  bool         // null will do
	props []*shapeProp
	elem  *shape
}

type shapeProp struct {
	name string
	shape
}

func (s *shape) prop(name string) *shape {
	for _, p := range s.props {
		if p.name == name {
			return &p.shape
		}
	}
	p := &shapeProp{name: name}
	s.props = append(s.props, p)
	return &p.shape
}

func (s *shape) element() *shape {
	if s.elem == nil {
		s.elem = &shape{}
	}
	return s.elem
}

// fit notes a type that the part has to fit. The first one that says something counts.
func (s *shape) fit(t *schema.Type) {
	if s == nil || t == nil || t.Kind == schema.Any && t.Enum == nil {
		return
	}
	if s.typ == nil || len(s.typ.Props) == 0 && s.typ.Enum == nil && s.typ.Kind == t.Kind {
		s.typ = t
	}
}

func (s *shape) build(depth int) *schema.Type {
	t := schema.AnyType
	switch {
	case depth > maxNesting:
		return t
	case len(s.props) > 0:
		var props []schema.Prop
		if s.typ != nil && s.typ.Kind == schema.Object {
			props = append(props, s.typ.Props...)
		}
		object := &schema.Type{Kind: schema.Object}
		for _, p := range s.props {
			own := schema.Prop{Name: p.name, Type: p.build(depth + 1), Required: true}
			found := false
			for i := range props {
				if props[i].Name == p.name {
					if own.Type.Kind == schema.Any {
						own.Type = props[i].Type
					}
					props[i], found = own, true
				}
			}
			if !found {
				props = append(props, own)
			}
		}
		object.Props = props
		t = object
	case s.elem != nil:
		elem := s.elem.build(depth + 1)
		if s.typ != nil && s.typ.Kind == schema.List {
			if elem.Kind == schema.Any {
				return s.typ // with all that it says about the list
			}
		}
		t = schema.ListOf(elem)
	case s.typ != nil:
		t = s.typ
	}
	if s.null && !t.Nullable {
		t = t.OrNull()
	}
	return t
}

// asking reads one text.
type asking struct {
	d       *Demand
	element *shape // what # stands for; nil if that is no part of the value
	vars    []shapeVar
}

type shapeVar struct {
	name string
	of   *shape
}

// part is the part of the value that a node stands for; nil for none.
func (a *asking) part(n ast.Node) *shape {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		for i := len(a.vars) - 1; i >= 0; i-- {
			if a.vars[i].name == n.Value {
				return a.vars[i].of
			}
		}
		if n.Value == a.d.name {
			return &a.d.root
		}
	case *ast.PointerNode:
		return a.element
	case *ast.ChainNode:
		return a.part(n.Node)
	case *ast.MemberNode:
		of := a.part(n.Node)
		if of == nil {
			return nil
		}
		switch prop := n.Property.(type) {
		case *ast.StringNode:
			if n.Optional {
				of.null = true
			}
			return of.prop(prop.Value)
		case *ast.IntegerNode:
			return of.element()
		}
	case *ast.SliceNode:
		return a.part(n.Node)
	case *ast.BinaryNode:
		if n.Operator == "??" {
			return a.part(n.Left)
		}
	case *ast.BuiltinNode:
		return a.partOfCall(n.Name, n.Arguments)
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			return a.partOfCall(id.Value, n.Arguments)
		}
	}
	return nil
}

// partOfCall is the part that a function gives back as it is, or an element of it.
func (a *asking) partOfCall(name string, args []ast.Node) *shape {
	if len(args) == 0 {
		return nil
	}
	switch name {
	case "filter", "sort", "sortBy", "reverse", "uniq", "take":
		return a.part(args[0])
	case "first", "last", "find", "findLast":
		if of := a.part(args[0]); of != nil {
			return of.element()
		}
	}
	return nil
}

// need notes that the value of a node has to fit a type; nil means any.
func (a *asking) need(n ast.Node, t *schema.Type, depth int) {
	if depth > maxNesting {
		return
	}
	if s := a.part(n); s != nil {
		s.fit(t)
	}
	switch n := n.(type) {
	case *ast.ChainNode:
		a.need(n.Node, t, depth+1)
	case *ast.UnaryNode:
		a.need(n.Node, unaryNeeds(n.Operator), depth+1)
	case *ast.BinaryNode:
		a.needBinary(n, t, depth+1)
	case *ast.ConditionalNode:
		a.need(n.Cond, schema.BooleanType, depth+1)
		a.need(n.Exp1, t, depth+1)
		a.need(n.Exp2, t, depth+1)
	case *ast.VariableDeclaratorNode:
		a.need(n.Value, nil, depth+1)
		a.vars = append(a.vars, shapeVar{n.Name, a.part(n.Value)})
		a.need(n.Expr, t, depth+1)
		a.vars = a.vars[:len(a.vars)-1]
	case *ast.MapNode:
		for _, pair := range n.Pairs {
			p, ok := pair.(*ast.PairNode)
			if !ok {
				continue
			}
			key, _ := p.Key.(*ast.StringNode)
			a.need(p.Value, propertyOf(t, key), depth+1)
		}
	case *ast.ArrayNode:
		for _, e := range n.Nodes {
			a.need(e, elementOf(t), depth+1)
		}
	case *ast.SequenceNode:
		for i, e := range n.Nodes {
			if i == len(n.Nodes)-1 {
				a.need(e, t, depth+1)
			} else {
				a.need(e, nil, depth+1)
			}
		}
	case *ast.MemberNode:
		a.need(n.Node, nil, depth+1)
		if _, name := n.Property.(*ast.StringNode); !name {
			a.need(n.Property, nil, depth+1)
		}
	case *ast.BuiltinNode:
		a.needCall(n.Name, n.Arguments, t, depth+1)
	case *ast.CallNode:
		if id, ok := n.Callee.(*ast.IdentifierNode); ok {
			a.needCall(id.Value, n.Arguments, t, depth+1)
		}
	case *ast.PredicateNode:
		a.need(n.Node, t, depth+1)
	case *ast.SliceNode:
		a.need(n.Node, t, depth+1)
	}
}

func unaryNeeds(operator string) *schema.Type {
	if operator == "not" || operator == "!" {
		return schema.BooleanType
	}
	return schema.NumberType
}

func propertyOf(t *schema.Type, key *ast.StringNode) *schema.Type {
	if t == nil || key == nil {
		return nil
	}
	if p, ok := t.Prop(key.Value); ok {
		return p.Type
	}
	return t.Rest
}

func elementOf(t *schema.Type) *schema.Type {
	if t == nil || t.Kind != schema.List {
		return nil
	}
	return t.Elem
}

func (a *asking) needBinary(n *ast.BinaryNode, t *schema.Type, depth int) {
	left, right := t, t
	switch n.Operator {
	case "&&", "||", "and", "or":
		left, right = schema.BooleanType, schema.BooleanType
	case "==", "!=":
		left, right = literalType(n.Right), literalType(n.Left)
	case "<", "<=", ">", ">=":
		left, right = literalType(n.Right), literalType(n.Left)
		if left == nil && right == nil {
			left, right = schema.NumberType, schema.NumberType
		}
	case "in", "not in":
		left, right = nil, nil
		if list, ok := n.Right.(*ast.ArrayNode); ok && len(list.Nodes) > 0 {
			left = literalType(list.Nodes[0])
		} else {
			right = schema.ListOf(nil)
		}
	case "contains", "startsWith", "endsWith", "matches":
		left, right = schema.StringType, schema.StringType
	case "-", "*", "/", "%", "**", "^":
		if t == nil || t.Kind != schema.Integer {
			left, right = schema.NumberType, schema.NumberType
		}
	case "..":
		left, right = schema.IntegerType, schema.IntegerType
	case "??":
		if s := a.part(n.Left); s != nil {
			s.null = true
		}
	}
	a.need(n.Left, left, depth)
	a.need(n.Right, right, depth)
}

// literalType is the type of a constant; nil for all else.
func literalType(n ast.Node) *schema.Type {
	switch n.(type) {
	case *ast.StringNode:
		return schema.StringType
	case *ast.IntegerNode:
		return schema.IntegerType
	case *ast.FloatNode:
		return schema.NumberType
	case *ast.BoolNode:
		return schema.BooleanType
	}
	return nil
}

// needCall reads the arguments of a function by its parameters.
func (a *asking) needCall(name string, args []ast.Node, t *schema.Type, depth int) {
	f := lookFunction(name)
	if len(args) == 0 || f == nil {
		return
	}
	if f.loop != nil {
		a.needLoop(name, args, t, depth)
		return
	}
	for i, arg := range args {
		var want *schema.Type
		switch {
		case name == "len" || name == "first" || name == "last":
			want = nil
			if s := a.part(arg); s != nil && s.typ == nil && len(s.props) == 0 {
				s.element()
			}
		case i < len(f.params):
			want = f.params[i].demand()
		}
		if i == 0 && t != nil && t.Kind == schema.List && want != nil && want.Kind == schema.List && want.Elem.Kind == schema.Any {
			want = t // what orders or shortens a list
		}
		a.need(arg, want, depth)
	}
}

// demand is the type that an argument has to fit, as far as one kind will do.
func (p *param) demand() *schema.Type {
	if len(p.kinds) == 0 {
		return nil
	}
	t := &schema.Type{Kind: p.kinds[0]}
	switch t.Kind {
	case schema.List:
		t.Elem = schema.AnyType
		if len(p.elems) > 0 {
			t.Elem = &schema.Type{Kind: p.elems[0]}
			if t.Elem.Kind == schema.List {
				t.Elem.Elem = schema.AnyType
			}
		}
	case schema.Object:
		t.Rest = schema.AnyType
	case schema.Time, schema.Duration:
		return schema.StringType
	}
	return t
}

// needLoop reads a call with a predicate.
func (a *asking) needLoop(name string, args []ast.Node, t *schema.Type, depth int) {
	var list, body *schema.Type
	switch name {
	case "map":
		body = elementOf(t)
	case "filter", "sortBy":
		list = t
	case "sum":
		body = schema.NumberType
	case "groupBy":
		body = schema.StringType
	}
	if name == "filter" || name == "all" || name == "any" || name == "none" || name == "one" || name == "count" || name == "find" || name == "findLast" {
		body = schema.BooleanType
	}
	a.need(args[0], list, depth)
	outer := a.element
	a.element = nil
	if s := a.part(args[0]); s != nil {
		a.element = s.element()
	} else {
		a.element = outerElement(args[0], a, outer)
	}
	for _, arg := range args[1:] {
		if p, ok := arg.(*ast.PredicateNode); ok {
			a.need(p.Node, body, depth)
		} else {
			a.need(arg, nil, depth)
		}
	}
	if len(args) == 1 && name == "sum" && a.element != nil {
		a.element.fit(schema.NumberType)
	}
	a.element = outer
}

// outerElement is what # stands for over a list that is read with the # around it.
func outerElement(list ast.Node, a *asking, outer *shape) *shape {
	a.element = outer
	defer func() { a.element = nil }()
	if s := a.part(list); s != nil {
		return s.element()
	}
	return nil
}
