package journal

import "encoding/binary"

// A round in the packed form begins with the number of its decisions and their wave. With a
// shape, runs of decisions follow: over nodes that follow each other in the shape, and that
// say the same. A run is
//
//	a uvarint: how many nodes, and in the lowest two bits what runs are called below
//	how many nodes are left out before it, if any
//	a uvarint: the reason's number among words plus 1, or 0 for none, then a bit for
//	Run, then two for which edges are live
//	a bit for each edge of the node, in bytes, if some are live and some are not
//
// A decision that the shape does not fit is a run of its own, with its body.
const (
	runApart = 1 << iota // nodes are left out before it
	runWhole             // one decision: the length of its body, and the body

	runBits = 2
)

const (
	noneLive = iota
	allLive
	someLive
)

// maxJoin bounds the edges of a decision in a run.
const maxJoin = 1 << 10

// decision is what a decision says that the shape fits.
type decision struct {
	node  int
	state uint64 // reason, Run, live
	edges []Verdict
}

// fit finds what a decision says by the shape; next is where it most likely is.
func (s *Shape) fit(d *NodeDecided, wave uint64, next int) (f decision, fits bool) {
	if s == nil || d.Wave != wave {
		return f, false
	}
	if f.node = next; next >= s.nodes || s.names[next] != d.Node {
		n, known := s.numbers[d.Node]
		if f.node = int(n); !known || f.node >= s.nodes || f.node < next {
			return f, false
		}
	}
	join := s.joins[f.node]
	if len(d.Edges) != len(join) || len(join) > maxJoin {
		return f, false
	}
	live := 0
	for i := range d.Edges {
		v := &d.Edges[i]
		if v.Error != "" || uint64(v.Edge) != join[i] || !s.isLike(v) {
			return f, false
		}
		if v.Live {
			live++
		}
	}
	if d.Reason != "" {
		n, known := wordNumbers[d.Reason]
		if !known {
			return f, false
		}
		f.state = n + 1
	}
	f.state <<= 1
	if d.Run {
		f.state |= 1
	}
	f.state <<= 2
	switch {
	case live == 0:
		f.state |= noneLive
	case live == len(join):
		f.state |= allLive
	default:
		f.state |= someLive
		f.edges = d.Edges
	}
	return f, true
}

// continues reports that a decision belongs to a run: it is over this node and says what the
// run's first one says, with all of its edges live or none.
func (s *Shape) continues(first, d *NodeDecided, node int, state uint64) bool {
	if node >= s.nodes || d.Run != first.Run || d.Wave != first.Wave || d.Reason != first.Reason || d.Node != s.names[node] {
		return false
	}
	join := s.joins[node]
	if len(d.Edges) != len(join) || len(join) == 0 != (len(first.Edges) == 0) {
		return false
	}
	for i := range d.Edges {
		v := &d.Edges[i]
		if v.Live != (state&3 == allLive) || v.Error != "" || uint64(v.Edge) != join[i] || !s.isLike(v) {
			return false
		}
	}
	return true
}

// round writes decisions that have the time of one record.
func (p *packed) round(c *codec, all []*NodeDecided) {
	p.b = binary.AppendUvarint(p.b, uint64(len(all)))
	wave := all[0].Wave
	p.b = binary.AppendUvarint(p.b, wave)
	next := 0 // after the last run
	for i := 0; i < len(all); {
		f, fits := p.shape.fit(all[i], wave, next)
		if !fits {
			p.b = binary.AppendUvarint(p.b, 1<<runBits|runWhole)
			start := p.open()
			packInside(c, all[i], (*NodeDecided).members)
			p.close(start)
			i++
			continue
		}
		n := 1
		for f.edges == nil && i+n < len(all) && p.shape.continues(all[i], all[i+n], f.node+n, f.state) {
			n++
		}
		head := uint64(n) << runBits
		if f.node != next {
			p.b = binary.AppendUvarint(p.b, head|runApart)
			p.b = binary.AppendUvarint(p.b, uint64(f.node-next))
		} else {
			p.b = binary.AppendUvarint(p.b, head)
		}
		p.b = binary.AppendUvarint(p.b, f.state)
		p.live(f.edges)
		next, i = f.node+n, i+n
	}
}

// live writes a bit for each edge.
func (p *packed) live(edges []Verdict) {
	for i := 0; i < len(edges); i += 8 {
		bits := byte(0)
		for k := i; k < min(i+8, len(edges)); k++ {
			if edges[k].Live {
				bits |= 1 << (k - i)
			}
		}
		p.b = append(p.b, bits)
	}
}

// roundSize is how many decisions the body of a round has, without a look at them. A node
// is decided at most once in it; decisions that no shape fits have bytes of their own.
func (p *packed) roundSize(body []byte) uint64 {
	n, size := binary.Uvarint(body)
	most := uint64(len(body))
	if p.shape != nil {
		most += uint64(p.shape.nodes)
	}
	if size <= 0 || n == 0 || n > most {
		p.fail(errPacked)
		return 0
	}
	return n
}

// readRound reads the decisions of a round.
func (p *packed) readRound(c *codec) []*NodeDecided {
	n := p.roundSize(p.rest)
	_ = p.takeUint()
	wave := p.takeUint()
	all := make([]*NodeDecided, 0, n)
	next := 0
	for len(p.rest) > 0 && p.err == nil {
		head := p.takeUint()
		if head&runWhole != 0 {
			d := new(NodeDecided)
			unpackInside(c, p.takeBytes(), d, (*NodeDecided).members)
			all = append(all, d)
			continue
		}
		run, skip := head>>runBits, uint64(0)
		if head&runApart != 0 {
			skip = p.takeUint()
		}
		state := p.takeUint()
		if p.shape == nil || skip > uint64(p.shape.nodes-next) || run > uint64(p.shape.nodes-next)-skip || run > n-uint64(len(all)) {
			p.fail(errPacked)
			break
		}
		next += int(skip)
		all = append(all, p.readRun(next, int(run), wave, state)...)
		next += int(run)
	}
	if uint64(len(all)) != n {
		p.fail(errPacked)
	}
	return all
}

// readRun makes the decisions of a run.
func (p *packed) readRun(node, n int, wave, state uint64) []*NodeDecided {
	s := p.shape
	reason := ""
	if w := state >> 3; w > 0 {
		reason = p.fromList(words, w-1)
	}
	list := make([]NodeDecided, n)
	all := make([]*NodeDecided, n)
	for i := range list {
		d := &list[i]
		*d = NodeDecided{Wave: wave, Node: s.names[node+i], Run: state>>2&1 != 0, Reason: reason}
		if join := s.joins[node+i]; len(join) > 0 {
			d.Edges = make([]Verdict, len(join))
			for k, x := range join {
				d.Edges[k] = s.edges[x]
				d.Edges[k].Live = state&3 == allLive
			}
		}
		all[i] = d
	}
	if state&3 == someLive && n == 1 {
		d := all[0]
		bits := p.takeN(uint64(len(d.Edges)+7) / 8)
		for k := range d.Edges {
			d.Edges[k].Live = bits != nil && bits[k/8]>>(k%8)&1 != 0
		}
	}
	return all
}
