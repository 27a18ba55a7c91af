package graph

import (
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
)

// compileElements compiles what a for_each makes of its elements' outputs, and when it has
// enough of them. It returns the type of its list `output`. inner are the names of the
// element, output is the type of one run.
func (c *compiler) compileElements(n *Node, inner []cond.Name, output *schema.Type) *schema.Type {
	d, f := n.Def.ForEach, n.ForEach
	added := output
	if d.Yield.Value != "" {
		if f.Yield = c.expr(d.Yield, c.scopesOf(n).base.With(inner...).With(outputName(output)), cond.Want{}); f.Yield != nil {
			added = f.Yield.Type()
		} else {
			added = schema.AnyType
		}
	}
	if f.OnFailure == Keep {
		added = added.OrNull()
	}
	n.element = inner[0].Type
	f.Until = c.condition(d.Until, c.scopesOf(n).base.With(c.resultsName(n, output, "pending", "running")...))
	return schema.ListOf(added)
}

// resultsName returns the results of a for_each as a name in scope. more are states in
// which an element may be besides those of its end. A define of this name comes first.
func (c *compiler) resultsName(n *Node, output *schema.Type, more ...string) []cond.Name {
	if _, taken := c.scopes.base.Lookup("results"); taken {
		return nil
	}
	words := append(slices.Clone(more), "succeeded", "failed", "cancelled")
	one := schema.ObjectOf(required("item", n.element), required("key", schema.StringType), required("index", schema.IntegerType),
		required("status", schema.EnumOf(schema.String, anyOf(words)...)), required("output", output.OrNull()), required("error", errorType.OrNull()))
	return []cond.Name{{Name: "results", Type: schema.ListOf(one), Slot: SlotResults}}
}

func anyOf(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

// readsResults reports whether a condition is about the results of a for_each, so that
// its type is known when the outputs of the nodes are.
func (c *compiler) readsResults(d *EdgeDef) bool {
	if len(d.After) > 0 || d.When.Value == "" {
		return false
	}
	if _, taken := c.scopes.base.Lookup("results"); taken {
		return false
	}
	return strings.Contains(d.When.Value, "results") && slices.ContainsFunc(cond.Uses(d.When), func(u cond.Use) bool { return u.Name == "results" })
}

// compileLate compiles the conditions over results, each in the scope of its source.
func (c *compiler) compileLate() {
	for i := range c.g.Edges {
		e := &c.g.Edges[i]
		d := &c.def.Edges[e.def]
		if e.Else || !c.readsResults(d) {
			continue
		}
		scope := c.scopesOf(&c.g.Nodes[e.To]).edge(e.Outcome)
		if e.From == Start || c.g.Nodes[e.From].ForEach == nil {
			c.condition(d.When, scope.With(forbidden(noResults, "", "results")...))
			continue
		}
		n := &c.g.Nodes[e.From]
		e.When = c.condition(d.When, scope.With(c.resultsName(n, n.Output)...))
	}
}
