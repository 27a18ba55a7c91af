package std

import (
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/nodes"
)

// graphKind has no work here: an engine runs the graph as a stack of its own.
func graphKind() nodes.Spec {
	return nodes.Spec{Kind: graph.Kind{
		Name: "graph",
		Doc: "Runs another graph file as a node: one cycle of it, or several with `until`. It is a durable stack of its own, with its own state: after a crash it continues where it was. " +
			"Its final state is the output, and it is removed once that is committed. It fails when the graph does, or when its cycle is a failed one. " +
			"It holds no slot; the tasks of the inner graph use the pools of that graph. Without a `pause` in the inner graph its cycles follow each other at once; its `schedule` is ignored, and so is its `limits.cycles` when it runs for one cycle.",
		Fields: []graph.Field{
			{Name: "file", Type: "string", Required: true, Literal: true, Doc: "The graph file, relative to this one, in the folder of the outermost graph or below."},
			{Name: "params", Type: "map(any)", Doc: "The parameters of the graph."},
			{Name: "state", Type: "map(any)", Doc: "Initial values of its state."},
			{Name: "until", Type: "string", Literal: true, Doc: "A condition over its state: cycles follow each other until it holds at the end of one. Default: one cycle."},
			{Name: "max_cycles", Type: "integer", Doc: "How many cycles `until` may take; one more fails the node with kind `limit`. Default: 100."},
		},
		Output:     output(schema.MapOf(nil)),
		NoDefaults: true,
		Runs:       true,
	}}
}
