package graph

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/graphrun/graphrun/diag"
)

// checkConflicts reports nodes that can replace the same key in the same wave.
// Only paths of the DAG order nodes. A `first` node is decided without its
// ancestors, so paths end before it. What conditions say does not count, but a branch and
// its opposite never meet.
func (c *compiler) checkConflicts() {
	if c.loops {
		return // without an order there is no before and after
	}
	o := newOrdering(c.g)
	writers := make([][]int, 2*len(c.g.Keys)) // those of `finally` never meet the others: they are the second half
	for i := range c.g.Nodes {
		for _, w := range c.g.Nodes[i].Writes {
			if c.g.Keys[w.Key].Reduce.Name == "replace" {
				at := w.Key
				if c.g.Nodes[i].Final {
					at += len(c.g.Keys)
				}
				writers[at] = append(writers[at], i)
			}
		}
	}
	var x *exclusion
	known := false
	for k, nodes := range writers {
		if len(nodes) < 2 || o.chain(nodes) && !c.manyOutside(nodes) {
			continue
		}
		if !known {
			x, known = c.excluding(), true
		}
		c.reportConflicts(k%len(c.g.Keys), nodes, o, x)
	}
}

// Outside reports whether a node ends independently of the wave that started it.
func (n *Node) Outside() bool { return n.Kind.Waits || n.Background }

// MayWait reports whether a node may end in a later cycle than the one that started it: it
// waits or works in the background, it is an agent that may wait for a person's word, or
// it runs a graph with such a node, at any depth.
func (n *Node) MayWait() bool { return n.leaves }

// findLeaving finds the nodes that may leave their wave.
func (c *compiler) findLeaving() {
	for i := range c.g.Nodes {
		n := &c.g.Nodes[i]
		n.leaves = n.Outside() || n.Inner != nil && n.Inner.leaves || c.mayAsk(n.Calls)
		c.g.leaves = c.g.leaves || n.leaves
	}
}

// mayAsk reports whether one of some tools may need a person's word, or calls one that
// may. No tool calls itself, or that is reported and nothing else about it.
func (c *compiler) mayAsk(calls []ToolName) bool {
	for _, t := range calls {
		switch t.Of {
		case OwnTool:
			if tool := &c.g.Tools[t.Index]; tool.Approve != nil || !c.toolLoops && c.mayAsk(tool.Calls) {
				return true
			}
		case ServersTool:
			if c.g.Servers[t.Index].Tools[t.Tool].Approve != nil {
				return true
			}
		}
	}
	return false
}

func (c *compiler) manyOutside(nodes []int) bool {
	count := 0
	for _, i := range nodes {
		if c.g.Nodes[i].leaves {
			count++
		}
	}
	return count > 1
}

// maxPairs is how many pairs of a graph are reported one by one. Beyond it each
// writer is reported with the first node that it may meet, and the number of
// the others: a thousand writers of one key are half a million pairs.
const maxPairs = 10_000

// meeting lists the earlier writers in the file that can run in the same wave as
// a writer.
type meeting struct {
	named []int // those that are reported; the first of all is one of them
	count int   // all of them
}

// reportConflicts names each pair of writers of a key that may meet in a wave,
// at the later one in the file.
func (c *compiler) reportConflicts(key int, nodes []int, o *ordering, x *exclusion) {
	met := make([]meeting, len(nodes))
	for from := 0; from < len(nodes); from += 64 {
		block := nodes[from:min(from+64, len(nodes))]
		var outside uint64
		for i, n := range block {
			if c.g.Nodes[n].leaves {
				outside |= 1 << i
			}
		}
		ordered := o.orderedWith(block)
		yes, no := x.inBlock(block)
		for j := from + 1; j < len(nodes); j++ {
			earlier := uint64(1)<<min(j-from, len(block)) - 1 // all bits when the shift is 64
			apart := ordered[nodes[j]]
			if c.g.Nodes[nodes[j]].leaves {
				apart &^= outside
			}
			c.meet(&met[j], block, earlier&^apart&^x.excludes(nodes[j], yes, no))
		}
	}
	for j, m := range met {
		for _, i := range m.named {
			c.reportConflict(key, &c.g.Nodes[i], &c.g.Nodes[nodes[j]], m.count-len(m.named))
		}
	}
}

