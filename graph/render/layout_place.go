package render

// place gives each box its centre: rows from the top, and within a row as near to its
// neighbours as the order allows.
func (l *layout) place() {
	for _, row := range l.rows {
		x := 0
		for i, b := range row {
			if i > 0 {
				x += l.apart(row[i-1], b)
			}
			l.boxes[b].x = x
		}
	}
	for s := range sweeps {
		for k := range l.rows {
			if s%2 == 0 {
				l.pull(l.rows[k], func(b *box) []int { return b.up })
			} else {
				l.pull(l.rows[len(l.rows)-1-k], func(b *box) []int { return b.down })
			}
		}
	}
	for k := range l.rows { // at last, everything is pulled from both sides
		l.pull(l.rows[k], func(b *box) []int { return append(b.up[:len(b.up):len(b.up)], b.down...) })
	}
	l.settle()
}

// apart is the least distance between the centres of two boxes that stand side by side.
func (l *layout) apart(a, b int) int {
	gap := gapX
	if l.boxes[a].node == -1 || l.boxes[b].node == -1 {
		gap = gapBend
	}
	return (l.boxes[a].w+l.boxes[b].w+1)/2 + gap
}

// pull moves the boxes of a row as near as possible to the middle of their neighbours. Boxes
// that would overlap form a group, which stands where the sum of the squared distances is
// least.
func (l *layout) pull(row []int, neighbours func(*box) []int) {
	type group struct{ first, sum, n int } // wanted places, as if the boxes had no width
	var groups []group
	off := make([]int, len(row)) // of each box from the first
	for i, b := range row {
		if i > 0 {
			off[i] = off[i-1] + l.apart(row[i-1], b)
		}
		want := l.boxes[b].x
		if all := neighbours(&l.boxes[b]); len(all) > 0 {
			sum := 0
			for _, n := range all {
				sum += l.boxes[n].x
			}
			want = sum / len(all)
		}
		groups = append(groups, group{i, want - off[i], 1})
		for len(groups) > 1 {
			a, b := &groups[len(groups)-2], &groups[len(groups)-1]
			if a.sum*b.n <= b.sum*a.n {
				break
			}
			a.sum, a.n = a.sum+b.sum, a.n+b.n
			groups = groups[:len(groups)-1]
		}
	}
	for _, g := range groups {
		at := floorDiv(g.sum, g.n)
		for i := g.first; i < g.first+g.n; i++ {
			l.boxes[row[i]].x = at + off[i]
		}
	}
}

// floorDiv rounds down, for negative numbers too, so that the order of groups stays.
func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// settle gives the rows their heights, and moves everything to where the drawing begins.
func (l *layout) settle() {
	y := margin
	for _, row := range l.rows {
		h := 0
		for _, b := range row {
			h = max(h, l.boxes[b].h)
		}
		for _, b := range row {
			l.boxes[b].y = y + h/2
		}
		l.tops, l.high = append(l.tops, y), append(l.high, h)
		y += h + gapY
	}
	l.h = y - gapY + margin
	left, right := 0, 0
	for i := range l.boxes {
		b := &l.boxes[i]
		w := (b.w + 1) / 2
		if i == 0 {
			left, right = b.x-w, b.x+w
		}
		left, right = min(left, b.x-w), max(right, b.x+w)
	}
	for _, r := range l.routes {
		if r.loop {
			b := &l.boxes[r.boxes[0]]
			right = max(right, b.x+b.w/2+loopRoom)
		}
	}
	for i := range l.boxes {
		l.boxes[i].x += margin - left
	}
	l.w = right - left + 2*margin
}
