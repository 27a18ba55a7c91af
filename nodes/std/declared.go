package std

import (
	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// outputField is the entry of `with` that declares the type of what comes.
func outputField(of string) graph.Field {
	return graph.Field{Name: "output", Type: "any", Literal: true, Doc: "The type of " + of + ", as a JSON Schema or its short spelling. What came is checked: a value that does not fit is kind `output`, and `writes` knows the type. Default: no check."}
}

// Fitted checks v, which came from outside, against the type that the task's `with`
// declares as `output`, and returns its canonical form. typ is the compiled type; v is
// returned as it is when nothing is declared. The error has kind "output".
func Fitted(t nodes.Task, typ *schema.Type, v any) (any, error) {
	with, _ := t.With.(map[string]any)
	if typ == nil || with["output"] == nil {
		return v, nil
	}
	v, err := typ.Check("output", v)
	if err != nil {
		return nil, nodes.Errorf("output", "%v", err)
	}
	return v, nil
}

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
