// Package schema holds the JSON Schema of graph files, for editors and other
// tools. The file is generated from the tables of package dsl and of the kinds.
package schema
