// Package dsl reads graphs that are written in YAML: text becomes a positioned
// document, the document is checked against one table of fields, and what fits
// becomes a graph.Def. All problems are reported at once, each at its place.
//
// The walk: bounds.go refuses what no parser should see; yaml.go (the only
// file that knows yaml.v3) turns the text into tree.Nodes, with position.go
// finding where each character of a scalar stands; yaml_gotchas.go knows how YAML eats
// parts of an expression; table.go describes every object of the language,
// check.go holds a document against it, and build.go makes the Def. The same
// table is the source of the JSON Schema (jsonschema.go) and of the field
// reference (reference.go).
package dsl
