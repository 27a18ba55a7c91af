package std

import (
	"fmt"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// Registry is a new registry with all kinds of this package, for a program to
// add its own to.
func Registry() *nodes.Registry {
	r := nodes.NewRegistry()
	for _, s := range []nodes.Spec{
		set(), execKind(), httpKind(), fail(),
		agent(), approval(), wait(), graphKind(), send(), mcp(), memory(),
	} {
		if err := r.Register(s); err != nil {
			panic(fmt.Sprintf("std: %v", err)) // the table above is wrong, not its user
		}
	}
	return r
}

func set() nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{
		Name: "set",
		Doc: "Gives its `with`, evaluated, as its output: `{}` without one. " +
			"It is the way to write a computed value into the state. It does no work, takes no slot and cannot fail but by an expression.",
		Open:       true,
		Inline:     true,
		NoDefaults: true,
		Output:     withType,
	}}
}

// withType is the type of the configuration itself.
func withType(c graph.Config) *schema.Type {
	if c.Type == nil {
		return schema.ObjectOf()
	}
	return c.Type
}
