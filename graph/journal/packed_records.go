package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Records in the packed form are those of one commit. Their numbers and the id of the
// stack are not in it: whoever keeps them knows both. The bytes are
//
//	packedMark, a byte of flags, the ShapeID if they refer to a shape, and for each record
//	its head, the time and the cycle if they are not those of the record before,
//	the length of its body, and the body
//
// so that a reader looks only into those that it wants. The first byte tells them from
// JSON, which stores of earlier versions have: one record a line, with a mark behind those
// whose bulk is apart.

const packedMark = 1

// flagShape says that the records refer to a shape.
const flagShape = 1 << 0

// The head of a record: the number of its type, and in the lowest bits what is different.
const (
	headApart = 1 << iota // its bulk is not in it
	headTime
	headCycle

	headBits = 3
)

// recordTypes are the types of records by their numbers. New ones go to the end. The most
// frequent ones have a head of one byte.
var recordTypes = []string{
	"node.decided", roundType, "wave.started", "task.started", "task.finished", "wave.committed", "cycle.started", "cycle.finished",
	"task.step", "event.received", "task.used", "task.mark", "task.waiting", "task.answered", "task.held", "stack.started", "stack.finished", "stack.reopened", "stack.control",
}

// roundType is the decisions of a Round in one. Its records are node.decided.
const roundType = "round"

var typeNumbers = func() map[string]uint64 {
	m := make(map[string]uint64, len(recordTypes))
	for i, name := range recordTypes {
		m[name] = uint64(i)
	}
	return m
}()

// apartMark follows a line of JSON whose bulk is apart.
const apartMark = '+'

// Packer writes the packed form. It is ready as it is, and used by one goroutine at a
// time; what it needs for a record is used again for the next one.
type Packer struct{ c codec }

// Records appends records that follow each other. With a shape, they refer to it where
// they can. The bulk of those for which apart is true is left out; apart may be nil.
func (p *Packer) Records(b []byte, list []Record, shape *Shape, apart func(*Record) bool) []byte {
	b = append(b, packedMark)
	if shape == nil {
		b = append(b, 0)
	} else {
		b = append(append(b, flagShape), shape.id[:]...)
	}
	var last moment
	for i := range list {
		r := &list[i]
		round, _ := r.Body.(*Round)
		if round != nil && len(round.Decided) == 0 {
			continue
		}
		kind := roundType
		if round == nil {
			kind = r.Body.Type()
		}
		head := typeNumbers[kind] << headBits
		if apart != nil && apart(r) {
			bare := r.WithBulk(nil)
			r, head = &bare, head|headApart
		}
		b = last.append(b, head, r)
		p.c = codec{whole: true, packs: true, pack: packed{b: b, shape: shape, clock: clock{last.nanoseconds}}}
		start := p.c.pack.open()
		if round != nil {
			p.c.pack.round(&p.c, round.Decided)
		} else {
			r.Body.members(&p.c)
		}
		p.c.pack.close(start)
		b = p.c.pack.b
	}
	p.c = codec{}
	return b
}

// moment is when the record before happened.
type moment struct {
	time        time.Time
	nanoseconds int64 // Unix; of the last time that has some
	cycle       uint64
}

// append writes the head of a record.
func (m *moment) append(b []byte, head uint64, r *Record) []byte {
	now, other := !r.Time.Equal(m.time), r.Cycle != m.cycle
	if now {
		head |= headTime
	}
	if other {
		head |= headCycle
	}
	b = binary.AppendUvarint(b, head)
	if now {
		b = m.appendTime(b, r.Time)
	}
	if other {
		m.cycle = r.Cycle
		b = binary.AppendUvarint(b, m.cycle)
	}
	return b
}

