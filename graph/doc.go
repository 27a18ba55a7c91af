// Package graph holds compiled graphs: nodes, edges, typed state, reducers and
// conditions, resolved and frozen.
//
// A Def is a graph as its author wrote it, with a place in the file for every
// text. Package dsl makes one from YAML; a Go program fills one in itself, with
// diag.Plain in place of positions. Compile checks a Def against the registered
// kinds and gives a Graph, or all problems at once:
//
//	g, problems := graph.Compile(def, kinds)
//	if err := problems.Err(); err != nil {
//		return err
//	}
//
// Compile is the only door. It resolves names, derives the types of expressions
// from the types of the state, compiles every condition, finds loops and nodes that
// nothing can start, refuses nodes that could overwrite each other's state, and
// brings everything into the order of declaration.
//
// A Graph is immutable and safe for concurrent use. Its Hash names its definition:
// the same definition has the same hash in every process. What the graph means, what
// is decided and when, is in package machine; this package evaluates single
// conditions, templates and reducers for it.
package graph
