// Package render draws a compiled graph: as Mermaid and DOT for documents, as
// JSON for programs, and as plain text for a terminal. The same graph gives the
// same bytes every time.
//
// It also writes what inspect.Explain says as text: Explanation, Decision, Condition.
package render
