package render

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/graphrun/graphrun/graph"
)

// text lists the nodes in the order in which they can run, each with what
// leads to it.
func text(w *bufio.Writer, g *graph.Graph) error {
	fmt.Fprintf(w, "%s: %s, %s\n", g.Name, count(len(g.Nodes), "node"), count(len(g.Edges), "edge"))
	for _, i := range g.Order {
		n := &g.Nodes[i]
		fmt.Fprintf(w, "\n%s (%s)", n.ID, kindLine(n))
		if keys := written(g, n); len(keys) > 0 {
			fmt.Fprintf(w, " writes %s", strings.Join(keys, ", "))
		}
		fmt.Fprintln(w)
		switch {
		case len(n.In) > 0:
		case n.Final:
			fmt.Fprintln(w, "  when the stack ends")
		case g.Once:
			fmt.Fprintln(w, "  from the start")
		default:
			fmt.Fprintln(w, "  in every cycle")
		}
		for _, in := range n.In {
			fmt.Fprintf(w, "  %s\n", edgeLine(g, &g.Edges[in]))
		}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func edgeLine(g *graph.Graph, e *graph.Edge) string {
	var b strings.Builder
	switch {
	case e.From == graph.Start:
		b.WriteString("from the start")
	case e.After:
		b.WriteString("after " + source(g, e))
	default:
		b.WriteString("from " + source(g, e))
	}
	switch e.Outcome {
	case graph.Failure:
		b.WriteString(" on failure")
	case graph.Always:
		b.WriteString(" on success or failure")
	case graph.UnlessFailed:
		b.WriteString(" unless it failed")
	}
	if e.NextCycle {
		b.WriteString(" of the cycle before")
	}
	switch {
	case e.Else:
		b.WriteString(", else")
	case e.When != nil:
		b.WriteString(", when " + oneLine(e.When.Text().Value))
	}
	return b.String()
}

func written(g *graph.Graph, n *graph.Node) []string {
	keys := make([]string, len(n.Writes))
	for i, w := range n.Writes {
		keys[i] = g.Keys[w.Key].Name
	}
	return keys
}
