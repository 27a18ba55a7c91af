package web

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/render"
)

// drawing is a graph as the script of the page draws it. The script decides where things
// stand; what they are, and where they lead, is decided here.
type drawing struct {
	Key   string        `json:"key"` // names the layout: two drawings with it have the same nodes and edges
	Nodes []drawingNode `json:"nodes"`
	Edges []drawingEdge `json:"edges"`
}

type drawingNode struct {
	ID     string `json:"id"`
	Status string `json:"status"` // as that of an explanation; "" without a stack
	Note   string `json:"note"`   // the second line
	URL    string `json:"url"`    // "" for one that leads nowhere
	Chosen bool   `json:"chosen"`
}

type drawingEdge struct {
	ID      string `json:"id"`
	From    string `json:"from"`
	To      string `json:"to"`
	Verdict string `json:"verdict"` // live, dead, open; "" without a stack
	Form    string `json:"form"`    // "", after, next
	Says    string `json:"says"`    // in words, for those who cannot see the drawing
	URL     string `json:"url"`
	Chosen  bool   `json:"chosen"`
}

// startNode is what edges from the start of a cycle come from.
const startNode = "start"

// choice is which node or edge of a drawing is explained, as the URL says it.
type choice struct {
	Path string // of the page
	At   string
	Node string
	Edge string // index among the edges to Node; "" for the node
}

// to is the URL that chooses something else.
func (c choice) to(node, edge string) string {
	q := url.Values{}
	for name, text := range map[string]string{"at": c.At, "node": node, "edge": edge} {
		if text != "" {
			q.Set(name, text)
		}
	}
	if len(q) == 0 {
		return c.Path
	}
	return c.Path + "?" + q.Encode()
}

// verdictOf is how an edge stands.
func verdictOf(live *bool) string {
	switch {
	case live == nil:
		return "open"
	case *live:
		return "live"
	}
	return "dead"
}

// drawStack draws the nodes of a stack as they are explained.
func drawStack(x *inspect.Explanation, c choice) drawing {
	d := drawing{Key: x.Hash, Nodes: []drawingNode{}, Edges: []drawingEdge{}}
	starts := false
	for i := range x.Nodes {
		n := &x.Nodes[i]
		d.Nodes = append(d.Nodes, drawingNode{n.Node, n.Status, n.Status, c.to(n.Node, ""), n.Node == c.Node && c.Edge == ""})
		for k := range n.Edges {
			e := &n.Edges[k]
			edge := drawingEdge{ID: n.Node + "#" + strconv.Itoa(k), From: e.From, To: n.Node, Verdict: verdictOf(e.Live), Form: formOf(e.After, e.NextCycle), URL: c.to(n.Node, strconv.Itoa(k))}
			edge.Says = "to " + n.Node + ", " + render.EdgeLine(e) + ": " + render.EdgeWhy(n.Node, e)
			edge.Chosen = n.Node == c.Node && c.Edge == strconv.Itoa(k)
			starts = starts || e.From == startNode
			d.Edges = append(d.Edges, edge)
		}
	}
	d.addStart(starts)
	return d
}

// drawGraph draws a graph without a stack.
func drawGraph(g *graph.Graph) drawing {
	d := drawing{Key: g.Hash, Nodes: []drawingNode{}, Edges: []drawingEdge{}}
	starts := false
	for i := range g.Nodes {
		n := &g.Nodes[i]
		d.Nodes = append(d.Nodes, drawingNode{ID: n.ID, Note: n.Kind.Name})
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		from := startNode
		if e.From != graph.Start {
			from = g.Nodes[e.From].ID
		} else {
			starts = true
		}
		says := "from " + from + " to " + g.Nodes[e.To].ID
		if e.When != nil {
			says += " when " + e.When.Text().Value
		}
		d.Edges = append(d.Edges, drawingEdge{ID: strconv.Itoa(i), From: from, To: g.Nodes[e.To].ID, Form: formOf(e.After, e.NextCycle), Says: says})
	}
	d.addStart(starts)
	return d
}

func (d *drawing) addStart(starts bool) {
	if starts {
		d.Nodes = append(d.Nodes, drawingNode{ID: startNode, Status: startNode})
	}
}

func formOf(after, next bool) string {
	switch {
	case next:
		return "next"
	case after:
		return "after"
	}
	return ""
}

// drawingJSON is a drawing for the script.
func drawingJSON(d drawing) (string, error) {
	b, err := json.Marshal(d)
	return string(b), err
}

// nodeWords says in a line what became of a node.
func nodeWords(n inspect.ExplainedNode, cycle uint64) string {
	var b strings.Builder
	if err := render.Explanation(&b, &inspect.Explanation{Cycle: cycle, Nodes: []inspect.ExplainedNode{n}}, true); err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(b.String(), "\n")
	return strings.TrimPrefix(line, n.Node+" ")
}

// chosenEdge is an edge of a node that is explained.
type chosenEdge struct {
	inspect.ExplainedEdge
	URL    string
	Chosen bool
}

// explained is the node that is explained, with its edges.
type explained struct {
	inspect.ExplainedNode
	Cycle uint64
	Edges []chosenEdge
	Close string // the page without it
}

// explainedIn finds what is chosen; nil if nothing is.
func explainedIn(x *inspect.Explanation, c choice) *explained {
	for i := range x.Nodes {
		n := x.Nodes[i]
		if n.Node != c.Node {
			continue
		}
		out := &explained{ExplainedNode: n, Cycle: x.Cycle, Close: c.to("", "")}
		for k := range n.Edges {
			at := strconv.Itoa(k)
			out.Edges = append(out.Edges, chosenEdge{n.Edges[k], c.to(n.Node, at), c.Edge == at})
		}
		return out
	}
	return nil
}
