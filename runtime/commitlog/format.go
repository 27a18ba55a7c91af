package commitlog

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A segment is a page with a header, and frames one behind the other:
//
//	header: magic 16, version 4, length of the store's id 4, epoch 8, nonce 16, nonce of
//	        the segment before 16, id, zeros, checksum of all of it in the last 4 bytes
//	frame:  tag 4, length 4, durable 4, checksum of these 4, checksum of the frame 4, payload
//
// The checksums are CRC-32C, those of a frame begin with the nonce and the position. The
// tag is the begin of the nonce; by it the frames behind a broken one are found.
// durable is the position up to which the segment had been forced to disk before the frame
// was written. The highest bit of length makes it the end frame, whose payload is the nonce of
// the next segment. Numbers are little-endian.
const (
	version    = 1
	headerSize = 4096 // a page of its own: no write of a frame touches it
	headerSum  = headerSize - 4
	frameSize  = 20
	endBit     = 1 << 31
	endSize    = frameSize + 16
	idLimit    = 255
	sizeLimit  = 1<<32 - 1 // what durable can say
)

var (
	magic = [16]byte([]byte("graphrun log\n\x00\r\n"))
	table = crc32.MakeTable(crc32.Castagnoli)
	num   = binary.LittleEndian
)

// Nonce is the random name of a segment.
type Nonce [16]byte

// newNonce gives a nonce whose tag does not look like the zeros of a file.
func newNonce() Nonce {
	for {
		var n Nonce
		_, _ = rand.Read(n[:]) // it never fails
		if num.Uint32(n[:]) != 0 {
			return n
		}
	}
}

// header is what a segment says of itself.
type header struct {
	version       uint32
	store         string
	epoch         uint64
	nonce, before Nonce
}

func (h *header) page() ([]byte, error) {
	if len(h.store) > idLimit {
		return nil, fmt.Errorf("the id of the store has %d bytes, at most %d fit into a log", len(h.store), idLimit)
	}
	b := make([]byte, headerSize)
	copy(b, magic[:])
	num.PutUint32(b[16:], version)
	num.PutUint32(b[20:], uint32(len(h.store)))
	num.PutUint64(b[24:], h.epoch)
	copy(b[32:], h.nonce[:])
	copy(b[48:], h.before[:])
	copy(b[64:], h.store)
	num.PutUint32(b[headerSum:], checksum(b[:headerSum]))
	return b, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, table) }

// kind is what the first page of a file turned out to be.
type kind int

const (
	whole kind = iota // a header
	blank             // nothing yet
	torn              // it begins like a header, and is none
	alien             // something else
)

func parseHeader(b []byte) (h header, k kind) {
	switch ours, zero := beginning(b); {
	case zero:
		return h, blank
	case !ours:
		return h, alien
	case len(b) < headerSize || num.Uint32(b[headerSum:]) != checksum(b[:headerSum]):
		return h, torn
	}
	h.version = num.Uint32(b[16:])
	if h.version != version {
		return h, whole
	}
	n := num.Uint32(b[20:])
	if n > idLimit {
		return h, torn
	}
	h.epoch = num.Uint64(b[24:])
	h.nonce, h.before = Nonce(b[32:48]), Nonce(b[48:64])
	h.store = string(b[64 : 64+n])
	return h, whole
}

// beginning reports whether a page may be one of a log that was being written: its magic
// or a part of it is there, or nothing is.
func beginning(b []byte) (ours, zero bool) {
	for i, c := range b[:min(len(b), len(magic))] {
		if c != 0 && c != magic[i] {
			return false, false
		}
	}
	return true, len(bytes.Trim(b, "\x00")) == 0
}

// sealer makes and checks the frames of one segment. It is for one goroutine.
type sealer struct {
	tag, seed uint32
	place     [8]byte // here and not on the stack, from where crc32 would move it to the heap
}

func newSealer(n Nonce) *sealer {
	return &sealer{tag: num.Uint32(n[:]), seed: checksum(n[:])}
}

func (s *sealer) sum(pos int64, head []byte) uint32 {
	num.PutUint64(s.place[:], uint64(pos))
	return crc32.Update(crc32.Update(s.seed, table, s.place[:]), table, head)
}

// frame appends a frame that will be at pos.
func (s *sealer) frame(b []byte, pos, durable int64, bit uint32, payload []byte) []byte {
	at := len(b)
	b = num.AppendUint32(b, s.tag)
	b = num.AppendUint32(b, uint32(len(payload))|bit)
	b = num.AppendUint32(b, uint32(durable))
	sum := s.sum(pos, b[at:])
	b = num.AppendUint32(b, sum)
	b = num.AppendUint32(b, crc32.Update(sum, table, payload))
	return append(b, payload...)
}

// head is the begin of a frame.
type head struct {
	size     int64 // of the payload
	durable  int64
	end      bool
	sum, all uint32
}

// head checks the begin of a frame at pos.
func (s *sealer) head(b []byte, pos int64) (head, bool) {
	if num.Uint32(b) != s.tag {
		return head{}, false
	}
	n := num.Uint32(b[4:])
	h := head{size: int64(n &^ endBit), end: n&endBit != 0, durable: int64(num.Uint32(b[8:])), sum: num.Uint32(b[12:]), all: num.Uint32(b[16:])}
	return h, h.sum == s.sum(pos, b[:12]) && (!h.end || h.size == endSize-frameSize)
}

func (h head) holds(payload []byte) bool {
	return crc32.Update(h.sum, table, payload) == h.all
}
