package render

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
)

// dot draws for Graphviz. The start has a name that no node can have.
func dot(w *bufio.Writer, g *graph.Graph) error {
	fmt.Fprintf(w, "digraph %s {\n", dotText(g.Name))
	fmt.Fprintln(w, `  node [shape=box, style=rounded, fontname="sans-serif"];`)
	fmt.Fprintln(w, `  edge [fontname="sans-serif", fontsize=10];`)
	if fromStart(g) {
		fmt.Fprintln(w, `  "start" [shape=circle];`)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		fmt.Fprintf(w, "  %s [label=%s];\n", dotText(n.ID), dotText(n.ID+"\n"+kindLine(n)))
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		var with []string
		if l := label(e); l != "" {
			with = append(with, "label="+dotText(l))
		}
		switch styleOf(e) {
		case dashed:
			with = append(with, "style=dashed")
		case dotted:
			with = append(with, "style=dotted", "constraint=false")
		}
		fmt.Fprintf(w, "  %s -> %s", dotText(source(g, e)), dotText(g.Nodes[e.To].ID))
		if len(with) > 0 {
			fmt.Fprintf(w, " [%s]", strings.Join(with, ", "))
		}
		fmt.Fprintln(w, ";")
	}
	fmt.Fprintln(w, "}")
	return nil
}

// dotText writes a quoted string of DOT, in which a backslash begins an escape.
func dotText(s string) string { return `"` + dotEscapes.Replace(s) + `"` }

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
