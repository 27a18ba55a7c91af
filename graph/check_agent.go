package graph

import (
	"maps"
	"slices"
	"strings"

	"github.com/graphrun/graphrun/diag"
	"github.com/graphrun/graphrun/graph/cond"
	"github.com/graphrun/graphrun/graph/schema"
	"github.com/graphrun/graphrun/graph/tree"
)

// asked is a model that a configuration names.
type asked struct {
	name     diag.Text
	provider int
	model    string
	budget   bool // the configuration has a budget of money
}

// checkPrices warns of limits of money that cannot be kept.
func (c *compiler) checkPrices() {
	for _, a := range c.asked {
		p := &c.g.Providers[a.provider]
		if _, known := p.Prices[a.model]; known || p.API == "script" || c.def.Limits.Cost == 0 && !a.budget {
			continue
		}
		what := "limits.cost"
		if a.budget {
			what = "budget.cost"
		}
		c.diags.Add(diag.NoPrice, a.name.Span, "add prices: {"+a.model+": {input: …, output: …}} to the provider, per million tokens; 0 for a model that costs nothing",
			"%q counts nothing for %q: provider %q has no price for it", what, a.name.Value, p.Name)
	}
}

// checkTalk warns of a conversation that only grows.
func (c *compiler) checkTalk(s *site, n *tree.Node, field string) {
	if n.Kind == tree.Map && n.Get("tokens") != nil {
		return
	}
	for _, p := range programsOf(entryOf(s.template.root, field)) {
		for _, k := range p.Reads().Fields[SlotState] {
			if d := &c.def.State[k]; d.Keep == 0 && c.g.Keys[k].Type.Kind == schema.List {
				c.diags.Add(diag.Unbounded, n.Span, "give state."+d.Name.Value+" a `keep`, or write {from: …, tokens: 8000}",
					"the conversation only grows: state.%s has no `keep`", d.Name.Value)
				return
			}
		}
	}
}

// programsOf lists the expressions of a part of a template.
func programsOf(p part) (out []*cond.Program) {
	switch p := p.(type) {
	case whole:
		return []*cond.Program{p.program}
	case written:
		for _, piece := range p {
			if piece.program != nil {
				out = append(out, piece.program)
			}
		}
	case list:
		for _, it := range p {
			out = append(out, programsOf(it)...)
		}
	case object:
		for _, it := range p.parts {
			out = append(out, programsOf(it)...)
		}
	}
	return out
}

// The origin of a value of the state: nobody outside of the graph, one agent, or
// somebody outside or several agents. An agent's node stands for itself.
const (
	inside  = -1
	outside = -2
)

func joinOrigins(a, b int) int {
	switch {
	case a == b, b == inside:
		return a
	case a == inside:
		return b
	}
	return outside
}

// outsiders are the kinds whose output comes from outside.
var outsiders = []string{"http", "mcp", "wait"}

// checkGuards warns of agents that read what comes from outside, where a text may say
// anything, and may do something that nobody has agreed to.
func (c *compiler) checkGuards() {
	does := map[int]bool{} // of tools: that they do something
	var origins []int      // of the keys; nil until an agent may do something
	check := func(who string, at diag.Span, calls []ToolName, self int, reads func() []int) {
		free := c.unguarded(calls, does)
		if len(free) == 0 {
			return
		}
		if origins == nil {
			origins = c.origins()
		}
		for _, k := range reads() {
			if origins[k] == inside || origins[k] == self {
				continue
			}
			for _, t := range free {
				c.diags.Add(diag.UnguardedTool, placed(t.at, at), "a text from outside may ask for it; give it `approve`, or `effects: none` if it only reads",
					"%q reads state.%s, which comes from outside, and may call %q without a person's word", who, c.g.Keys[k].Name, t.Name)
			}
			break
		}
	}
	called := make([]bool, len(c.g.Tools))
	var tools func([]ToolName)
	tools = func(calls []ToolName) {
		for _, t := range calls {
			if t.Of == OwnTool && !called[t.Index] {
				called[t.Index] = true
				tools(c.g.Tools[t.Index].Calls)
			}
		}
	}
	for i := range c.g.Nodes {
		if n := &c.g.Nodes[i]; n.Kind.Talks {
			tools(n.Calls)
			check(n.ID, n.Def.At, n.Calls, i, func() []int { return readBy(c.g, n, false) })
		}
	}
	for i := range c.g.Tools {
		if t := &c.g.Tools[i]; t.Kind.Talks && called[i] {
			check(t.Name, t.Def.At, t.Calls, inside, func() []int { return readBy(c.g, &Node{With: t.With}, false) })
		}
	}
}

