package schema

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
	"github.com/graphrun/graphrun/internal/late"
)

// Named is one entry of a graph's `types`.
type Named struct {
	Name   diag.Text
	Schema *tree.Node
}

// Set is the named types of a graph: the names that schemas may use. It is
// immutable once built, and safe for concurrent use.
type Set struct {
	order []string
	named map[string]*entry
	files []fileTypes
	seen  func(name string, at diag.Span) // nil for NewSet
}

var nameForm = late.Regexp(`^[A-Za-z_][A-Za-z0-9_]*$`)

// shortNames are the words of the short spelling that no type may be named.
var shortNames = []string{"string", "integer", "number", "boolean", "object", "any", "list", "map", "null", "array"}

// NewSet compiles the named types. They may use each other, also recursively if a
// property or a list is between them. The Set is never nil: of a type with an error
// it has the parts that could be read, so that the rest of the graph can be checked.
// Schemas may also refer to types of the files.
func NewSet(named []Named, files ...File) (*Set, diag.List) {
	return NewWatchedSet(nil, named, files...)
}

// NewWatchedSet is NewSet that calls seen, if it is not nil, for each name of a type that
// schemas use, also for one that is not known. Schemas of files are not
// among them. Compile calls it too, so a watched set is not safe for concurrent use.
func NewWatchedSet(seen func(name string, at diag.Span), named []Named, files ...File) (*Set, diag.List) {
	s := &Set{seen: seen, named: make(map[string]*entry, len(named)+1)}
	s.named[MessageType.Name] = &entry{name: MessageType.Name, typ: MessageType, state: compiled}
	c := &compiler{set: s, open: map[*Type]bool{}}
	c.compileFiles(files)
	for _, n := range named {
		name := n.Name.Value
		at := n.Name.Sub(0, len(name))
		switch {
		case slices.Contains(shortNames, name):
			c.problems.Add(diag.BadName, at, "", "type name %q stands for a built-in type", name)
		case !nameForm().MatchString(name):
			c.problems.Add(diag.BadName, at, "", "type name %q must be letters, digits and \"_\", and not begin with a digit", name)
		case name == MessageType.Name:
			c.problems.Add(diag.BadName, at, "every graph has a type of that name", "type name %q stands for a built-in type", name)
		case s.named[name] != nil:
			c.problems.Add(diag.DuplicateKey, at, "", "type %q is declared twice", name)
		default:
			s.order = append(s.order, name)
			s.named[name] = &entry{name: name, node: n.Schema, typ: &Type{}}
		}
	}
	for _, name := range s.order {
		c.enter(s.named[name])
	}
	c.settle()
	return s, c.problems
}

// Names returns the names of the types, in declaration order.
func (s *Set) Names() []string { return s.order }

// Type returns a type by its name.
func (s *Set) Type(name string) (*Type, bool) {
	e := s.named[name]
	if e == nil {
		return nil, false
	}
	return e.typ, true
}

// Compile compiles one schema, or its short spelling. The type is never nil: with
// errors it has the parts that could be read, or is any. A nil node is any.
func (s *Set) Compile(n *tree.Node) (*Type, diag.List) {
	if n == nil {
		return AnyType, nil
	}
	c := &compiler{set: s, open: map[*Type]bool{}}
	t := c.schema(n, place{})
	c.settle()
	return t, c.problems
}

// entry is one name that a schema may refer to: of `types`, or of $defs.
type entry struct {
	name  string
	node  *tree.Node
	defs  *defs // the $defs that its own schema sees
	typ   *Type // the address is fixed before it is compiled: types may point in circles
	state entryState
}

type entryState uint8

const (
	fresh entryState = iota
	compiling
	compiled
)

// defs is the $defs of a schema, and those around it.
type defs struct {
	outer *defs
	named map[string]*entry
}

func (d *defs) lookup(name string) *entry {
	for ; d != nil; d = d.outer {
		if e := d.named[name]; e != nil {
			return e
		}
	}
	return nil
}

