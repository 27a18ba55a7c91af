// Package house holds tests about the code itself.
//
// They check which package may import which, and what an embedder links; that
// everything which decides is pure and independent of Go's order of maps; lengths
// and names of files; package comments, the table of docs/architecture.md, links,
// the form of decisions, and the English of comments, messages and pages; and that
// a change of the exported API shows in a diff.
package house
