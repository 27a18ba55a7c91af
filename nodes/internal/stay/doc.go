// Package stay keeps programs running that do one task a line: a line of JSON on their
// standard input is a task, a line on their standard output an answer. Each node of a
// graph has programs of its own, for all stacks of the process.
package stay
