package commitlog

import (
	"bytes"
	"io"
)

// chunk is how much of a file is read at once.
const chunk = 1 << 20

// reader gives parts of a file one behind the other. What it gave stays as it is.
type reader struct {
	src  io.ReaderAt
	size int64
	buf  []byte
	at   int64 // where buf begins
}

// part gives n bytes at pos, or nil when the file has not so many.
func (r *reader) part(pos, n int64) ([]byte, error) {
	if n > r.size-pos {
		return nil, nil
	}
	if pos < r.at || pos+n > r.at+int64(len(r.buf)) {
		r.buf, r.at = make([]byte, min(max(n, chunk), r.size-pos)), pos
		if _, err := r.src.ReadAt(r.buf, pos); err != nil {
			return nil, err
		}
	}
	from := pos - r.at
	return r.buf[from : from+n : from+n], nil
}

// end is how the whole frames of a segment end.
type end struct {
	pos    int64 // behind the last one, the end frame not counted
	frames int
	closed bool // there is an end frame
	next   Nonce
	proof  int64 // of a frame that says that what is broken at pos had been forced to disk, or 0
}

// scan gives each whole frame from the begin of a segment to the first that is not. What
// each is given may be kept; an error of it ends the scan.
func scan(src io.ReaderAt, size int64, nonce Nonce, each func([]byte) error) (e end, err error) {
	r, s := &reader{src: src, size: size}, newSealer(nonce)
	e.pos = headerSize
	for {
		h, payload, err := r.frame(s, e.pos)
		switch {
		case err != nil:
			return e, err
		case payload == nil:
			e.proof, err = r.find(s, e.pos+1, e.pos)
			return e, err
		case h.end:
			e.closed, e.next = true, Nonce(payload)
			return e, nil
		}
		if err := each(payload); err != nil {
			return e, err
		}
		e.frames++
		e.pos += frameSize + h.size
	}
}

// frame gives the frame at pos, or a nil payload if there is no whole one.
func (r *reader) frame(s *sealer, pos int64) (h head, payload []byte, err error) {
	b, err := r.part(pos, frameSize)
	if err != nil || b == nil {
		return h, nil, err
	}
	h, ok := s.head(b, pos)
	if !ok {
		return h, nil, nil
	}
	if b, err = r.part(pos, frameSize+h.size); err != nil || b == nil {
		return h, nil, err
	}
	if payload = b[frameSize:]; !h.holds(payload) {
		return h, nil, nil
	}
	return h, payload, nil
}

// find gives the position of the first frame from pos on that says that more than
// durable had been forced to disk, or 0. The begin of a frame is enough: it was written
// after that had been done, whatever became of the rest.
func (r *reader) find(s *sealer, pos, durable int64) (int64, error) {
	tag := num.AppendUint32(nil, s.tag)
	buf := make([]byte, min(chunk, max(r.size-pos, 0)))
	for ; r.size-pos >= frameSize; pos += int64(len(buf)) - frameSize + 1 {
		buf = buf[:min(int64(len(buf)), r.size-pos)]
		if _, err := r.src.ReadAt(buf, pos); err != nil {
			return 0, err
		}
		for from := 0; ; from++ {
			i := bytes.Index(buf[from:], tag)
			if i < 0 || from+i+frameSize > len(buf) {
				break
			}
			from += i
			if h, ok := s.head(buf[from:], pos+int64(from)); ok && h.durable > durable {
				return pos + int64(from), nil
			}
		}
	}
	return 0, nil
}
