package graph

import (
	"fmt"
	"slices"

	"github.com/graphrun/graphrun/diag"
)

// checkConflicts decides that no two nodes can replace one key in the same
// wave. Nodes are ordered by paths of the DAG alone; a `first` node is decided
// without its ancestors, so paths end before it. Conditions are not looked at.
func (c *compiler) checkConflicts() {
	if c.loops {
		return // without an order there is no before and after
	}
	o := newOrdering(c.g)
	writers := make([][]int, len(c.g.Keys))
	for i := range c.g.Nodes {
		for _, w := range c.g.Nodes[i].Writes {
			if c.g.Keys[w.Key].Reduce.Name == "replace" {
				writers[w.Key] = append(writers[w.Key], i)
			}
		}
	}
	for k, nodes := range writers {
		if len(nodes) < 2 || o.chain(nodes) && !c.manyOutside(nodes) {
			continue
		}
		c.reportConflicts(k, nodes, o)
	}
}

// Outside reports whether a node ends apart from the wave that started it.
func (n *Node) Outside() bool { return n.Kind.Waits || n.Background }

func (c *compiler) manyOutside(nodes []int) bool {
	count := 0
	for _, i := range nodes {
		if c.g.Nodes[i].Outside() {
			count++
		}
	}
	return count > 1
}

// reportConflicts names, for each writer, the first one before it in the file
// that it may meet.
func (c *compiler) reportConflicts(key int, nodes []int, o *ordering) {
	above := make([]map[int]bool, len(nodes))
	for j, b := range nodes {
		above[j] = o.ancestors(b)
		for i, a := range nodes[:j] {
			apart := above[j][a] || above[i][b]
			if apart && !(c.g.Nodes[a].Outside() && c.g.Nodes[b].Outside()) {
				continue
			}
			c.reportConflict(key, &c.g.Nodes[a], &c.g.Nodes[b])
			break
		}
	}
}

func (c *compiler) reportConflict(key int, a, b *Node) {
	name := c.g.Keys[key].Name
	at := b.Def.At
	for i := range b.Def.Writes {
		if w := &b.Def.Writes[i]; w.Key.Value == name {
			at = placed(w.Key.Span, at)
		}
	}
	help := fmt.Sprintf("order them with an edge, or give %q a reducer: with `reduce: last` the later in declaration order wins", name)
	if a.Outside() && b.Outside() {
		help = fmt.Sprintf("waiting and background nodes end when they do; give %q a reducer: with `reduce: last` the later in declaration order wins", name)
	}
	c.diags.Add(diag.WriteConflict, at, help, "%q and %q can run in the same wave, and both write %q", a.ID, b.ID, name)
}

// ordering answers which nodes come before which.
type ordering struct {
	before   [][]int // of each node; none for a `first` node
	position []int   // in a topological order
	seen     []int   // marks of the search numbered mark
	mark     int
}

func newOrdering(g *Graph) *ordering {
	o := &ordering{before: make([][]int, len(g.Nodes)), position: make([]int, len(g.Nodes)), seen: make([]int, len(g.Nodes))}
	for p, i := range g.Order {
		o.position[i] = p
		if n := &g.Nodes[i]; n.Join != JoinFirst {
			o.before[i] = n.Waits
		}
	}
	return o
}

// chain reports whether each of the nodes is ordered with each other. Order is
// transitive, so neighbours are enough, and the searches between them never
// look at a node twice.
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

// ancestors is everything that comes before a node.
func (o *ordering) ancestors(b int) map[int]bool {
	above := map[int]bool{}
	o.walk(b, 0, func(i int) { above[i] = true })
	return above
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