// meet adds the nodes of a block whose bits are set.
func (c *compiler) meet(m *meeting, block []int, set uint64) {
	m.count += bits.OnesCount64(set)
	for ; set != 0 && (len(m.named) == 0 || c.pairs < maxPairs); set &= set - 1 {
		c.pairs++
		m.named = append(m.named, block[bits.TrailingZeros64(set)])
	}
}

// reportConflict reports one pair. more is how many further pairs of the later
// writer are not reported.
func (c *compiler) reportConflict(key int, a, b *Node, more int) {
	name := c.g.Keys[key].Name
	at := b.Def.At
	for i := range b.Def.Writes {
		if w := &b.Def.Writes[i]; w.Key.Value == name {
			at = placed(w.Key.Span, at)
		}
	}
	help := fmt.Sprintf("order them with an edge, or give %q a reducer: with `reduce: last` the later in declaration order wins", name)
	if a.leaves && b.leaves {
		help = fmt.Sprintf("waiting and background nodes, agents whose calls may need a person's word, and graphs with such nodes end when they do; give %q a reducer: with `reduce: last` the later in declaration order wins", name)
	}
	if more > 0 {
		help += fmt.Sprintf(" (%q can run in the same wave as %d more of the nodes before it that write %q)", b.ID, more, name)
	}
	c.diags.Add(diag.WriteConflict, at, help, "%q and %q can run in the same wave, and both write %q", a.ID, b.ID, name)
}

// ordering says which nodes are ordered before which.
type ordering struct {
	order    []int   // topological
	before   [][]int // by node; empty for a `first` node
	position []int   // in a topological order
	seen     []int   // the number of the last search that saw a node
	mark     int
}

func newOrdering(g *Graph) *ordering {
	o := &ordering{order: g.Order, before: make([][]int, len(g.Nodes)), position: make([]int, len(g.Nodes)), seen: make([]int, len(g.Nodes))}
	for p, i := range g.Order {
		o.position[i] = p
		if n := &g.Nodes[i]; n.Join != JoinFirst {
			o.before[i] = n.Waits
		}
	}
	return o
}

// chain reports whether all of the nodes are ordered among each other. Order is
// transitive, so it is enough to compare neighbours, and the searches between them
// never visit a node twice.
func (o *ordering) chain(nodes []int) bool {
	sorted := slices.SortedFunc(slices.Values(nodes), func(a, b int) int { return o.position[a] - o.position[b] })
	for i := 1; i < len(sorted); i++ {
		if !o.reaches(sorted[i-1], sorted[i]) {
			return false
		}
	}
	return true
}

// reaches reports whether a comes before b.
func (o *ordering) reaches(a, b int) bool {
	found := false
	o.walk(b, o.position[a], func(i int) { found = found || i == a })
	return found
}

// orderedWith says for every node of the graph which of at most 64 nodes come
// before or after it: bit i is block[i]. It looks at each arrow twice, so that
// all pairs of a large graph cost a pass for each 64 of them.
func (o *ordering) orderedWith(block []int) []uint64 {
	own := make(map[int]uint64, len(block))
	for i, n := range block {
		own[n] = 1 << i
	}
	before, after := make([]uint64, len(o.before)), make([]uint64, len(o.before))
	for _, i := range o.order {
		for _, j := range o.before[i] {
			before[i] |= before[j] | own[j]
		}
	}
	for _, i := range slices.Backward(o.order) {
		for _, j := range o.before[i] {
			after[j] |= after[i] | own[i]
		}
	}
	for i := range before {
		before[i] |= after[i]
	}
	return before
}

// walk visits the ancestors of a node that do not stand before a position.
func (o *ordering) walk(from, floor int, visit func(int)) {
	o.mark++
	stack := []int{from}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, j := range o.before[i] {
			if o.position[j] >= floor && o.seen[j] != o.mark {
				o.seen[j] = o.mark
				visit(j)
				stack = append(stack, j)
			}
		}
	}
}
