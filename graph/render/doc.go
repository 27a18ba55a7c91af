// Package render draws a compiled graph: as Mermaid and DOT for documents, as
// JSON for programs, and as plain text for a terminal. The same graph gives the
// same bytes every time.
package render
