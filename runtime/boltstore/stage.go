package boltstore

import (
	"encoding/binary"
	"errors"
	"strings"
)

// stage takes what a group of requests puts and deletes, in a layer of its own that nobody
// else sees, and writes the frames of the log along. A frame is the rows of one request, in
// order:
//
//	TABLE, length and bytes of the key, length and bytes of the value
//	TABLE | deletedMark, length and bytes of the key
//
// Lengths are unsigned varints. The layer and the tail after it share the frames' bytes.
type stage struct {
	layer  layer
	buf    []byte // the frames of this group end here; those of earlier ones lie before them
	begins int    // where the present frame begins
	ops    []op   // of the group
	first  int    // the first of the present request
}

// op is one row that was put or deleted, and what the stage's layer had there.
type op struct {
	of    table
	key   string
	value []byte // nil if it was deleted
	was   []byte
	had   bool
}

// deletedMark is a bit beside a row's table.
const deletedMark = 0x80

// stageChunk is how many bytes of frames are allocated at once.
const stageChunk = 64 << 10

func (s *stage) put(of table, key, v []byte) {
	s.room(len(key) + len(v) + 1 + 2*binary.MaxVarintLen32)
	s.buf = append(s.buf, byte(of))
	k := s.bytes(key)
	s.note(of, text(k), s.bytes(v))
}

func (s *stage) delete(of table, key []byte) {
	s.room(len(key) + 1 + binary.MaxVarintLen32)
	s.buf = append(s.buf, byte(of)|deletedMark)
	s.note(of, text(s.bytes(key)), nil)
}

// bytes writes the length of some bytes, and the bytes, and gives them where they lie now.
func (s *stage) bytes(b []byte) []byte {
	s.buf = binary.AppendUvarint(s.buf, uint64(len(b)))
	s.buf = append(s.buf, b...)
	return s.buf[len(s.buf)-len(b) : len(s.buf) : len(s.buf)]
}

func (s *stage) note(of table, key string, v []byte) {
	was, had := s.layer.rows[of].Set(key, v)
	s.ops = append(s.ops, op{of, key, v, was, had})
}

// room has n bytes follow the present frame where it lies. Otherwise the frame moves to a new
// chunk; rows that lie in the old one stay there.
func (s *stage) room(n int) {
	if len(s.buf)+n <= cap(s.buf) {
		return
	}
	frame := s.buf[s.begins:]
	s.buf = make([]byte, len(frame), max(stageChunk, 2*(len(frame)+n)))
	s.begins = 0
	copy(s.buf, frame)
}

// begin starts the frame of the next request.
func (s *stage) begin() { s.begins, s.first = len(s.buf), len(s.ops) }

// frame is that of the present request; empty if it changed nothing.
func (s *stage) frame() []byte { return s.buf[s.begins:len(s.buf):len(s.buf)] }

// undo takes back what the present request did.
func (s *stage) undo() {
	for i := len(s.ops) - 1; i >= s.first; i-- {
		if o := &s.ops[i]; o.had {
			s.layer.rows[o.of].Set(strings.Clone(o.key), o.was) // the bytes of the key are written over
		} else {
			s.layer.rows[o.of].Delete(o.key)
		}
	}
	clear(s.ops[s.first:])
	s.ops, s.buf = s.ops[:s.first], s.buf[:s.begins]
}

// clear makes the stage ready for the next group.
func (s *stage) clear() {
	for i := range s.layer.rows {
		s.layer.rows[i].Clear()
	}
	clear(s.ops)
	s.ops = s.ops[:0]
}

var errFrame = errors.New("a frame of the log does not hold rows")

// replay does to a layer what a frame says. The layer shares the frame's bytes.
func (l *layer) replay(frame []byte) error {
	r := headReader{rest: frame}
	for len(r.rest) > 0 && !r.bad {
		tag := r.take(1)[0]
		of := table(tag &^ deletedMark)
		key := r.take(r.uvarint())
		var v []byte
		if tag&deletedMark == 0 {
			n := r.uvarint()
			if v = r.take(n); v == nil && n == 0 && !r.bad {
				v = []byte{}
			}
		}
		if r.bad || of >= tables || len(key) == 0 {
			return errFrame
		}
		l.set(of, text(key), v)
	}
	if r.bad {
		return errFrame
	}
	return nil
}
