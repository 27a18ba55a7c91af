package machine

import (
	"math/bits"
	"slices"

	"github.com/graphrun/graphrun/graph"
	"github.com/graphrun/graphrun/graph/journal"
)

// beginning is what can be decided when a cycle begins.
type beginning struct {
	roots  []int // nodes that wait for none
	firsts []int // `join: first` nodes with an edge that can be judged from the start
}

// of is the beginning of the cycles that a node is in.
func (p *Plan) of(n *graph.Node) *beginning {
	if n.Final {
		return &p.final
	}
	return &p.ordinary
}

// Plan is what the machines of a graph look up again and again. It is worked out once, does
// not change, and is safe for concurrent use.
type Plan struct {
	g               *graph.Graph
	index           map[string]int // node by name
	waiters         [][]int        // nodes that wait for a node's settling (graph.Node.Waits, turned round)
	ordinary, final beginning      // of a cycle, and of the last one, of `finally`

	verdict []journal.Verdict // by edge: what never changes of its verdict
	shared  []bool            // by edge: judged ahead of its target, so its verdict is kept
	sources []int             // nodes with an outgoing next_cycle edge
	to      []string          // by edge: its target
	steady  []bool            // by node: its decision depends on state, params and how its sources settled
	kept    []int             // the edges that are shared

	foresees bool  // see foreseen
	place    []int // by node: its place in the topological order
	stirs    []int // nodes with a restless edge

	latches bool                  // a node has `latch`
	unless  bool                  // some edge is live unless its source failed: skips keep their causes
	results []results             // by node: who reads what became of its elements
	edges   map[journal.Latch]int // see edgeOf; nil where no verdict is remembered
}

func (o *Options) planOf(g *graph.Graph) *Plan {
	if o.Plan != nil {
		return o.Plan(g)
	}
	return NewPlan(g)
}

// NewPlan works out the plan of a graph, for Options.Plan.
func NewPlan(g *graph.Graph) *Plan {
	p := &Plan{
		g:       g,
		index:   make(map[string]int, len(g.Nodes)),
		waiters: make([][]int, len(g.Nodes)),
		verdict: make([]journal.Verdict, len(g.Edges)),
		shared:  make([]bool, len(g.Edges)),
		to:      make([]string, len(g.Edges)),
		steady:  make([]bool, len(g.Nodes)),
		results: make([]results, len(g.Nodes)),
	}
	if g.Once { // a verdict holds for the whole pass
		for x := range p.shared {
			p.shared[x] = true
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		p.index[n.ID] = i
		p.latches = p.latches || n.Latch
		p.results[i] = resultsOf(g, n)
		for _, s := range n.Waits {
			p.waiters[s] = append(p.waiters[s], i)
		}
		if len(n.Waits) == 0 {
			b := p.of(n)
			b.roots = append(b.roots, i)
		}
	}
	source := make([]bool, len(g.Nodes))
	for i := range g.Edges {
		e := &g.Edges[i]
		p.addEdge(g, e)
		if e.NextCycle && !g.Once && !source[e.From] {
			source[e.From] = true
			p.sources = append(p.sources, e.From)
		}
	}
	if p.latches || g.Once {
		p.edges = p.byVerdict()
	}
	for i := range g.Nodes {
		p.steady[i] = p.isSteady(g, i)
	}
	for x, shared := range p.shared {
		if shared {
			p.kept = append(p.kept, x)
		}
	}
	if p.foresees = mayForesee(g); p.foresees {
		p.place = make([]int, len(g.Nodes))
		for at, i := range g.Order {
			p.place[i] = at
			if slices.ContainsFunc(g.Nodes[i].In, func(x int) bool { return p.restless(&g.Edges[x]) }) {
				p.stirs = append(p.stirs, i)
			}
		}
	}
	return p
}

// isSteady: the conditions of all edges hold as long as the state stays, and how the
// sources settled fits into a number: see sourcesOf.
func (p *Plan) isSteady(g *graph.Graph, i int) bool {
	for _, x := range g.Nodes[i].In {
		if p.restless(&g.Edges[x]) {
			return false
		}
	}
	n := len(g.Nodes[i].In)
	return n > 0 && n <= maxSources && !g.Nodes[i].Latch
}

func (p *Plan) addEdge(g *graph.Graph, e *graph.Edge) {
	v := journal.Verdict{Edge: e.Index, From: "start", After: e.After, Else: e.Else, NextCycle: e.NextCycle}
	if e.From != graph.Start {
		v.From = g.Nodes[e.From].ID
		if !e.After {
			v.Outcome = e.Outcome.String()
		}
	}
	if e.When != nil {
		v.When = e.When.Text().Value
	}
	p.verdict[e.Index], p.to[e.Index] = v, g.Nodes[e.To].ID
	p.unless = p.unless || e.Outcome == graph.UnlessFailed
	for _, s := range e.Siblings {
		p.shared[s] = true
	}
	if g.Nodes[e.To].Join == graph.JoinFirst {
		p.shared[e.Index] = true
		if to := e.To; (e.From == graph.Start || e.NextCycle) && len(g.Nodes[to].Waits) > 0 {
			b := p.of(&g.Nodes[to])
			b.firsts = append(b.firsts, to)
		}
	}
}

// edgeOf finds the edge that a verdict is about.
func (p *Plan) edgeOf(l *journal.Latch) (int, bool) {
	edges := p.edges
	if edges == nil { // it was remembered under an earlier definition
		edges = p.byVerdict()
	}
	x, ok := edges[journal.Latch{From: l.From, To: l.To, Outcome: l.Outcome, After: l.After, NextCycle: l.NextCycle}]
	return x, ok
}

func (p *Plan) byVerdict() map[journal.Latch]int {
	edges := make(map[journal.Latch]int, len(p.verdict))
	for x, v := range p.verdict {
		edges[p.latch(x, false, "")] = v.Edge
	}
	return edges
}

// latch names an edge, and says what its verdict is.
func (p *Plan) latch(x int, dead bool, fault string) journal.Latch {
	v := &p.verdict[x]
	return journal.Latch{From: v.From, To: p.to[x], Outcome: v.Outcome, After: v.After, NextCycle: v.NextCycle, Dead: dead, Fault: fault}
}

// nodeSet is a set of nodes, a bit for each.
type nodeSet []uint64

func (s nodeSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s nodeSet) put(i int)      { s[i/64] |= 1 << (i % 64) }
func (s nodeSet) drop(i int)     { s[i/64] &^= 1 << (i % 64) }

// list is the nodes of the set in declaration order, in place of what list held.
func (s nodeSet) list(list []int) []int {
	list = list[:0]
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			list = append(list, w*64+bits.TrailingZeros64(word))
		}
	}
	return list
}

// settledBefore says which nodes have settled, for certain, once a node has: the
// node itself and its ancestors. A `join: first` node has none that it waits for.
func (m *Machine) settledBefore(node int) nodeSet {
	if all := m.ancestry[node]; all != nil {
		return all
	}
	all := make(nodeSet, (len(m.g.Nodes)+63)/64)
	for todo := []int{node}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if all.has(i) {
			continue
		}
		all.put(i)
		if m.g.Nodes[i].Join != graph.JoinFirst {
			todo = append(todo, m.g.Nodes[i].Waits...)
		}
	}
	if m.ancestry == nil {
		m.ancestry = map[int]nodeSet{}
	}
	m.ancestry[node] = all
	return all
}