// unguarded lists the tools of an agent that have effects and need no person's word, one
// for each entry of its `tools`. An agent that is a tool has the effects of those that it may
// call itself, whatever is said of it; does keeps which do something, for the next agents.
func (c *compiler) unguarded(calls []ToolName, does map[int]bool) (out []ToolName) {
	for _, t := range calls {
		free := false
		switch t.Of {
		case OwnTool:
			tool := &c.g.Tools[t.Index]
			if _, known := does[t.Index]; !known {
				does[t.Index] = false // one that calls itself is an error of its own
				does[t.Index] = tool.Effects != EffectsNone || len(c.unguarded(tool.Calls, does)) > 0
			}
			free = tool.Approve == nil && does[t.Index]
		case ServersTool:
			tool := &c.g.Servers[t.Index].Tools[t.Tool]
			free = tool.Effects != EffectsNone && tool.Approve == nil
		case MemoryWriting:
			free = true
		}
		if t.Listed {
			server, _, _ := strings.Cut(t.Name, "/")
			t.Name = server + "/*"
		}
		if free && !slices.ContainsFunc(out, func(o ToolName) bool { return o.Name == t.Name }) {
			out = append(out, t)
		}
	}
	return out
}

// origins returns where the values of the keys of the state come from, directly or
// through other nodes.
func (c *compiler) origins() []int {
	g := c.g
	from := make([]int, len(g.Keys))
	for i := range from {
		from[i] = inside
	}
	readers := make([][]int, len(g.Keys)) // nodes that read a key
	for i := range g.Nodes {
		for _, k := range readBy(g, &g.Nodes[i], true) {
			readers[k] = append(readers[k], i)
		}
	}
	var queue []int
	put := func(k, origin int) {
		if now := joinOrigins(from[k], origin); now != from[k] {
			from[k] = now
			queue = append(queue, k)
		}
	}
	for _, e := range g.Events {
		if e.Key >= 0 {
			put(e.Key, outside)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, w := range n.Writes {
			switch {
			case slices.Contains(outsiders, n.Kind.Name):
				put(w.Key, outside)
			case n.Kind.Talks:
				put(w.Key, i)
			}
		}
	}
	for len(queue) > 0 {
		k := queue[0]
		queue = queue[1:]
		for _, i := range readers[k] {
			for _, w := range g.Nodes[i].Writes {
				put(w.Key, from[k])
			}
		}
	}
	return from
}

// readBy lists the keys of the state that a node's configuration reads, ascending: with
// writes also those that what it writes is made of.
func readBy(g *Graph, n *Node, writes bool) []int {
	read := map[int]bool{}
	add := func(p *cond.Program) {
		if p == nil {
			return
		}
		r := p.Reads()
		for _, k := range r.Fields[SlotState] {
			read[k] = true
		}
		if r.Whole&(1<<SlotState) != 0 {
			for k := range g.Keys {
				read[k] = true
			}
		}
	}
	if n.With != nil {
		for _, p := range n.With.programs {
			add(p)
		}
	}
	if n.ForEach != nil {
		add(n.ForEach.In)
	}
	if writes {
		for _, w := range n.Writes {
			add(w.Expr)
		}
	}
	return slices.Sorted(maps.Keys(read))
}
