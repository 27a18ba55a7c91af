package render

import (
	"cmp"
	"slices"

	"github.com/graphrun/graphrun/graph"
)

// A layered drawing: nodes stand in rows below their sources, and each edge passes the rows
// between through places of its own, so that no edge runs through a node. All lengths are
// whole pixels, which makes a drawing the same on every machine.

// box is something with a place in the drawing: a node, or a bend of an edge.
type box struct {
	node  int // index of the node, startBox for the start, or -1 for a bend
	row   int
	w, h  int
	x, y  int // of its centre
	label string
	up    []int // boxes in the row before that it is joined to
	down  []int
}

const startBox = -2

// route is the way of an edge: from box to box, downward. One that leads back is walked from
// its target to its source.
type route struct {
	edge  int
	boxes []int
	back  bool
	loop  bool // from a node to itself: boxes has the node alone
}

// layout is a drawing with places.
type layout struct {
	boxes  []box
	rows   [][]int // boxes from left to right
	tops   []int   // where each row begins, and the height that it has
	high   []int
	routes []route
	w, h   int
}

// The measures of a drawing, in pixels.
const (
	gapX     = 24 // between boxes of a row
	gapBend  = 12 // beside a bend
	gapY     = 22 // between rows
	margin   = 20
	loopRoom = 28 // for the loops beside a node
	sweeps   = 12
)

// arrange places the nodes and edges of a graph. size gives the width and height of a node's
// box, or of the start, and of the label of an edge; an edge without label gets a width of 0.
func arrange(g *graph.Graph, node func(i int) (w, h int), edge func(i int) (label string, w, h int)) *layout {
	l := &layout{}
	at := l.addNodes(g, node)
	for i := range g.Edges {
		l.addEdge(g, i, at, edge)
	}
	l.order()
	l.place()
	return l
}

// addNodes adds the boxes of the nodes; at says which box a node has. Nodes stand in every
// second row: labels have the rows between.
func (l *layout) addNodes(g *graph.Graph, size func(i int) (w, h int)) (at map[int]int) {
	at = map[int]int{}
	rank := make([]int, len(g.Nodes))
	first, last := 0, 0
	if fromStart(g) {
		w, h := size(startBox)
		at[graph.Start] = 0
		l.boxes = append(l.boxes, box{node: startBox, w: w, h: h})
		first = 1
	}
	set := func(final bool, least int) {
		for _, i := range g.Order {
			n := &g.Nodes[i]
			if n.Final != final {
				continue
			}
			rank[i] = least
			for _, in := range n.In {
				if e := &g.Edges[in]; !e.NextCycle && e.From != graph.Start && g.Nodes[e.From].Final == final {
					rank[i] = max(rank[i], rank[e.From]+1)
				}
			}
			last = max(last, rank[i])
		}
	}
	set(false, first)
	set(true, last+1) // what runs when a stack ends stands below the rest
	for i := range g.Nodes {
		w, h := size(i)
		at[i] = len(l.boxes)
		l.boxes = append(l.boxes, box{node: i, row: 2 * rank[i], w: w, h: h})
	}
	return at
}

