package cond

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	jsonvalue "github.com/graphrun/graphrun/graph/value"
)

// literals are literals with their places. They travel with the types, through
// `? :`, variables and defines, so that a literal that an enum does not list is
// found wherever it stands.
type literals []enumLiteral

type enumLiteral struct {
	value any
	at    diag.Span
}

func (l literals) and(more literals) literals {
	if len(l) == 0 {
		return more
	}
	return slices.Concat(l, more)
}

// literal checks a literal.
func (c *checker) literal(n ast.Node, v any, t *schema.Type) typed {
	l := value(literal(v), t)
	l.literals = literals{{v, c.at(n.Location())}}
	return l
}

// wantedLiterals reports the literals in t that the wanted enum does not list.
// It returns false when there are none.
func (c *checker) wantedLiterals(t typed, want *schema.Type) bool {
	if want.Enum != nil && (want.Kind == t.typ.Kind || want.Kind == schema.Any) {
		return c.checkLiterals(want, t.literals)
	}
	if want.Kind == schema.List && t.typ.Kind == schema.List && want.Elem.Enum != nil {
		return c.checkLiterals(want.Elem, t.elemLiterals)
	}
	return false
}

// checkLiterals reports the literals that an enum does not list, each at its
// place; that place is in a define when the literal stands there.
func (c *checker) checkLiterals(enum *schema.Type, all literals) (found bool) {
	if enum.Enum == nil {
		return false
	}
	for _, l := range all {
		if !enum.Has(l.value) {
			c.enumValue(l.at, enum, l.value)
			found = true
		}
	}
	return found
}

// enumValue reports one literal that an enum does not list.
func (c *checker) enumValue(at diag.Span, enum *schema.Type, v any) {
	if c.seen != nil {
		c.seen.allowed(enum, v)
	}
	var known []string
	help := ""
	for _, w := range enum.Enum {
		if s, ok := w.(string); ok {
			known = append(known, s)
		}
	}
	if s, ok := v.(string); ok && len(s) > 2 { // any two short words are near
		help = diag.Suggest(s, known)
	}
	if help == "" {
		all := make([]string, len(enum.Enum))
		for i, w := range enum.Enum {
			all[i] = jsonvalue.String(w)
		}
		help = "one of " + strings.Join(all, ", ")
	}
	c.report(diag.EnumValue, at, help, "%s is not a value of %s", jsonvalue.String(v), enum)
}
