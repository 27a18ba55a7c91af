// Package cond compiles and evaluates the expressions of graphs: conditions,
// written values and templates.
//
// The language is expr, as github.com/expr-lang/expr parses it. Compile takes a
// text with its place, a Scope that gives the names and their types, and the type
// that is wanted, and returns a Program or all problems of the text, each at its
// place. A Program is immutable and safe for concurrent use; an Env holds the
// values of one evaluation and is not.
//
// The parser and the syntax tree are expr's. The checker (types from the state's
// JSON Schemas, enums, narrowing by null checks) and the evaluator (rules for null,
// 64-bit overflow, sorted maps, bounds on work and memory) are our own, because
// expr's cannot give them; docs/adr/0002 says why. A test compares the two
// evaluators wherever they are meant to agree.
//
// An expression is pure: it asks no clock and no random numbers, and the same
// values give the same result on every machine. It can neither hang nor crash the
// process.
package cond
