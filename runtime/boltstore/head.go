package boltstore

import (
	"encoding/binary"
	"errors"
)

// head is a stack's row of everything small that a commit replaces: where it
// stands and which state rows exist. So no row can go missing unnoticed.
type head struct {
	seq    uint64  // of the last record
	first  uint64  // record with which the kept history begins
	stale  bool    // rows from before it are still to be deleted
	fork   bool    // the stack is a fork: readers see its records from Identity.First on
	ids    uint64  // event ids in rows that format 1 has left
	points []point // checkpoints that the history may be cut off at, oldest first
	newest nearest // checkpoint of any kind
	since  uint64  // bytes of records since the newest checkpoint
	moved  uint64  // bytes of old values that it has kept
	keys   []stateKey
	cursor []byte // journal.Cursor, packed or as JSON
}

// point is a checkpoint: the end of a cycle that the history may later be cut
// off at.
type point struct {
	seq      uint64 // of its last record
	cycleSeq uint64 // of the record that began the cycle
	cycle    uint64
	at       int64 // Unix nanoseconds
}

// nearest is the newest checkpoint; a seq of 0 says that there is none.
type nearest struct{ seq, cycle uint64 }

// The flags of a head.
const (
	flagStale  = 1 << iota // rows from before the kept history are still to be deleted
	flagNewest             // the newest checkpoint follows, with since and moved
	flagFork               // the stack is a fork: its identity says where its records begin
)

// stateKey says where a key's value is.
type stateKey struct {
	name   string
	number uint16
	form   form
	base   uint64 // of a list: index of the first element, grows with every drop; of an object: see writeParts
	size   uint64 // number of elements or properties
	source source // where its rows are, if it is shared with another stack: number and base are those of then
}

// sharedMark is a bit beside a key's form: the key is shared, and its source follows.
const sharedMark = 0x80

// form says how a value is stored: as one row, or as one for each of its parts.
type form byte

const (
	asOne form = iota
	byElement
	byProperty
)

// formOf is how a value is stored by its parts; asOne when it has none.
func formOf(v any) form {
	switch v.(type) {
	case []any:
		return byElement
	case map[string]any:
		return byProperty
	}
	return asOne
}

var errHead = errors.New("not a head")

// key finds a key of the state by its name; -1 when it has no row yet.
func (h *head) key(name string) int {
	for i := range h.keys {
		if h.keys[i].name == name {
			return i
		}
	}
	return -1
}

// addKey makes room for a new key of the state.
func (h *head) addKey(name string) *stateKey {
	h.keys = append(h.keys, stateKey{name: name, number: h.freeNumber()})
	return &h.keys[len(h.keys)-1]
}

// append writes the head with room for its checksum.
func (h *head) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, h.seq)
	b = binary.AppendUvarint(b, h.first)
	flags := byte(flagNewest)
	if h.stale {
		flags |= flagStale
	}
	if h.fork {
		flags |= flagFork
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, h.newest.seq)
	b = binary.AppendUvarint(b, h.newest.cycle)
	b = binary.AppendUvarint(b, h.since)
	b = binary.AppendUvarint(b, h.moved)
	b = binary.AppendUvarint(b, h.ids)
	b = binary.AppendUvarint(b, uint64(len(h.points)))
	for _, p := range h.points {
		b = binary.AppendUvarint(b, p.seq)
		b = binary.AppendUvarint(b, p.cycleSeq)
		b = binary.AppendUvarint(b, p.cycle)
		b = binary.AppendVarint(b, p.at)
	}
	b = binary.AppendUvarint(b, uint64(len(h.keys)))
	for _, k := range h.keys {
		b = binary.AppendUvarint(b, uint64(len(k.name)))
		b = append(b, k.name...)
		b = binary.BigEndian.AppendUint16(b, k.number)
		if k.source.of == 0 {
			b = append(b, byte(k.form))
		} else {
			b = append(b, byte(k.form)|sharedMark)
			b = binary.AppendUvarint(b, uint64(k.source.of))
			b = binary.AppendUvarint(b, k.source.at)
		}
		if k.form == asOne {
			continue
		}
		b = binary.AppendUvarint(b, k.base)
		b = binary.AppendUvarint(b, k.size)
	}
	b = append(b, h.cursor...)
	return append(b, make([]byte, sumSize)...)
}

// parseHead reads what append wrote, without its checksum. The cursor is a
// part of b.
func parseHead(b []byte) (head, error) {
	r := headReader{rest: b}
	h := head{seq: r.fixed64(), first: r.uvarint()}
	var flags byte
	if b := r.take(1); b != nil {
		flags = b[0]
	}
	h.stale, h.fork = flags&flagStale != 0, flags&flagFork != 0
	if flags&flagNewest != 0 {
		h.newest, h.since, h.moved = nearest{r.uvarint(), r.uvarint()}, r.uvarint(), r.uvarint()
	}
	h.ids = r.uvarint()
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		h.points = append(h.points, point{r.uvarint(), r.uvarint(), r.uvarint(), r.varint()})
	}
	if n := len(h.points); flags&flagNewest == 0 && n > 0 { // written by format 1
		h.newest = nearest{h.points[n-1].seq, h.points[n-1].cycle}
	}
	n := r.uvarint()
	h.keys = make([]stateKey, 0, min(n, 64)+1)
	for ; n > 0 && !r.bad; n-- {
		k := stateKey{name: string(r.take(r.uvarint()))}
		if number := r.take(2); number != nil {
			k.number = binary.BigEndian.Uint16(number)
		}
		if f := r.take(1); f != nil {
			k.form = form(f[0] &^ sharedMark)
			if f[0]&sharedMark != 0 {
				k.source = source{stackNumber(r.uvarint()), r.uvarint()}
			}
		}
		if k.form != asOne {
			k.base, k.size = r.uvarint(), r.uvarint()
			r.bad = r.bad || k.form > byProperty
		}
		h.keys = append(h.keys, k)
	}
	h.cursor = r.rest
	if r.bad {
		return head{}, errHead
	}
	return h, nil
}

// headReader takes values from the front of rest until something is missing.
type headReader struct {
	rest []byte
	bad  bool
}

func (r *headReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *headReader) fixed64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *headReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *headReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}
