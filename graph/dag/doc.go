// Package dag gives a compiled graph as a value of the library
// github.com/dominikbraun/graph, for programs that want its algorithms: paths,
// transitive reduction, drawing.
//
// Only programs that import this package link that library. Nothing in graphrun
// does: the compiler and the engine work on the slices of graph.Graph.
package dag
