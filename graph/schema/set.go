package schema

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/tree"
)

// Named is one entry of a graph's `types`.
type Named struct {
	Name   diag.Text
	Schema *tree.Node
}

// Set is the named types of a graph: the names that schemas may use. It is
// immutable once built.
type Set struct {
	order []string
	named map[string]*entry
}

// Names is the names of the types, in declaration order.
func (s *Set) Names() []string { return s.order }

type entry struct{}

// NewSet compiles the named types, which may use each other.
func NewSet(named []Named) (*Set, diag.List) { panic("contract") }

// Compile compiles one schema.
func (s *Set) Compile(n *tree.Node) (*Type, diag.List) { panic("contract") }
