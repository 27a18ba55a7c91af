package journal

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/graphrun/graphrun/graph/value"
)

// packed is one object in the packed form: its members that are not zero, in ascending
// order of their numbers. A member's number is its place in the list of its type, from 1.
// So a new member goes to the end of the list of its type, and none is ever taken out of
// it. A reader that does not know a member skips it: those that it does not know are
// behind all that it knows, and every object says how long it is.
//
// A member begins with its tag, a uvarint: its number, and in the lowest two bits the form
// of what follows.
type packed struct {
	b       []byte // what has been written
	rest    []byte // what is left of the object that is read
	reads   bool
	number  uint64 // of the member that was asked for last
	tag     uint64 // of the next member that is read; 0 when it has not been looked at
	written bool   // a zero value is written too
	clock   clock
	shape   *Shape
	err     error
}

// The forms of what follows a tag.
const (
	numberForm = iota // a uvarint
	bytesForm         // a uvarint and so many bytes
	trueForm          // nothing
	floatForm         // eight bytes
)

var errPacked = errors.New("it ends too early, or is not what was written")

func (p *packed) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.rest, p.tag = nil, 0
}

// put writes the tag of the next member.
func (p *packed) put(form uint64) { p.b = binary.AppendUvarint(p.b, p.number<<2|form) }

// isNext looks whether the next member is there that is read.
func (p *packed) isNext() bool {
	if p.tag == 0 {
		if len(p.rest) == 0 {
			return false
		}
		if p.tag = p.takeUint(); p.tag < 1<<2 {
			p.fail(errPacked)
			return false
		}
	}
	if p.tag>>2 <= p.number {
		p.fail(errPacked)
		return false
	}
	return p.tag>>2 == p.number+1
}

// take moves on to the next member and says in which form it is there.
func (p *packed) take() (form uint64, there bool) {
	there = p.isNext()
	p.number++
	if there {
		form, p.tag = p.tag&3, 0
	}
	return form, there
}

// takes is take for a member that has one form.
func (p *packed) takes(want uint64) bool {
	form, there := p.take()
	if there && form != want {
		p.fail(errPacked)
		return false
	}
	return there
}

func (p *packed) takeUint() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 {
		p.fail(errPacked)
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *packed) takeInt() int64 { return unzigzag(p.takeUint()) }

func (p *packed) takeBytes() []byte { return p.takeN(p.takeUint()) }

func (p *packed) takeN(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.fail(errPacked)
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

func (p *packed) uint(n *uint64) {
	if p.reads {
		if p.takes(numberForm) {
			*n = p.takeUint()
		}
		return
	}
	p.number++
	if *n != 0 || p.written {
		p.put(numberForm)
		p.b = binary.AppendUvarint(p.b, *n)
	}
}

func (p *packed) int(n *int64) {
	u := zigzag(*n)
	p.uint(&u)
	*n = unzigzag(u)
}

func (p *packed) bool(v *bool) {
	if p.reads {
		*v = p.takes(trueForm)
		return
	}
	p.number++
	if *v {
		p.put(trueForm)
	}
}

func (p *packed) float(f *float64) {
	if p.reads {
		if !p.takes(floatForm) {
			return
		}
		if b := p.takeN(8); b != nil {
			*f = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		if *f-*f != 0 { // no form has it
			p.fail(errPacked)
		}
		return
	}
	p.number++
	if *f != 0 || p.written {
		p.put(floatForm)
		p.b = binary.LittleEndian.AppendUint64(p.b, math.Float64bits(*f))
	}
}

func (p *packed) text(s *string) {
	if p.reads {
		if p.takes(bytesForm) {
			*s = string(p.takeBytes())
		}
		return
	}
	p.number++
	if *s != "" || p.written {
		p.put(bytesForm)
		p.b = appendPackedText(p.b, *s)
	}
}

func appendPackedText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (p *packed) value(v *any) {
	if p.reads {
		if p.takes(bytesForm) {
			var err error
			if *v, err = value.ParseBinary(p.takeBytes()); err != nil {
				p.fail(err)
			}
		}
		return
	}
	p.number++
	if *v != nil {
		p.put(bytesForm)
		start := p.open()
		p.b = value.AppendBinary(p.b, *v)
		p.close(start)
	}
}

// object is value for a map, which stays nil or empty.
func (p *packed) object(m *map[string]any) {
	var v any
	if *m != nil {
		v = *m
	}
	p.value(&v)
	if p.reads {
		*m, _ = v.(map[string]any)
	}
}

// open leaves room for a length of what is written from here on, and close fills it in.
func (p *packed) open() int {
	p.b = append(p.b, 0)
	return len(p.b)
}

func (p *packed) close(start int) {
	n := len(p.b) - start
	if n < 0x80 {
		p.b[start-1] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	p.b = append(p.b, length[:size-1]...) // room for what moves
	copy(p.b[start-1+size:], p.b[start:start+n])
	copy(p.b[start-1:], length[:size])
}

// around is what is known of the object around the one that is walked over.
type around struct {
	rest        []byte
	number, tag uint64
	written     bool
}

func (p *packed) enter(body []byte) around {
	out := around{p.rest, p.number, p.tag, p.written}
	p.rest, p.number, p.tag, p.written = body, 0, 0, false
	return out
}

func (p *packed) leave(out around) {
	if p.err != nil {
		out.rest = nil
	}
	p.rest, p.number, p.tag, p.written = out.rest, out.number, out.tag, out.written
}

// clock counts moments from the one before, in nanoseconds.
type clock struct{ last int64 }

// inNanoseconds: Unix nanoseconds fit into an int64.
func inNanoseconds(t time.Time) bool {
	s := t.Unix()
	return -9e9 < s && s < 9e9
}

// time is a number of nanoseconds since the time before it, or for a moment that is
// centuries away the seconds and nanoseconds of its own.
func (p *packed) time(t *time.Time) {
	if p.reads {
		switch form, there := p.take(); {
		case !there:
		case form == numberForm:
			p.clock.last += p.takeInt() // it may wrap around, as when it was written
			*t = time.Unix(0, p.clock.last).UTC()
		case form == bytesForm:
			out := p.enter(p.takeBytes())
			*t = time.Unix(p.takeInt(), int64(p.takeUint()%1e9)).UTC()
			p.leave(out)
		default:
			p.fail(errPacked)
		}
		return
	}
	p.number++
	switch {
	case t.IsZero() && !p.written:
	case inNanoseconds(*t):
		p.put(numberForm)
		now := t.UnixNano()
		p.b = binary.AppendUvarint(p.b, zigzag(now-p.clock.last))
		p.clock.last = now
	default:
		p.put(bytesForm)
		start := p.open()
		p.b = binary.AppendUvarint(p.b, zigzag(t.Unix()))
		p.b = binary.AppendUvarint(p.b, uint64(t.Nanosecond()))
		p.close(start)
	}
}
