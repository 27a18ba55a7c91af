package graph

// Two nodes never run in the same wave when one of them is only behind the failure of a
// source and the other only behind its success, or when one is only behind an `else` edge
// and the other only behind its siblings. Each such choice is a fact, which a node that
// runs may imply or deny: a bit for each fact.

// facts are what a node that runs implies and denies.
type facts struct{ yes, no []uint64 }

// exclusion says which nodes exclude each other.
type exclusion struct {
	words int
	of    []facts // by node; nil slices for a node that says nothing
}

// choice is an outcome of a source in one cycle: that it failed. group is an else group:
// that one of its conditional edges is live.
type (
	choice struct {
		from      int
		nextCycle bool
	}
	group struct {
		from    int
		outcome Outcome
	}
)

// excluding works out which nodes exclude each other. Nodes that wait, work in the
// background or latch their edges run in other cycles than their sources, so nothing is
// said of them, or of what is behind them.
func (c *compiler) excluding() *exclusion {
	failed, groups := c.choices()
	n := len(failed) + len(groups)
	if n == 0 {
		return nil
	}
	x := &exclusion{words: (n + 63) / 64, of: make([]facts, len(c.g.Nodes))}
	for _, i := range c.g.Order {
		node := &c.g.Nodes[i]
		if node.Latch || node.leaves || node.Join == JoinNone {
			continue
		}
		var all *facts
		counted := 0
		for _, in := range node.In {
			e := &c.g.Edges[in]
			if !e.Counts() {
				continue
			}
			counted++
			f := c.factsOf(x, e, failed, groups)
			switch {
			case all == nil:
				all = &f
			case c.needsAll(node):
				all.join(f)
			default:
				all.meet(f)
			}
		}
		if counted > 0 {
			x.of[i] = *all
		}
	}
	return x
}

// choices numbers the facts.
func (c *compiler) choices() (failed map[choice]int, groups map[group]int) {
	asked := map[choice][2]bool{}
	for i := range c.g.Edges {
		e := &c.g.Edges[i]
		if e.From == Start || e.After || e.Outcome == Always {
			continue
		}
		a := asked[choice{e.From, e.NextCycle}]
		a[0], a[1] = a[0] || e.Outcome == Failure, a[1] || e.Outcome != Failure
		asked[choice{e.From, e.NextCycle}] = a
	}
	failed, groups = map[choice]int{}, map[group]int{}
	for i := range c.g.Edges { // for the order of the numbers
		e := &c.g.Edges[i]
		k := choice{e.From, e.NextCycle}
		if _, known := failed[k]; !known && asked[k] == [2]bool{true, true} {
			failed[k] = len(failed) + len(groups)
		}
		g := group{e.From, e.Outcome}
		if _, known := groups[g]; !known && len(e.Siblings) > 0 {
			groups[g] = len(failed) + len(groups)
		}
	}
	return failed, groups
}

// needsAll reports whether a node runs only if all of its edges are live.
func (c *compiler) needsAll(n *Node) bool {
	count, _, _ := c.liveAtMost(n, nil)
	return n.Join == JoinAll || n.Join == JoinAtLeast && n.JoinN >= count
}

// factsOf is what a live edge says.
func (c *compiler) factsOf(x *exclusion, e *Edge, failed map[choice]int, groups map[group]int) facts {
	f := facts{make([]uint64, x.words), make([]uint64, x.words)}
	if e.After {
		return f
	}
	if e.From != Start {
		source := &c.g.Nodes[e.From]
		if source.Latch || source.leaves {
			return f
		}
		if at, ok := failed[choice{e.From, e.NextCycle}]; ok && e.Outcome != Always {
			f.add(at, e.Outcome == Failure)
		}
		if of := x.of[e.From]; !e.NextCycle && e.Outcome != UnlessFailed && of.yes != nil { // a skipped source has not run
			f.join(of)
		}
	}
	if at, ok := groups[group{e.From, e.Outcome}]; ok && !e.NextCycle && (e.Else || c.conditional(e)) {
		f.add(at, !e.Else)
	}
	return f
}

func (f *facts) add(at int, yes bool) {
	list := f.no
	if yes {
		list = f.yes
	}
	list[at/64] |= 1 << (at % 64)
}

// join adds what another edge says, which is live as well.
func (f *facts) join(o facts) {
	for i := range f.yes {
		f.yes[i] |= o.yes[i]
		f.no[i] |= o.no[i]
	}
}

// meet keeps what another edge says too: only one of the two need be live.
func (f *facts) meet(o facts) {
	for i := range f.yes {
		f.yes[i] &= o.yes[i]
		f.no[i] &= o.no[i]
	}
}

// inBlock returns, by fact, which nodes of a block imply it, and which deny it.
func (x *exclusion) inBlock(block []int) (yes, no map[int]uint64) {
	yes, no = map[int]uint64{}, map[int]uint64{}
	if x == nil {
		return yes, no
	}
	for i, n := range block {
		eachBit(x.of[n].yes, func(at int) { yes[at] |= 1 << i })
		eachBit(x.of[n].no, func(at int) { no[at] |= 1 << i })
	}
	return yes, no
}

// excludes returns which nodes of a block a node excludes.
func (x *exclusion) excludes(node int, yes, no map[int]uint64) (set uint64) {
	if x == nil || len(yes)+len(no) == 0 {
		return 0
	}
	eachBit(x.of[node].yes, func(at int) { set |= no[at] })
	eachBit(x.of[node].no, func(at int) { set |= yes[at] })
	return set
}

func eachBit(words []uint64, fn func(at int)) {
	for i, w := range words {
		for at := 0; w != 0; at, w = at+1, w>>1 {
			if w&1 != 0 {
				fn(64*i + at)
			}
		}
	}
}
