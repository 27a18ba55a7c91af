package cond

import (
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
)

// Name is one name that an expression may use.
type Name struct {
	Name string
	Type *schema.Type
	Slot int // the place of its value in Env.Slots

	// Record says that the value in Env is a Record, whose fields are read by
	// the position of the property in Type.Props.
	Record bool

	// Define is set for a name of `define`: its value is that program's,
	// computed once per Env and kept there in Env.memo[Slot]. (Slot then counts
	// defines, not Env.Slots.)
	Define *Program

	// Forbidden, when not "", says that the name exists elsewhere and may not
	// be used here: the text becomes the help, Code the code of the problem.
	Forbidden string
	Code      diag.Code
}

// Scope is an immutable set of names. Inner names hide outer ones.
type Scope struct {
	outer *Scope
	names map[string]Name
}

// NewScope is the outermost scope.
func NewScope(names ...Name) *Scope { return (*Scope)(nil).With(names...) }

// With is s and some more names.
func (s *Scope) With(names ...Name) *Scope {
	if s != nil && len(names) == 0 {
		return s
	}
	in := &Scope{outer: s, names: make(map[string]Name, len(names))}
	for _, n := range names {
		in.names[n.Name] = n
	}
	return in
}

// Lookup finds a name.
func (s *Scope) Lookup(name string) (Name, bool) {
	for ; s != nil; s = s.outer {
		if n, ok := s.names[name]; ok {
			return n, true
		}
	}
	return Name{}, false
}

// usable lists the names that may be used, sorted.
func (s *Scope) usable() []string {
	var names []string
	for at := s; at != nil; at = at.outer {
		for name := range at.names { // in any order: they are sorted
			if n, _ := s.Lookup(name); n.Forbidden == "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Record is an object whose fields are known by position: the compiler turns
// `state.todos` into Field(i), without a map.
type Record interface {
	Field(i int) any
	Len() int
}

// Want says what an expression is for.
type Want struct {
	Condition bool         // must be boolean (or null, which counts as false)
	Type      *schema.Type // when set: the value must fit this type (literals are checked against its enums and properties)
}

// Program is a compiled expression: immutable and shareable.
type Program struct {
	text    diag.Text
	typ     *schema.Type
	code    code
	test    testCode
	root    *part
	reads   Reads
	locals  int     // how many places of Env.stack it needs
	verdict verdict // where its value is known at load, also for what uses it as a define
	timely  bool    // a moment or a duration may be in the value: Eval writes them as text
	shared  bool    // the value may hold one part many times over: Eval measures it

	literals     literals
	elemLiterals literals
}

// Compile parses, checks and compiles one expression. All its problems are
// returned at once, each at its place; with errors the program is nil, with
// warnings alone it is not.
func Compile(text diag.Text, scope *Scope, want Want) (*Program, diag.List) {
	var problems diag.List
	tree := parse(text, &problems)
	if tree == nil {
		return nil, problems
	}
	c := &checker{source: newSource(text), scope: scope, problems: &problems}
	t := c.checkRoot(tree, want)
	if problems.HasErrors() {
		problems.Sort()
		return nil, problems
	}
	return &Program{
		text: text, typ: t.typ, code: t.code, test: asTest(t.code, c.span(t.from, t.to)), root: c.partOf(t),
		reads: c.reads.done(), locals: c.locals, timely: c.timely, shared: c.shared,
		literals: t.literals, elemLiterals: t.elemLiterals, verdict: t.verdict,
	}, problems
}

// Text is the source.
func (p *Program) Text() diag.Text { return p.text }

// Type is the type that was inferred.
func (p *Program) Type() *schema.Type { return p.typ }

// Reads is fixed at compile time. Its map is shared and not to be changed.
func (p *Program) Reads() Reads { return p.reads }
