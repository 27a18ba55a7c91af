package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/render"
	"github.com/graphrun/graphrun/runtime/api"
)

// drawing is a graph as the script of the page draws it: a shape, which stays the same, and
// how its nodes and edges stand. The script decides where things go.
type drawing struct {
	Key      string // names the shape
	Nodes    string // statuses in the order of the shape, with spaces between; "" without a stack
	Verdicts string // of the edges: live, dead or open
	Base     string // the page that explains a node or an edge of it; "" where there is none
	Chosen   choice
}

// shape is what is the same for all drawings of a graph.
type shape struct {
	Nodes []shapeNode `json:"nodes"`
	Edges []shapeEdge `json:"edges"` // those to one node are in the order of its explanation
}

type shapeNode struct {
	ID    string `json:"id"`
	Note  string `json:"note"`  // the second line; "" if that is the status
	Start bool   `json:"start"` // it is where cycles begin
	Graph bool   `json:"graph"` // it runs a graph
	URL   string `json:"url"`   // where it leads; "" is to its explanation, if there is one
}

// shapeEdge is an edge between two nodes, by their places in the list.
type shapeEdge struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Form string `json:"form"` // "", after, next
	Says string `json:"says"` // in words, for those who cannot see the drawing
}

// startNode is what edges from the start of a cycle come from.
const startNode = "start"

// choice is which node or edge of a drawing is explained, as the URL says it.
type choice struct {
	Path string // of the page
	At   string
	All  bool // long lists are shown whole
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
	if c.All {
		q.Set("all", "1")
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

// drawStack draws the nodes of a stack as they are explained. g is its graph, nil where it is
// not known.
func (v *visit) drawStack(x *inspect.Explanation, g *graph.Graph, c choice) (drawing, error) {
	var sh shape
	var statuses, verdicts []string
	at := map[string]int{}
	for i := range x.Nodes {
		at[x.Nodes[i].Node] = i
		sh.Nodes = append(sh.Nodes, shapeNode{ID: x.Nodes[i].Node, Graph: innerOf(g, x.Nodes[i].Node) != nil})
		statuses = append(statuses, x.Nodes[i].Status)
	}
	for i := range x.Nodes {
		for k := range x.Nodes[i].Edges {
			e := &x.Nodes[i].Edges[k]
			from := sh.start
			if e.From != startNode {
				from = func() int { return at[e.From] }
			}
			sh.Edges = append(sh.Edges, shapeEdge{from(), i, formOf(e.After, e.NextCycle), "to " + x.Nodes[i].Node + ", " + render.EdgeLine(e)})
			verdicts = append(verdicts, verdictOf(e.Live))
		}
	}
	key, err := v.keepShape(&sh)
	base := choice{Path: c.Path, At: c.At, All: c.All}.to("", "")
	return drawing{key, strings.Join(statuses, " "), strings.Join(verdicts, " "), base, c}, err
}

// drawGraph draws a graph without a stack, which is within the served graph name at a path of
// nodes; "" is that graph itself. A node that runs a graph leads to it.
func (v *visit) drawGraph(g *graph.Graph, name, path string) (drawing, error) {
	var sh shape
	for i := range g.Nodes {
		n := shapeNode{ID: g.Nodes[i].ID, Note: g.Nodes[i].Kind.Name, Graph: g.Nodes[i].Inner != nil}
		if n.Graph {
			n.URL = graphWithin(name, strings.TrimPrefix(path+"/"+n.ID, "/"))
		}
		sh.Nodes = append(sh.Nodes, n)
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		from := e.From
		if from == graph.Start {
			from = sh.start()
		}
		says := "from " + sh.Nodes[from].ID + " to " + g.Nodes[e.To].ID
		if e.When != nil {
			says += " when " + e.When.Text().Value
		}
		sh.Edges = append(sh.Edges, shapeEdge{from, e.To, formOf(e.After, e.NextCycle), says})
	}
	key, err := v.keepShape(&sh)
	return drawing{Key: key}, err
}

// start is the place of the node that cycles begin at, which stands behind the others.
func (sh *shape) start() int {
	if n := len(sh.Nodes); n > 0 && sh.Nodes[n-1].Start {
		return n - 1
	}
	sh.Nodes = append(sh.Nodes, shapeNode{ID: startNode, Start: true})
	return len(sh.Nodes) - 1
}

// keptShapes bounds the shapes that a Handler keeps.
const keptShapes = 100

// keepShape keeps a shape for the request that the page makes for it. Its key is made of
// what is in it, so a browser asks once.
func (v *visit) keepShape(sh *shape) (string, error) {
	b, err := json.Marshal(sh)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	key := hex.EncodeToString(sum[:16])
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shapes[key] == nil && len(v.shapes) >= keptShapes {
		clear(v.shapes)
	}
	v.shapes[key] = b
	return key, nil
}

// shape answers with a shape that a page of this session, or of another one that may see the
// graph, has named: nobody can guess a key.
func (v *visit) shape() error {
	v.mu.Lock()
	b := v.shapes[v.r.PathValue("key")]
	v.mu.Unlock()
	if b == nil {
		return &api.Error{Code: api.CodeNotFound, Message: "no page names this shape any more"}
	}
	v.w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	answer(v.w, v.r, http.StatusOK, "application/json", b)
	return nil
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

	Within *within // the graph that it runs; nil if it runs none
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
