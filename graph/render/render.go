package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
)

// Formats lists the names of the formats of Write.
func Formats() []string { return []string{"mermaid", "dot", "svg", "json", "text"} }

// Write draws g in one of the Formats. It returns an error for any other format, and
// the error of w.
func Write(w io.Writer, g *graph.Graph, format string) error {
	draw, ok := map[string]func(*bufio.Writer, *graph.Graph) error{
		"mermaid": mermaid, "dot": dot, "svg": svg, "json": asJSON, "text": text,
	}[format]
	if !ok {
		return fmt.Errorf("format %q is not known, expected one of %s", format, strings.Join(Formats(), ", "))
	}
	b := bufio.NewWriter(w)
	if err := draw(b, g); err != nil {
		return err
	}
	return b.Flush()
}

// style is how an edge is drawn.
type style uint8

const (
	solid  style = iota // flow
	dashed              // after
	dotted              // next_cycle
)

func styleOf(e *graph.Edge) style {
	switch {
	case e.NextCycle:
		return dotted
	case e.After:
		return dashed
	}
	return solid
}

// label says when an edge is live: "" for one that follows a success.
func label(e *graph.Edge) string {
	var parts []string
	if e.Outcome != graph.Success {
		parts = append(parts, e.Outcome.String())
	}
	switch {
	case e.Else:
		parts = append(parts, "else")
	case e.When != nil:
		parts = append(parts, oneLine(e.When.Text().Value))
	}
	return strings.Join(parts, ": ")
}

// oneLine is a condition without the line breaks of its file, safe on a terminal.
func oneLine(s string) string { return diag.Clean(strings.Join(strings.Fields(s), " ")) }

// fromStart reports whether some edge begins at the start of the cycle.
func fromStart(g *graph.Graph) bool {
	for i := range g.Edges {
		if g.Edges[i].From == graph.Start {
			return true
		}
	}
	return false
}

// source is the name of an edge's source.
func source(g *graph.Graph, e *graph.Edge) string {
	if e.From == graph.Start {
		return "start"
	}
	return g.Nodes[e.From].ID
}

// joinOf is the join as it is written; "" for the default.
func joinOf(n *graph.Node) string {
	if n.Join == graph.JoinAny {
		return ""
	}
	return n.Rule()
}
