package serve

import (
	"github.com/graphrun/graphrun/dsl"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/nodes"
)

// Compile makes a runnable graph of a stored one. It reads the text of the graph if that is
// still the whole of it, since then the places of its conditions are known. Otherwise it
// compiles the definition.
func Compile(kept journal.StoredGraph, kinds *nodes.Registry) (*graph.Graph, error) {
	if len(kept.Source) > 0 {
		if src, problems := dsl.Compile(kept.File, kept.Source, kinds); problems.Err() == nil && src.Graph != nil && src.Graph.Hash == kept.Hash {
			return src.Graph, nil
		}
	}
	return inspect.Compile(kept, kinds)
}

// read compiles a text as if it stood in a file.
func (o *Options) read(file string, text []byte) (*graph.Graph, error) {
	src, problems := dsl.Compile(file, text, o.Kinds)
	return src.Graph, problems.Err()
}