// appendTime writes 1 plus the nanoseconds since the time before, or 0 and then the
// seconds and nanoseconds of a time that is centuries away.
func (m *moment) appendTime(b []byte, t time.Time) []byte {
	m.time = t
	if ns := t.UnixNano(); inNanoseconds(t) && zigzag(ns-m.nanoseconds)+1 != 0 {
		since := zigzag(ns - m.nanoseconds)
		m.nanoseconds = ns
		return binary.AppendUvarint(b, since+1)
	}
	b = binary.AppendUvarint(append(b, 0), zigzag(t.Unix()))
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

func (m *moment) read(p *packed, head uint64) {
	if head&headTime != 0 {
		if since := p.takeUint(); since > 0 {
			m.nanoseconds += unzigzag(since - 1)
			m.time = time.Unix(0, m.nanoseconds).UTC()
		} else {
			m.time = time.Unix(p.takeInt(), int64(p.takeUint()%1e9)).UTC()
		}
	}
	if head&headCycle != 0 {
		m.cycle = p.takeUint()
	}
}

// ShapeOf says which shape records refer to that a store keeps, and false for none.
func ShapeOf(b []byte) (id ShapeID, refers bool) {
	if len(b) < 2+len(id) || b[0] != packedMark || b[1]&flagShape == 0 {
		return id, false
	}
	return ShapeID(b[2:]), true
}

// Unpacker goes through the records of one commit as a store keeps them: in the packed
// form, or as the lines of JSON that earlier versions wrote. Nothing is read of a record
// that is not asked for.
type Unpacker struct {
	stack string
	seq   uint64
	shape *Shape
	rest  []byte
	lines bool
	err   error
	next  uint64 // the Seq of the record that follows

	body   []byte
	kind   string
	number uint64 // of a type that is not known
	apart  bool
	at     moment
	c      codec

	decided []*NodeDecided // of a round, once they are asked for
	left    uint64         // how many of a round follow
	nth     int            // of a round, the decision that is looked at
}

// Unpack begins before the first record, whose Seq is first. shape is the one that ShapeOf
// names, or nil without one.
func Unpack(b []byte, stack string, first uint64, shape *Shape) *Unpacker {
	u := &Unpacker{stack: stack, next: first, rest: b}
	switch id, refers := ShapeOf(b); {
	case len(b) == 0 || b[0] == '{':
		u.lines = true
	case b[0] != packedMark || len(b) < 2 || b[1]&^flagShape != 0 || b[1] != 0 && !refers:
		u.err = errors.New("records in a form that this version does not know")
	case refers && (shape == nil || shape.id != id):
		u.err = errors.New("the shape that the records refer to is missing")
	case refers:
		u.shape, u.rest = shape, b[2+len(id):]
	default:
		u.rest = b[2:]
	}
	return u
}

// Next moves on to the next record and reports whether there is one.
func (u *Unpacker) Next() bool {
	if u.err != nil || len(u.rest) == 0 && u.left == 0 {
		return false
	}
	u.seq = u.next
	u.next++
	if u.left > 0 {
		u.left--
		u.nth++
		return true
	}
	if u.lines {
		u.body, u.rest, _ = bytes.Cut(u.rest, []byte{'\n'})
		if u.apart = len(u.body) > 0 && u.body[len(u.body)-1] == apartMark; u.apart {
			u.body = u.body[:len(u.body)-1]
		}
		u.kind = TypeOf(u.body)
		return true
	}
	p := packed{rest: u.rest, shape: u.shape}
	head := p.takeUint()
	u.at.read(&p, head)
	u.body, u.apart = p.takeBytes(), head&headApart != 0
	u.rest, u.err = p.rest, p.err
	if u.kind, u.number = "", head>>headBits; u.number < uint64(len(recordTypes)) {
		u.kind = recordTypes[u.number]
	}
	if u.kind == roundType && u.err == nil {
		u.left, u.nth, u.decided = p.roundSize(u.body)-1, 0, nil
		u.err = p.err
	}
	return u.err == nil
}

// Err is why Next has found no more records; nil at their end.
func (u *Unpacker) Err() error { return u.err }

// Seq is the record's number.
func (u *Unpacker) Seq() uint64 { return u.seq }

// Type is the record's type, "" if this version does not know it.
func (u *Unpacker) Type() string {
	if u.kind == roundType {
		return (*NodeDecided)(nil).Type()
	}
	return u.kind
}

// Apart reports that the bulk of the record is not in it.
func (u *Unpacker) Apart() bool { return u.apart }

// Record reads the record.
func (u *Unpacker) Record() (Record, error) {
	if u.lines {
		r, err := ParseRecord(u.body)
		if err == nil && r.Seq != u.seq {
			err = fmt.Errorf("journal: it is record %d", r.Seq)
		}
		r.Stack = u.stack
		return r, err
	}
	r := Record{Seq: u.seq, Time: u.at.time, Stack: u.stack, Cycle: u.at.cycle}
	if u.kind == roundType {
		return u.ofRound(r)
	}
	if r.Body = fresh(u.kind); r.Body == nil {
		return Record{}, fmt.Errorf("journal: a record of a type that this version does not know: number %d", u.number)
	}
	u.c = codec{whole: true, packs: true, pack: packed{rest: u.body, reads: true, shape: u.shape, clock: clock{u.at.nanoseconds}}}
	r.Body.members(&u.c)
	if err := u.c.failed(); err != nil {
		return Record{}, fmt.Errorf("journal: not a %s: %w", u.kind, err)
	}
	return r, nil
}

// ofRound reads a record of a round, and with it all of them.
func (u *Unpacker) ofRound(r Record) (Record, error) {
	if u.decided == nil {
		u.c = codec{whole: true, packs: true, pack: packed{rest: u.body, reads: true, shape: u.shape}}
		all := u.c.pack.readRound(&u.c)
		if err := u.c.failed(); err != nil {
			return Record{}, fmt.Errorf("journal: not a round: %w", err)
		}
		u.decided = all
	}
	r.Body = u.decided[u.nth]
	return r, nil
}

// failed is why something could not be read.
func (c *codec) failed() error {
	if c.err != nil {
		return c.err
	}
	return c.pack.err
}
