package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Shape is what the records of a definition name again and again: its nodes, the edges
// that its decisions are about, its keys and events. Records in the packed form refer to
// it by numbers, so whoever keeps them keeps the shape too. It is never changed.
type Shape struct {
	Hash string // of the definition

	nodes int // how many of names are nodes
	names []string
	edges []Verdict  // by their numbers: what never changes of the verdict over each
	joins [][]uint64 // of each node, the edges that count in its join, as a decision lists them

	numbers map[string]uint64 // of names
	id      ShapeID
	bytes   []byte
}

// ShapeID stands for a shape in the packed form of records.
type ShapeID [8]byte

// NewShape makes the shape of a definition by its hash: its nodes in declaration order,
// the other names that its records have, and by their numbers what never changes of the
// verdicts over its edges. joins are the edges that count in the join of each node, in
// the order in which a decision lists them. The arguments are kept.
func NewShape(hash string, nodes, names []string, edges []Verdict, joins [][]uint64) *Shape {
	s := &Shape{Hash: hash, nodes: len(nodes), edges: edges, joins: joins, numbers: map[string]uint64{}}
	for _, name := range nodes {
		s.add(name)
	}
	for _, name := range names {
		s.add(name)
	}
	for i := range edges {
		s.add(edges[i].From)
		s.add(edges[i].When)
	}
	c := codec{whole: true, packs: true}
	s.members(&c)
	s.bytes = c.pack.b
	s.id = shapeID(s.bytes)
	return s
}

// add gives a name its number unless it has one.
func (s *Shape) add(name string) {
	if _, known := s.numbers[name]; !known {
		s.numbers[name] = uint64(len(s.names))
		s.names = append(s.names, name)
	}
}

// ID tells the shape from all others.
func (s *Shape) ID() ShapeID { return s.id }

// Bytes are what ParseShape makes the same shape of. They are not to be changed.
func (s *Shape) Bytes() []byte { return s.bytes }

// members are those of what is stored. Nothing that comes after the names needs more than
// numbers.
func (s *Shape) members(c *codec) {
	p := &c.pack
	p.hash(&s.Hash)
	n := int64(s.nodes)
	p.int(&n)
	s.nodes = int(n)
	p.texts(&s.names)
	if p.reads {
		s.number(p)
	}
	p.shape = &Shape{names: s.names, numbers: s.numbers}
	packList(c, &s.edges, (*Verdict).members)
	p.joins(s)
}

// number gives the names that were read their numbers.
func (s *Shape) number(p *packed) {
	s.numbers = make(map[string]uint64, len(s.names))
	for i, name := range s.names {
		s.numbers[name] = uint64(i)
	}
	if s.nodes < 0 || s.nodes > len(s.names) || len(s.numbers) < len(s.names) {
		p.fail(errPacked)
	}
}

// check refuses what no definition has.
func (s *Shape) check(p *packed) {
	for i := range s.edges {
		if s.edges[i].Edge != i {
			p.fail(errPacked)
		}
	}
	if len(s.joins) != s.nodes {
		p.fail(errPacked)
	}
}

// joins are a list of the numbers of edges for each node.
func (p *packed) joins(s *Shape) {
	if p.reads {
		p.unpackEach(func(n int) { s.joins = make([][]uint64, 0, n) }, func(body []byte) {
			out := p.enter(body)
			var join []uint64
			for len(p.rest) > 0 {
				join = append(join, p.takeUint())
				if join[len(join)-1] >= uint64(len(s.edges)) {
					p.fail(errPacked)
				}
			}
			p.leave(out)
			s.joins = append(s.joins, join)
		})
		return
	}
	p.number++
	if len(s.joins) == 0 {
		return
	}
	p.put(bytesForm)
	whole := p.open()
	for _, join := range s.joins {
		start := p.open()
		for _, x := range join {
			p.b = binary.AppendUvarint(p.b, x)
		}
		p.close(start)
	}
	p.close(whole)
}

// ParseShape reads what Bytes gave.
func ParseShape(b []byte) (*Shape, error) {
	s := new(Shape)
	c := codec{whole: true, packs: true, pack: packed{rest: b, reads: true}}
	s.members(&c)
	s.check(&c.pack)
	if err := c.failed(); err != nil {
		return nil, fmt.Errorf("journal: not a shape: %w", err)
	}
	s.bytes, s.id = b, shapeID(b)
	return s, nil
}

func shapeID(b []byte) (id ShapeID) {
	sum := sha256.Sum256(b)
	copy(id[:], sum[:])
	return id
}

// has reports that a verdict is one over an edge of the shape, which has all of it that
// never changes.
func (s *Shape) has(v *Verdict) bool {
	if s == nil || v.Edge < 0 || v.Edge >= len(s.edges) {
		return false
	}
	return s.isLike(v)
}

func (s *Shape) isLike(v *Verdict) bool {
	e := &s.edges[v.Edge]
	return v.From == e.From && v.When == e.When && v.Outcome == e.Outcome &&
		v.After == e.After && v.Else == e.Else && v.NextCycle == e.NextCycle && v.Edge == e.Edge
}

// fill completes a verdict that was read.
func (p *packed) fill(v *Verdict, like bool) {
	switch {
	case !p.reads || !like:
	case p.shape == nil || v.Edge < 0 || v.Edge >= len(p.shape.edges):
		p.fail(errPacked)
	default:
		live, fault := v.Live, v.Error
		*v = p.shape.edges[v.Edge]
		v.Live, v.Error = live, fault
	}
}
