package cond

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/schema"
	jsonvalue "github.com/graphrun/graphrun/graph/value"
)

// words are literals with their places. They travel with the types, through
// `? :`, variables and defines, so that one that is no word of an enum is found
// wherever it stands.
type words []word

type word struct {
	value any
	at    diag.Span
}

func (w words) and(more words) words {
	if len(w) == 0 {
		return more
	}
	return slices.Concat(w, more)
}

// word is a literal.
func (c *checker) word(n ast.Node, v any, t *schema.Type) typed {
	w := value(literal(v), t)
	w.words = words{{v, c.at(n.Location())}}
	return w
}

// wantedWords reports literals that are no words of the enum that is wanted:
// false when there are none.
func (c *checker) wantedWords(t typed, want *schema.Type) bool {
	if want.Enum != nil && (want.Kind == t.typ.Kind || want.Kind == schema.Any) {
		return c.enumWords(want, t.words)
	}
	if want.Kind == schema.List && t.typ.Kind == schema.List && want.Elem.Enum != nil {
		return c.enumWords(want.Elem, t.elems)
	}
	return false
}

// enumWords reports those of the literals that are no words of an enum, each
// at its place: in a define where it stands there.
func (c *checker) enumWords(enum *schema.Type, all words) (found bool) {
	if enum.Enum == nil {
		return false
	}
	for _, w := range all {
		if !enum.Has(w.value) {
			c.enumValue(w.at, enum, w.value)
			found = true
		}
	}
	return found
}

// enumValue reports a literal that is no word of an enum.
func (c *checker) enumValue(at diag.Span, enum *schema.Type, v any) {
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
