// Package schema holds the JSON Schema of graph files, for editors and other
// tools. The file is made from the tables of package dsl and of the kinds.
package schema

import _ "embed"

//go:embed graph.schema.json
var graphSchema []byte

// Graph is the JSON Schema (2020-12) of a graph file. The caller owns the copy.
func Graph() []byte { return append([]byte(nil), graphSchema...) }
