// Package dsl reads graphs that are written in YAML: text becomes a positioned
// document, the document is checked against one table of fields, and what fits
// becomes a graph.Def. All problems are reported at once, each at its place.
//
// bounds.go refuses texts that no parser should see. yaml.go, the only file that
// imports yaml.v3, turns the text into tree.Nodes: yaml_mask.go hides from yaml.v3
// what only YAML 1.1 reads as syntax, yaml_strict.go reports what yaml.v3 drops
// silently, yaml_gotchas.go knows how YAML cuts expressions, yaml_recover.go finds the
// place of an error that yaml.v3 does not locate, and position.go finds the place of
// each character of a scalar. table.go describes every object of the language,
// check.go checks a document against it, and build.go makes the Def. suppress.go
// drops problems of the compiler that follow from parts that could not be read. The
// table is also the source of the JSON Schema (jsonschema.go) and of the field
// reference (reference.go). The study files answer what an editor asks about places of a
// text. They read it in parts (parts.go), so that a keystroke costs no more than what it
// changes, and a line that is being typed leaves the rest readable.
package dsl
