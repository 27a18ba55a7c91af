package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/runtime/api"
)

// crumb is a stack, or a graph, that what is shown is within.
type crumb struct {
	Text string
	URL  string
	Node string // there, whose work the next one does
}

// above are the stacks that a stack is within, the outermost first; none for one that does no
// node's work. at is the place of its node in the outermost, and top the graph of that.
func (v *visit) above(id *journal.Identity) (all []crumb, at journal.Place, top string, err error) {
	for own := *id; ; {
		parent, task, ok := inspect.ParentOf(&own)
		if !ok {
			slices.Reverse(all)
			slices.Reverse(at)
			return all, at, own.Graph, nil
		}
		up, err := v.o.Store.Stack(v.r.Context(), parent)
		if errors.Is(err, journal.ErrNotFound) { // it was removed meanwhile
			return nil, nil, id.Graph, nil
		}
		if err != nil {
			return nil, nil, "", err
		}
		spot := journal.Spot{Node: task.Node, Item: task.Item}
		c := choice{Path: pathTo(parent), Node: task.Node}
		if task.Cycle != up.Cursor.Cycle {
			c.At = journal.Point{Cycle: task.Cycle}.String()
		}
		all, at = append(all, crumb{parent, c.to(c.Node, ""), spot.String()}), append(at, spot)
		own = up.Identity
	}
}

// shownWithin bounds the stacks within a node that its explanation names.
const shownWithin = 50

// within is the graph that a node runs.
type within struct {
	Graph  string
	URL    string // of its drawing; "" where the graph around it is not served
	Stacks []withinStack
	More   int
}

// withinStack is a stack that does the work of a node, or of one of its elements.
type withinStack struct {
	Place string
	URL   string
	journal.Status
}

// withinNode finds the graph that a node of a stack runs, and the stacks that do so in a
// cycle; nil for a node that runs none. now says that the cycle is the present one: what began
// earlier and still works counts too.
func (v *visit) withinNode(id, node string, g *graph.Graph, cycle uint64, now bool) (*within, error) {
	inner := innerOf(g, node)
	if inner == nil {
		return nil, nil
	}
	w := &within{Graph: inner.Name}
	all, err := inspect.Children(v.r.Context(), v.o.Store, id, true)
	if err != nil {
		return nil, err
	}
	for k := range all {
		c := &all[k]
		if c.Parent != id || c.Task.Node != node || c.Task.Cycle != cycle && !(now && c.Live) {
			continue
		}
		if len(w.Stacks) == shownWithin {
			w.More++
			continue
		}
		w.Stacks = append(w.Stacks, withinStack{c.Place.String(), pathTo(c.Summary.Identity.Stack), c.Summary.Cursor.Status})
	}
	return w, nil
}

// fillWithin says what the stack is within, and what is within the node that is explained.
func (v *visit) fillWithin(view *stackView, id *journal.Identity, g *graph.Graph, now bool) error {
	above, at, top, err := v.above(id)
	if err != nil {
		return err
	}
	view.Above = above
	if view.Chosen == nil || g == nil {
		return nil
	}
	node := view.Chosen.Node
	if view.Chosen.Within, err = v.withinNode(id.Stack, node, g, view.Chosen.at(), now); err != nil || view.Chosen.Within == nil {
		return err
	}
	path := ""
	for _, spot := range at {
		path += spot.Node + "/"
	}
	if v.o.Graphs != nil {
		if _, _, ok := v.o.Graphs.Graph(top); ok {
			view.Chosen.Within.URL = graphWithin(top, path+node)
		}
	}
	return nil
}

// at is the cycle that the node was decided in.
func (x *explained) at() uint64 {
	if x.ExplainedNode.Cycle > 0 {
		return x.ExplainedNode.Cycle
	}
	return x.Cycle
}

// graphWithin is the page of a graph within a served one; path names the nodes down to it.
func graphWithin(name, path string) string {
	return "/graphs/" + url.PathEscape(name) + "?in=" + url.QueryEscape(path)
}

// innerOf is the graph that a node runs; nil if it runs none, and where g is nil.
func innerOf(g *graph.Graph, node string) *graph.Graph {
	if g == nil {
		return nil
	}
	if i, ok := g.NodeByID(node); ok {
		return g.Nodes[i].Inner
	}
	return nil
}

// descend finds the graph that a path of nodes leads to, and the graphs on the way to it.
func descend(g *graph.Graph, path string) (in *graph.Graph, above []crumb, err error) {
	if path == "" {
		return g, nil, nil
	}
	top, way := g.Name, ""
	for _, node := range strings.Split(path, "/") {
		inner := innerOf(g, node)
		if inner == nil {
			return nil, nil, &api.Error{Code: api.CodeNotFound, Message: "no graph is at this place within the graph"}
		}
		c := crumb{Text: g.Name, URL: "/graphs/" + url.PathEscape(top), Node: node}
		if way != "" {
			c.URL = graphWithin(top, way)
		}
		above = append(above, c)
		g, way = inner, strings.TrimPrefix(way+"/"+node, "/")
	}
	return g, above, nil
}
