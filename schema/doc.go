// Package schema holds the JSON Schemas of graph files and of test files, for
// editors and other tools. They are generated from the tables of package dsl and of the kinds.
package schema
