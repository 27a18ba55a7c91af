// Package testfile reads the test files of graphs: YAML becomes a trial.Suite, and the
// tests are compared with the graph that they are about. Package dsl, which reads graphs,
// does the reading of the text and the checks of its fields.
package testfile
