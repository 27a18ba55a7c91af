package std

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
)

// declared is the type that the author declares in an entry of `with`, or other
// where there is none.
func declared(c graph.Config, entry string, other *schema.Type) *schema.Type {
	tree := c.Tree.Get(entry)
	if tree == nil || c.Types == nil {
		return other
	}
	t, _ := c.Types.Compile(tree)
	return t
}

// checkDeclared reports what is wrong with such a type.
func checkDeclared(entry string) func(graph.Config, func(diag.Code, diag.Span, string, string, ...any)) {
	return func(c graph.Config, report func(diag.Code, diag.Span, string, string, ...any)) {
		tree := c.Tree.Get(entry)
		if tree == nil || c.Types == nil {
			return
		}
		_, problems := c.Types.Compile(tree)
		for _, p := range problems {
			report(p.Code, p.Span, p.Help, "%s", p.Message)
		}
	}
}
