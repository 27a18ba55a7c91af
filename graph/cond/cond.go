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

	// Define is the program of a name of `define`. Its value is computed at most
	// once per Env, and Slot is its number among the defines, not a place in
	// Env.Slots.
	Define *Program

	// Forbidden, when not "", marks a name that exists elsewhere and must not be
	// used here. The text is the help of the problem, and Code its code (default:
	// unknown-name).
	Forbidden string
	Code      diag.Code
}

// Scope is an immutable set of names. Inner names hide outer ones.
type Scope struct {
	outer *Scope
	names map[string]Name
}

// NewScope returns an outermost scope with the given names.
func NewScope(names ...Name) *Scope { return (*Scope)(nil).With(names...) }

// With returns a scope with the names of s and the given ones.
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

// Lookup returns the innermost name that is called name.
func (s *Scope) Lookup(name string) (Name, bool) {
	for ; s != nil; s = s.outer {
		if n, ok := s.names[name]; ok {
			return n, true
		}
	}
	return Name{}, false
}

// Names lists all names, also those that must not be used, sorted.
func (s *Scope) Names() []string {
	var names []string
	for ; s != nil; s = s.outer {
		for name := range s.names { // in any order: they are sorted
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
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

// Want says what an expression is for. The zero Want accepts any value.
type Want struct {
	Condition bool         // must be boolean (or null, which counts as false)
	Type      *schema.Type // if not nil, the value must fit it, and literals its enums and properties
}

// Program is a compiled expression. It is immutable and safe for concurrent use.
type Program struct {
	text    diag.Text
	typ     *schema.Type
	code    code
	test    testCode
	scope   *Scope
	want    Want
	reads   Reads
	locals  int     // how many places it needs in Env.stack
	verdict verdict // what is known of its value at load, also where a define uses it
	timely  bool    // a moment or a duration can be in the value; Eval writes them as text
	shared  bool    // the value can hold one part many times; Eval measures it

	literals     literals
	elemLiterals literals
}

// Compile parses, checks and compiles one expression. It returns all problems at
// once, each at its place in the file. With errors the program is nil; with
// warnings alone it is not.
func Compile(text diag.Text, scope *Scope, want Want) (*Program, diag.List) {
	p, _, problems := CompileUses(text, scope, want, nil)
	return p, problems
}

// CompileUses is Compile that also gives what Uses does. parsed may be nil.
func CompileUses(text diag.Text, scope *Scope, want Want, parsed *Parsed) (*Program, []Use, diag.List) {
	var problems diag.List
	tree, src := parsed.parse(text, &problems)
	if tree == nil {
		return nil, nil, problems
	}
	uses := usesIn(tree, src) // the checker keeps the tree as it is
	c := &checker{source: src, scope: scope, problems: &problems}
	t := c.checkRoot(tree, want)
	if problems.HasErrors() {
		problems.Sort()
		return nil, uses, problems
	}
	return &Program{
		text: text, typ: t.typ, code: t.code, test: asTest(t.code, c.span(t.from, t.to)), scope: scope, want: want,
		reads: c.reads.done(), locals: c.locals, timely: c.timely, shared: c.shared,
		literals: t.literals, elemLiterals: t.elemLiterals, verdict: t.verdict,
	}, uses, problems
}

// Text returns the source.
func (p *Program) Text() diag.Text { return p.text }

// Type returns the inferred type of the value.
func (p *Program) Type() *schema.Type { return p.typ }

// Reads returns what the value depends on. Callers must not change its map.
func (p *Program) Reads() Reads { return p.reads }
