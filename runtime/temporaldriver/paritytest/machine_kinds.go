package paritytest

import (
	"context"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// MachineKinds are the kinds of the tests of package graph/machine: work and talk, whose results
// a case says, and those that the engine does itself, which take any `with`.
func MachineKinds() *nodes.Registry {
	r := nodes.NewRegistry()
	for _, k := range []graph.Kind{
		{Name: "set", Inline: true, NoDefaults: true, Output: func(c graph.Config) *schema.Type { return c.Type }},
		{Name: "send", Sends: true},
		{Name: "talk", Talks: true},
		{Name: "work"},
		{Name: "graph", Runs: true, NoDefaults: true},
		{Name: "wait", Waits: true, NoDefaults: true},
		{Name: "approval", Waits: true, NoDefaults: true, Output: func(graph.Config) *schema.Type {
			return schema.ObjectOf(
				schema.Prop{Name: "approved", Type: schema.BooleanType, Required: true},
				schema.Prop{Name: "comment", Type: schema.StringType.OrNull(), Required: true},
				schema.Prop{Name: "by", Type: schema.StringType.OrNull(), Required: true},
			)
		}},
	} {
		k.Open = true
		s := nodes.Spec{Kind: k}
		if k.Name == "work" || k.Name == "talk" {
			s.Node = scripted{}
		}
		if err := r.Register(s); err != nil {
			panic(err) // of this list
		}
	}
	return r
}

// scripted is work that only a case can do.
type scripted struct{}

func (scripted) Run(context.Context, nodes.Task) (nodes.Result, error) {
	return nodes.Result{}, nodes.Permanent(nodes.Errorf("error", "nobody says what this attempt comes to"))
}