// compiler compiles schemas, and reports every problem of them at its place.
//
// Types may point at types that are not complete yet; what must look into one
// (an alias, a union, `T?`) waits in `waiting` until it is.
type compiler struct {
	set      *Set
	problems diag.List
	open     map[*Type]bool // not complete yet
	waiting  []wait
	chain    []link // the names that are being compiled, outermost first
}

type wait struct {
	t    *Type
	on   []*Type
	fill func()
}

// link is one name in the chain of names, and whether the name before it
// stands for the same value (and not for a property or an element of it).
type link struct {
	e    *entry
	same bool
}

// fill completes t once all of on are complete.
func (c *compiler) fill(t *Type, on []*Type, fill func()) {
	if !slices.ContainsFunc(on, func(o *Type) bool { return c.open[o] }) {
		fill()
		delete(c.open, t)
		return
	}
	c.open[t] = true
	c.waiting = append(c.waiting, wait{t, on, fill})
}

// settle completes what is left. Only a recursion, which has been reported by
// then, can leave a type that waits for itself.
func (c *compiler) settle() {
	for len(c.waiting) > 0 {
		before := len(c.waiting)
		again := c.waiting
		c.waiting = nil
		for _, w := range again {
			c.fill(w.t, w.on, w.fill)
		}
		if len(c.waiting) == before {
			for _, w := range c.waiting {
				*w.t = *AnyType
			}
			return
		}
	}
}

// refer gives the type of e as seen from p, compiling it when it is new.
func (c *compiler) refer(e *entry, p place, at diag.Span) *Type {
	if e.state == compiled {
		return e.typ
	}
	if e.state == compiling && c.recursive(e, p) {
		c.problems.Add(diag.Recursion, at, "put a property or a list between",
			"type %q is defined by itself", e.name)
		return AnyType
	}
	if e.state == fresh {
		c.chain = append(c.chain, link{e, p.same})
		c.enterChained(e)
		c.chain = c.chain[:len(c.chain)-1]
	}
	return e.typ
}

// recursive reports whether every step from e to here stands for one value.
func (c *compiler) recursive(e *entry, p place) bool {
	same := p.same
	for i := len(c.chain) - 1; i >= 0 && same; i-- {
		if c.chain[i].e == e {
			return true
		}
		same = c.chain[i].same
	}
	return false
}

func (c *compiler) enter(e *entry) {
	if e.state == fresh {
		c.chain = append(c.chain[:0], link{e, false})
		c.enterChained(e)
	}
}

func (c *compiler) enterChained(e *entry) {
	e.state = compiling
	c.open[e.typ] = true
	var t *Type
	if e.node == nil {
		t = AnyType
	} else {
		t = c.schema(e.node, place{same: true, defs: e.defs})
	}
	c.fill(e.typ, []*Type{t}, func() {
		*e.typ = *t
		e.typ.Name = e.name
		at := e.defs
		if t.src != nil && t.src.node == e.node {
			at = t.src.defs // its own
		}
		e.typ.src = &source{node: e.node, set: c.set, defs: at, name: e.name, nullable: t.Nullable}
	})
	e.state = compiled
}

// place is where a schema stands: what it may refer to, and how strictly its
// kind is read.
type place struct {
	defs  *defs
	same  bool // it stands for the same value as the name that is being compiled
	part  bool // a member of allOf, anyOf, if …: keywords alone do not fix the kind
	depth int
}

func (p place) inside() place { p.same, p.part, p.depth = false, false, p.depth+1; return p }
func (p place) beside() place { p.part, p.depth = true, p.depth+1; return p }

// maxSchemaDepth bounds the nesting of one schema.
const maxSchemaDepth = 100

// quoted returns the text of a node for a message.
func quoted(n *tree.Node) string {
	switch n.Kind {
	case tree.String:
		return fmt.Sprintf("%.60q", n.Text.Value)
	case tree.Null:
		return "null"
	case tree.List, tree.Map:
		return "a " + n.Kind.String()
	}
	return fmt.Sprintf("%.60s", n.Text.Value)
}
