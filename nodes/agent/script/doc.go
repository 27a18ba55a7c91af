// Package script answers from a file in place of a model: for examples, tests and demonstrations,
// without a key and without a network.
package script