// addEdge adds the way of an edge, with its bends.
func (l *layout) addEdge(g *graph.Graph, i int, at map[int]int, size func(i int) (string, int, int)) {
	e := &g.Edges[i]
	r := route{edge: i}
	from, to := at[e.From], at[e.To]
	if from == to {
		r.loop, r.boxes = true, []int{from}
		l.routes = append(l.routes, r)
		return
	}
	if l.boxes[from].row > l.boxes[to].row {
		from, to, r.back = to, from, true
	}
	label, w, h := size(i)
	bend := func(row int) int {
		b := box{node: -1, row: row, w: 1}
		if w > 0 {
			b.label, b.w, b.h, w = label, w, h, 0 // the first bend has the label
		}
		l.boxes = append(l.boxes, b)
		return len(l.boxes) - 1
	}
	r.boxes = []int{from}
	if l.boxes[from].row == l.boxes[to].row { // beside each other: below both of them
		r.boxes = append(r.boxes, bend(l.boxes[from].row+1), to)
	} else {
		for row := l.boxes[from].row + 1; row < l.boxes[to].row; row++ {
			r.boxes = append(r.boxes, bend(row))
		}
		r.boxes = append(r.boxes, to)
	}
	for k := 1; k < len(r.boxes); k++ {
		a, b := r.boxes[k-1], r.boxes[k]
		if l.boxes[a].row < l.boxes[b].row {
			l.boxes[a].down, l.boxes[b].up = append(l.boxes[a].down, b), append(l.boxes[b].up, a)
		} else {
			l.boxes[b].down, l.boxes[a].up = append(l.boxes[b].down, a), append(l.boxes[a].up, b)
		}
	}
	l.routes = append(l.routes, r)
}

// order puts the boxes of each row into the order with the fewest crossings that a few sweeps
// find: each box goes to the middle of those that it is joined to.
func (l *layout) order() {
	for i := range l.boxes {
		for len(l.rows) <= l.boxes[i].row {
			l.rows = append(l.rows, nil)
		}
		l.rows[l.boxes[i].row] = append(l.rows[l.boxes[i].row], i)
	}
	best, fewest := l.copyRows(), l.crossings()
	for s := range sweeps {
		for k := range l.rows {
			if s%2 == 0 {
				l.sort(l.rows[k], func(b *box) []int { return b.up })
			} else {
				l.sort(l.rows[len(l.rows)-1-k], func(b *box) []int { return b.down })
			}
		}
		if n := l.crossings(); n < fewest {
			best, fewest = l.copyRows(), n
		}
	}
	l.rows = best
}

func (l *layout) copyRows() [][]int {
	rows := make([][]int, len(l.rows))
	for i, row := range l.rows {
		rows[i] = slices.Clone(row)
	}
	return rows
}

// spots says which place in its row each box has.
func (l *layout) spots() []int {
	spots := make([]int, len(l.boxes))
	for _, row := range l.rows {
		for i, b := range row {
			spots[b] = i
		}
	}
	return spots
}

// sort orders a row by the mean place of neighbours. A box without neighbours stays where it
// is among the others.
func (l *layout) sort(row []int, neighbours func(*box) []int) {
	spots := l.spots()
	const fine = 1 << 10 // of a place, so that means are whole numbers
	mean := make(map[int]int, len(row))
	for i, b := range row {
		mean[b] = i * fine
		if all := neighbours(&l.boxes[b]); len(all) > 0 {
			sum := 0
			for _, n := range all {
				sum += spots[n] * fine
			}
			mean[b] = sum / len(all)
		}
	}
	slices.SortStableFunc(row, func(a, b int) int { return cmp.Compare(mean[a], mean[b]) })
}

// crossings counts the pairs of edges between neighbouring rows that cross.
func (l *layout) crossings() (n int) {
	spots := l.spots()
	for _, row := range l.rows {
		var ends []int // places below, in the order of the places above
		for _, b := range row {
			below := make([]int, len(l.boxes[b].down))
			for i, d := range l.boxes[b].down {
				below[i] = spots[d]
			}
			slices.Sort(below)
			ends = append(ends, below...)
		}
		n += inversions(ends, make([]int, len(ends)))
	}
	return n
}

// inversions counts the pairs that are out of order, by merging. It sorts s.
func inversions(s, buf []int) (n int) {
	if len(s) < 2 {
		return 0
	}
	mid := len(s) / 2
	n = inversions(s[:mid], buf[:mid]) + inversions(s[mid:], buf[mid:])
	copy(buf, s)
	for i, j, k := 0, mid, 0; k < len(s); k++ {
		if j == len(s) || i < mid && buf[i] <= buf[j] {
			s[k] = buf[i]
			i++
		} else {
			s[k] = buf[j]
			j++
			n += mid - i
		}
	}
	return n
}
