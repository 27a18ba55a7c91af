// Package cond is the expression language of conditions, writes and templates:
// expr, as github.com/expr-lang/expr parses it, with graphrun's types and
// graphrun's guarantees.
//
// The parser and the syntax tree are expr's. The checker (types from the
// state's JSON Schemas, enums, null-narrowing) and the evaluator (null rules,
// 64-bit overflow, sorted maps, bounded work and memory) are our own, because
// expr's cannot give them; docs/adr/0002 says why. A differential test holds
// the two evaluators against each other wherever they are meant to agree.
package cond

import (
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

// Record is an object whose fields are known by position: the compiler turns
// `state.todos` into Field(i), without a map.
type Record interface {
	Field(i int) any
	Len() int
}

// Env is what one evaluation sees. It may be reused for any number of
// programs of the same scope as long as the slots do not change (values of
// defines are kept); call Reset when they do. Not safe for concurrent use.
type Env struct {
	Slots []any // by Name.Slot: a canonical value, a Record, a time.Time, or nil
	memo  []memo
	stack []any // the evaluator's own, kept between evaluations
	work  int
}

type memo struct {
	done  bool
	value any
	err   error
}

// Reset forgets the values of defines: some slot has changed.
func (e *Env) Reset() { clear(e.memo) }

// Want says what an expression is for.
type Want struct {
	Condition bool         // must be boolean (or null, which counts as false)
	Type      *schema.Type // when set: the value must fit this type (literals are checked against its enums and properties)
}

// Program is a compiled expression: immutable and shareable.
type Program struct {
	text diag.Text
	typ  *schema.Type
	// (the compiled form)
}

// Compile parses, checks and compiles one expression. All its problems are
// returned at once, each at its place; with errors the program is nil.
func Compile(text diag.Text, scope *Scope, want Want) (*Program, diag.List) { panic("contract") }

// Text is the source.
func (p *Program) Text() diag.Text { return p.text }

// Type is the type that was inferred.
func (p *Program) Type() *schema.Type { return p.typ }

// Error is a failure while an expression ran.
type Error struct {
	Span    diag.Span
	Message string
	Limit   bool // the bound on work or memory was reached
}

func (e *Error) Error() string { return e.Message }

// Eval gives the value in canonical form, or an *Error. It never panics, and
// its work and memory are bounded.
func (p *Program) Eval(env *Env) (any, error) { panic("contract") }

// Holds evaluates a condition; null counts as false.
func (p *Program) Holds(env *Env) (bool, error) { panic("contract") }

// Reads says what the value depends on, through defines too.
type Reads struct {
	Slots  uint64        // bit i: Env.Slots[i] is read
	Fields map[int][]int // per Record slot: the fields that are read, ascending
	Whole  uint64        // bit i: the Record in slot i is read as a whole
}

// Reads is fixed at compile time.
func (p *Program) Reads() Reads { panic("contract") }
