package trial

import (
	"cmp"
	"math"
	"slices"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/journal"
	"github.com/graphrun/graphrun/graph/machine"
)

// Coverage is what the tests of a graph have shown of it.
type Coverage struct {
	Graph   string    `json:"graph"`
	Percent float64   `json:"percent"` // with one decimal, rounded down: 100 only when nothing is missing
	Covered int       `json:"covered"`
	Of      int       `json:"of"`
	Missing []Missing `json:"missing"` // in the order of the file
}

// Missing is what no test has shown.
type Missing struct {
	Kind   string `json:"kind"` // never-ran, never-failed, never-live, never-dead, never-true or never-false
	Node   string `json:"node,omitempty"`
	Edge   string `json:"edge,omitempty"` // SOURCE -> TARGET
	Text   string `json:"text,omitempty"` // of the condition, or of the part of one
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Cover gathers what the tests of one graph show of it. Not safe for concurrent use.
//
// It counts that each node ran; that each one that can fail did; that each edge was live,
// and a conditional one dead; and that each part of a condition, where it has several, was
// true and false. A part is what stands between the operators &&, ||, not and ?:, also in
// the names of `define` that the condition reads.
type Cover struct {
	g           *graph.Graph
	ran, failed []bool
	live, dead  []bool // by edge
	atoms       []atom // of conditions with several, each once, in the order of the file
	at          map[piece]int
}

// atom is a part of a condition.
type atom struct {
	text    string
	edge    int // it is first read by; -1 for a stop condition
	span    diag.Span
	yes, no bool
}

// piece is where a part stands. Those of a graph that a program made have no place: there equal
// texts are one part.
type piece struct {
	at   diag.Span
	text string
}

// NewCover begins with nothing shown.
func NewCover(g *graph.Graph) *Cover {
	c := &Cover{g: g, ran: make([]bool, len(g.Nodes)), failed: make([]bool, len(g.Nodes)),
		live: make([]bool, len(g.Edges)), dead: make([]bool, len(g.Edges)), at: map[piece]int{}}
	defines := map[string]*cond.Program{}
	for i := range g.Def.Define {
		d := &g.Def.Define[i]
		if p, _ := g.Expression(d.Expr, cond.Want{}); p != nil {
			defines[d.Name.Value] = p
		}
	}
	for i := range g.Edges {
		c.declare(g.Edges[i].When, i, defines)
	}
	for i := range g.Stops {
		c.declare(g.Stops[i].When, -1, defines)
	}
	return c
}

// declare adds the parts of a condition, if it has several.
func (c *Cover) declare(p *cond.Program, edge int, defines map[string]*cond.Program) {
	if p == nil {
		return
	}
	var found []cond.Part
	opened := map[string]bool{}
	var open func(part cond.Part)
	open = func(part cond.Part) {
		if d := defines[part.Text]; part.Op == "define" && d != nil {
			if !opened[part.Text] {
				opened[part.Text] = true
				open(d.Unevaluated())
			}
			return
		}
		if inner := inside(&part); inner != nil {
			for _, one := range inner {
				open(one)
			}
			return
		}
		found = append(found, part)
	}
	open(p.Unevaluated())
	if len(found) < 2 {
		return
	}
	for _, part := range found {
		at := piece{part.Span, part.Text}
		if _, known := c.at[at]; !known && part.Text != "true" && part.Text != "false" {
			c.at[at] = len(c.atoms)
			c.atoms = append(c.atoms, atom{text: part.Text, edge: edge, span: part.Span})
		}
	}
}

// inside are the conditions that a part is made of; nil for one that is taken as it is.
func inside(p *cond.Part) []cond.Part {
	switch p.Op {
	case "&&", "||", "not", "?:", "define":
		return p.Parts
	case "let":
		if len(p.Parts) == 2 {
			return p.Parts[1:]
		}
	}
	return nil
}

// watch has a machine tell what it decides.
func (c *Cover) watch(m *machine.Machine) {
	m.Watch(machine.Watch{
		Decided: func(d machine.Decision) {
			c.ran[d.Node] = c.ran[d.Node] || d.Taken != nil && d.Taken.Run
			for i := range d.Edges {
				e := &d.Edges[i]
				if !e.Judged {
					continue
				}
				x := e.Verdict.Edge
				c.live[x] = c.live[x] || e.Verdict.Live
				c.dead[x] = c.dead[x] || !e.Verdict.Live
				if e.Condition != nil {
					c.saw(&e.Condition.Part)
				}
			}
		},
		Stopped: func(_ uint64, all []machine.StopDecision) {
			for i := range all {
				if all[i].Condition != nil {
					c.saw(&all[i].Condition.Part)
				}
			}
		},
	})
}

// saw notes the values of the parts of a condition.
func (c *Cover) saw(p *cond.Part) {
	if i, known := c.at[piece{p.Span, p.Text}]; known && p.Evaluated && p.Err == nil {
		c.atoms[i].yes = c.atoms[i].yes || p.Value == true
		c.atoms[i].no = c.atoms[i].no || p.Value != true
	}
	for i := range p.Parts {
		c.saw(&p.Parts[i])
	}
}

// settled notes the failures of a commit, those of elements too: under on_failure keep a
// node does not fail with them.
func (c *Cover) settled(b *journal.WaveCommitted) {
	for i := range b.Settled {
		s := &b.Settled[i]
		if n, ok := c.g.NodeByID(s.Node); ok && (s.Status == "failed" || s.Each != nil && s.Each.Failed > 0) {
			c.failed[n] = true
		}
	}
}

// canFail reports whether a test can have a node fail.
func canFail(n *graph.Node) bool {
	switch k := &n.Kind; {
	case k.Inline, k.Sends:
		return false
	case k.Waits:
		return n.Timeout > 0 && n.Def.With.Get("default") == nil
	}
	return true
}

// Coverage is what was shown until now.
func (c *Cover) Coverage() Coverage {
	out := Coverage{Graph: c.g.Name, Missing: []Missing{}}
	count := func(shown bool, at diag.Span, m Missing) {
		if out.Of++; shown {
			out.Covered++
			return
		}
		m.Line, m.Column = at.Start.Line, at.Start.Col
		out.Missing = append(out.Missing, m)
	}
	for i := range c.g.Nodes {
		n := &c.g.Nodes[i]
		count(c.ran[i], n.Def.At, Missing{Kind: "never-ran", Node: n.ID})
		if canFail(n) {
			count(c.failed[i], n.Def.At, Missing{Kind: "never-failed", Node: n.ID})
		}
	}
	for i := range c.g.Edges {
		e := &c.g.Edges[i]
		if !e.Counts() {
			continue
		}
		m := Missing{Kind: "never-live", Edge: c.edge(e)}
		if e.When != nil {
			m.Text = e.When.Text().Value
		}
		count(c.live[i], e.At, m)
		if m.Kind = "never-dead"; e.When != nil || e.Else {
			count(c.dead[i], e.At, m)
		}
	}
	for i := range c.atoms {
		a := &c.atoms[i]
		m := Missing{Kind: "never-true", Text: a.text}
		if a.edge >= 0 {
			m.Edge = c.edge(&c.g.Edges[a.edge])
		}
		count(a.yes, a.span, m)
		m.Kind = "never-false"
		count(a.no, a.span, m)
	}
	slices.SortStableFunc(out.Missing, func(a, b Missing) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	out.Percent = 100
	if out.Of > 0 {
		out.Percent = math.Floor(1000*float64(out.Covered)/float64(out.Of)) / 10
	}
	return out
}

// edge names an edge.
func (c *Cover) edge(e *graph.Edge) string {
	from := "start"
	if e.From != graph.Start {
		from = c.g.Nodes[e.From].ID
	}
	return from + " -> " + c.g.Nodes[e.To].ID
}
