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
		Doc: "Runs another graph file as a node. It is a durable stack of its own, with its own state, and part of its parent: pause, resume, stop, cancel, wake and limits reach it, and its records are kept with those of its parent. " +
			"Without `until` it is one pass, as under `once`: the node is over when nothing in it waits any more, and the inner `limits.cycles`, `stop`, `pause` and `schedule` do not count. With `until` they do, and without a `pause` or `schedule` the cycles follow each other at once. " +
			"While all that it does is wait for somebody outside, the node waits too. Its final state is the output. It fails when the inner graph does, with the inner kind, code, message and output, and the place in `path` (`check/lint`). " +
			"It holds no slot; the tasks of the inner graph use the pools of that graph.",
		Fields: []graph.Field{
			{Name: "file", Type: "string", Required: true, Literal: true, Doc: "The graph file, relative to this one, in the folder of the outermost graph or below."},
			{Name: "params", Type: "map(any)", Doc: "The parameters of the graph."},
			{Name: "state", Type: "map(any)", Doc: "Initial values of its state."},
			{Name: "until", Type: "string", Literal: true, Doc: "A condition over its state: cycles follow each other until it holds at the end of one; what still waits is cancelled then. Default: one pass."},
			{Name: "max_cycles", Type: "integer", Doc: "How many cycles `until` may take, idle ones not counted; one more fails the node with kind `limit`. Default: 100."},
		},
		Output:     output(schema.MapOf(nil)),
		NoDefaults: true,
		Runs:       true,
	}}
}
