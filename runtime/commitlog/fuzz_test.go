package commitlog

import (
	"bytes"
	"testing"
)

// reseal makes the checksum of a header that was changed fit.
func reseal(page []byte) {
	num.PutUint32(page[headerSum:], checksum(page[:headerSum]))
}

// Whatever is in a segment, what a scan gives is what was written: it can be written again
// from it, byte by byte. And no content makes it fail.
func FuzzScan(f *testing.F) {
	nonce := Nonce{1, 2, 3, 4, 5}
	s := newSealer(nonce)
	var seed []byte
	for _, text := range []string{"a", "", "some text", string(make([]byte, 300))} {
		seed = s.frame(seed, int64(headerSize+len(seed)), int64(headerSize+len(seed)/2), 0, []byte(text))
	}
	f.Add(seed, uint16(0), byte(0))
	f.Add(seed, uint16(30), byte(8))
	f.Add(s.frame(seed, int64(headerSize+len(seed)), headerSize, endBit, nonce[:]), uint16(3), byte(0))
	f.Add([]byte{1, 2, 3, 4, 0, 0, 0, 0}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, body []byte, at uint16, flip byte) {
		b := append(make([]byte, headerSize), body...)
		if len(body) > 0 {
			b[headerSize+int(at)%len(body)] ^= flip
		}
		var again []byte
		s := newSealer(nonce)
		r := reader{src: bytes.NewReader(b), size: int64(len(b))}
		e, err := scan(bytes.NewReader(b), int64(len(b)), nonce, func(p []byte) error {
			pos := int64(headerSize + len(again))
			h, _, err := r.frame(s, pos)
			again = s.frame(again, pos, h.durable, 0, p)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if e.pos != int64(headerSize+len(again)) || !bytes.Equal(again, b[headerSize:e.pos]) {
			t.Errorf("%d frames up to %d are not those that are there", e.frames, e.pos)
		}
		if e.proof != 0 && (e.closed || e.proof <= e.pos) {
			t.Errorf("a frame at %d is the proof for %d", e.proof, e.pos)
		}
		if h, k := parseHeader(body); k == whole && h.version == version {
			page, err := h.page()
			if err != nil || !bytes.Equal(page[:64+len(h.store)], body[:64+len(h.store)]) {
				t.Errorf("the header is another one when it is written again: %v", err)
			}
		}
	})
}
