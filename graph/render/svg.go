package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/inspect"
)

// SVG draws g as a picture that stands on its own: readable in light and in dark, without a
// script, and the same bytes on every machine. With an explanation of a stack of g, nodes say
// what became of them and edges whether they were live; what the explanation does not know
// is drawn as not decided. x may be nil. The error is that of w.
func SVG(w io.Writer, g *graph.Graph, x *inspect.Explanation) error {
	b := bufio.NewWriter(w)
	drawSVG(b, g, x)
	return b.Flush()
}

func svg(w *bufio.Writer, g *graph.Graph) error {
	drawSVG(w, g, nil)
	return nil
}

// svgStyle paints by classes. A state has words too: colour alone says nothing.
const svgStyle = `
svg{--bg:#fff;--box:#f6f8fa;--line:#8c959f;--text:#1f2328;--dim:#59636e;--edge:#59636e;--live:#1a7f37;--dead:#8c959f;--run:#0969da;--fail:#cf222e;--wait:#9a6700}
@media (prefers-color-scheme:dark){svg{--bg:#0d1117;--box:#161b22;--line:#6e7681;--text:#e6edf3;--dim:#9198a1;--edge:#9198a1;--live:#3fb950;--dead:#6e7681;--run:#4493f8;--fail:#f85149;--wait:#d29922}}
text{font:13px ui-sans-serif,system-ui,sans-serif;fill:var(--text);text-anchor:middle}
.name{font-weight:600}.note{font-size:11px;fill:var(--dim)}.label{font:11px ui-monospace,monospace;fill:var(--dim)}
.bg,.under{fill:var(--bg)}.box{fill:var(--box);stroke:var(--line)}
.edge{fill:none;stroke:var(--edge);stroke-width:1.3}.tip{fill:var(--edge)}
.after{stroke-dasharray:8 4}.next{stroke-dasharray:2 4}
.live .edge{stroke:var(--live);stroke-width:2}.live .tip{fill:var(--live)}
.dead .edge{stroke:var(--dead);stroke-dasharray:4 4}.dead .tip{fill:var(--dead)}
.open .edge{stroke:var(--dead);opacity:.6}.open .tip{fill:var(--dead);opacity:.6}
.succeeded .box{stroke:var(--live);stroke-width:2}.running .box,.queued .box{stroke:var(--run);stroke-width:2}
.failed .box{stroke:var(--fail);stroke-width:2}.waiting .box,.backoff .box,.parked .box{stroke:var(--wait);stroke-width:2}
.skipped .box,.pending .box{stroke-dasharray:4 4}
`

const (
	nodeHeight  = 44
	liveHeight  = 60 // with a third line, of its state
	startHeight = 26
	labelHeight = 18
	maxLabel    = 36 // characters of a condition; all of it is in its title
	maxName     = 40
)

func drawSVG(w *bufio.Writer, g *graph.Graph, x *inspect.Explanation) {
	states := stateOf(g, x)
	height := nodeHeight
	if x != nil {
		height = liveHeight
	}
	l := arrange(g, func(i int) (int, int) {
		if i == startBox {
			return 64, startHeight
		}
		n := &g.Nodes[i]
		wide := max(textWidth(cutTo(n.ID, maxName), 8), textWidth(cutTo(kindLine(n), maxName), 7), textWidth(states.note(i), 7))
		return max(wide+24, 80), height
	}, func(i int) (string, int, int) {
		text := cutTo(label(&g.Edges[i]), maxLabel)
		if text == "" {
			return "", 0, 0
		}
		return text, textWidth(text, 7) + 10, labelHeight
	})
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
		l.w, l.h, l.w, l.h, svgText("graph "+g.Name))
	fmt.Fprintf(w, "<title>%s</title>\n<style>%s</style>\n<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n", svgText(g.Name), svgStyle, l.w, l.h)
	for i := range l.routes {
		drawRoute(w, g, l, &l.routes[i], states)
	}
	for i := range l.boxes {
		if b := &l.boxes[i]; b.node == startBox {
			fmt.Fprintf(w, "<g><rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"13\"/><text class=\"note\" x=\"%d\" y=\"%d\">start</text></g>\n",
				b.x-b.w/2, b.y-b.h/2, b.w, b.h, b.x, b.y+4)
		} else if b.node >= 0 {
			drawNode(w, &g.Nodes[b.node], b, states)
		}
	}
	fmt.Fprintln(w, "</svg>")
}

