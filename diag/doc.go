// Package diag describes problems with a place: a span of a file, a code, a
// severity, a message and, if possible, a help line that says how to fix it.
//
// It holds every diagnostic code of graphrun (code.go), the positions that all
// other packages speak in (text.go), and the only renderers: text with carets,
// JSON, SARIF and GitHub annotations.
package diag
