package render

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
)

// mermaid draws a flowchart. Nodes go by their number, because words as `end`
// and names with dashes are no ids there; their names stand in the labels.
func mermaid(w *bufio.Writer, g *graph.Graph) error {
	fmt.Fprintln(w, "flowchart TD")
	if fromStart(g) {
		fmt.Fprintln(w, `  start(["start"])`)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		fmt.Fprintf(w, "  n%d[\"%s<br/>%s\"]\n", i, mermaidText(n.ID), mermaidText(kindLine(n)))
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		from := "start"
		if e.From != graph.Start {
			from = fmt.Sprintf("n%d", e.From)
		}
		arrow := "-->"
		if styleOf(e) != solid {
			arrow = "-.->"
		}
		if l := label(e); l != "" {
			arrow += `|"` + mermaidText(l) + `"|`
		}
		fmt.Fprintf(w, "  %s %s n%d\n", from, arrow, e.To)
	}
	dashes := map[style]string{dashed: "8 4", dotted: "2 4"}
	for i := range g.Edges {
		if d, ok := dashes[styleOf(&g.Edges[i])]; ok {
			fmt.Fprintf(w, "  linkStyle %d stroke-dasharray:%s\n", i, d)
		}
	}
	return nil
}

// kindLine is the second line of a node: what it uses, its join, and whether it is one of
// `finally`.
func kindLine(n *graph.Node) string {
	line := n.Kind.Name
	if j := joinOf(n); j != "" {
		line += ", join " + j
	}
	for _, is := range []struct {
		so   bool
		word string
	}{{n.Cancel, "cancel"}, {n.Latch, "latch"}, {n.Final, "finally"}} {
		if is.so {
			line += ", " + is.word
		}
	}
	return line
}

// mermaidText writes a text as the inside of a quoted label: what Mermaid or
// the HTML behind it would read as its own goes as an entity.
func mermaidText(s string) string { return mermaidEscapes.Replace(s) }

var mermaidEscapes = strings.NewReplacer(
	`"`, "#quot;", "#", "#35;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "|", "#124;",
	"`", "#96;", `\`, "#92;", ";", "#59;", "\n", " ")