func drawNode(w *bufio.Writer, n *graph.Node, b *box, states *states) {
	title := n.ID + " (" + kindLine(n) + ")"
	if n.Def.Description != "" {
		title += ": " + n.Def.Description
	}
	class := ""
	if s := states.node(n.Index); s != nil {
		class = fmt.Sprintf(" class=\"%s\"", svgText(s.Status))
		title += "\n" + states.note(n.Index)
	}
	fmt.Fprintf(w, "<g%s><title>%s</title><rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>",
		class, svgText(title), b.x-b.w/2, b.y-b.h/2, b.w, b.h)
	top := b.y - b.h/2
	fmt.Fprintf(w, "<text class=\"name\" x=\"%d\" y=\"%d\">%s</text><text class=\"note\" x=\"%d\" y=\"%d\">%s</text>",
		b.x, top+19, svgText(cutTo(n.ID, maxName)), b.x, top+35, svgText(cutTo(kindLine(n), maxName)))
	if note := states.note(n.Index); note != "" {
		fmt.Fprintf(w, "<text class=\"note\" x=\"%d\" y=\"%d\">%s</text>", b.x, top+51, svgText(note))
	}
	fmt.Fprintln(w, "</g>")
}

// drawRoute draws an edge with its tip and its label.
func drawRoute(w *bufio.Writer, g *graph.Graph, l *layout, r *route, states *states) {
	e := &g.Edges[r.edge]
	form := map[style]string{dashed: " after", dotted: " next"}[styleOf(e)]
	title := source(g, e) + " → " + g.Nodes[e.To].ID
	if text := label(e); text != "" {
		title += "\n" + text
	}
	class, says := states.edge(r.edge)
	if says != "" {
		title += "\n" + says
	}
	if class != "" {
		class = fmt.Sprintf(" class=\"%s\"", class)
	}
	path, tip := pathOf(l, r)
	fmt.Fprintf(w, "<g%s><title>%s</title><path class=\"edge%s\" d=\"%s\"/><path class=\"tip\" d=\"%s\"/>", class, svgText(title), form, path, tip)
	for _, i := range r.boxes {
		if b := &l.boxes[i]; b.label != "" {
			fmt.Fprintf(w, "<rect class=\"under\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/><text class=\"label\" x=\"%d\" y=\"%d\">%s</text>",
				b.x-b.w/2, b.y-b.h/2, b.w, b.h, b.x, b.y+4, svgText(b.label))
		}
	}
	fmt.Fprintln(w, "</g>")
}

// tipHeight is how long the tip of an edge is.
const tipHeight = 7

