// Package randomgraph draws random graphs for tests: of package graph/machine, whose naive model
// says what they come to, and of drivers, which have to come to the same.
package randomgraph