// pathOf gives the line of an edge and its tip.
func pathOf(l *layout, r *route) (path, tip string) {
	if r.loop {
		b := &l.boxes[r.boxes[0]]
		x, up, down := b.x+b.w/2, b.y-b.h/4, b.y+b.h/4
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x, down, x+loopRoom, down, x+loopRoom, up, x+tipHeight, up),
			fmt.Sprintf("M%d %dl%d -4v8z", x, up, tipHeight)
	}
	var d strings.Builder
	first, last := &l.boxes[r.boxes[0]], &l.boxes[r.boxes[len(r.boxes)-1]]
	beside := first.row == last.row
	x, y := first.x, first.y+first.h/2
	begin := y
	if r.back {
		begin += tipHeight
	}
	fmt.Fprintf(&d, "M%d %d", x, begin)
	if y = begin; !beside {
		y = max(y, l.tops[first.row]+l.high[first.row])
		if y > begin {
			fmt.Fprintf(&d, "V%d", y)
		}
	}
	for k, i := range r.boxes[1:] {
		b := &l.boxes[i]
		to, end := b.y, k == len(r.boxes)-2
		switch {
		case end && beside:
			to = b.y + b.h/2 + tipHeight
		case end && r.back:
			to = b.y - b.h/2
		case end:
			to = b.y - b.h/2 - tipHeight
		}
		if beside { // down to the bend and up again
			fmt.Fprintf(&d, "Q%d %d %d %d", []int{x, b.x}[k], []int{to, y}[k], b.x, to)
			x, y = b.x, to
			continue
		}
		if !end {
			to = l.tops[b.row]
		}
		if x != b.x { // it turns between rows alone, where nothing stands
			mid := (y + to) / 2
			fmt.Fprintf(&d, "C%d %d %d %d %d %d", x, mid, b.x, mid, b.x, to)
		}
		if y = to; !end {
			y += l.high[b.row]
		}
		if x == b.x || !end {
			fmt.Fprintf(&d, "V%d", y)
		}
		x = b.x
	}
	if beside || r.back {
		at := last
		if r.back {
			at = first
		}
		return d.String(), fmt.Sprintf("M%d %dl-4 %dh8z", at.x, at.y+at.h/2, tipHeight)
	}
	return d.String(), fmt.Sprintf("M%d %dl-4 -%dh8z", last.x, last.y-last.h/2, tipHeight)
}

// states is what an explanation says of the nodes and edges of a graph.
type states struct {
	nodes []*inspect.ExplainedNode
	edges map[int]*inspect.ExplainedEdge
}

// stateOf finds the parts of an explanation by the names of nodes. Edges to a node that has
// others now have no verdict.
func stateOf(g *graph.Graph, x *inspect.Explanation) *states {
	if x == nil {
		return &states{}
	}
	s := &states{nodes: make([]*inspect.ExplainedNode, len(g.Nodes)), edges: map[int]*inspect.ExplainedEdge{}}
	for i := range x.Nodes {
		n := &x.Nodes[i]
		at, ok := g.NodeByID(n.Node)
		if !ok || n.Path != "" && n.Path != n.Node {
			continue
		}
		s.nodes[at] = n
		in := g.Nodes[at].In
		if len(in) != len(n.Edges) {
			continue
		}
		for k := range n.Edges {
			if e := &g.Edges[in[k]]; n.Edges[k].From == source(g, e) || n.Edges[k].From == "" && e.From == graph.Start {
				s.edges[in[k]] = &n.Edges[k]
			}
		}
	}
	return s
}

func (s *states) node(i int) *inspect.ExplainedNode {
	if s.nodes == nil {
		return nil
	}
	return s.nodes[i]
}

// note is the line about what became of a node.
func (s *states) note(i int) string {
	n := s.node(i)
	switch {
	case n == nil:
		return ""
	case n.Reason != "":
		return cutTo(n.Status+": "+n.Reason, maxName)
	}
	return n.Status
}

// edge gives the class of an edge and its verdict in words; "" without an explanation.
func (s *states) edge(i int) (class, says string) {
	e := s.edges[i]
	switch {
	case s.nodes == nil:
		return "", ""
	case e == nil || e.Live == nil:
		return "open", "not decided"
	case *e.Live:
		return "live", "live"
	}
	return "dead", "dead: " + string(e.Why)
}

// textWidth estimates the width of a text from above: px for a character, twice as much for
// a wide one.
func textWidth(s string, px int) (w int) {
	for _, r := range s {
		switch {
		case r >= 0x1100:
			w += 2 * px
		case unicode.Is(unicode.Mn, r):
		default:
			w += px
		}
	}
	return w
}

// cutTo is the beginning of a text, on one line.
func cutTo(s string, most int) string {
	s = oneLine(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// svgText writes a text as text or as an attribute of XML.
func svgText(s string) string { return svgEscapes.Replace(diag.CleanLines(s)) }

var svgEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
