package std

import (
	"bytes"
	"strings"
)

// stderrTail is how much of the end of standard error a failure's message has.
const stderrTail = 4 << 10

// head keeps the first max bytes that are written to it and drops the rest.
// (It holds a slice, not a bytes.Buffer: io.Copy would find the buffer's
// ReadFrom and write past any bound.)
type head struct {
	max  int64
	kept []byte
	full bool
	over chan struct{} // closed when the first byte is dropped
}

func (h *head) Write(b []byte) (int, error) {
	room := h.max - int64(len(h.kept))
	if int64(len(b)) <= room {
		h.kept = append(h.kept, b...)
		return len(b), nil
	}
	h.kept = append(h.kept, b[:room]...)
	if !h.full {
		h.full = true
		close(h.over)
	}
	return len(b), nil
}

// tail keeps the last max bytes that are written to it, and hands each line on.
type tail struct {
	max  int
	kept []byte
	cut  bool // something was dropped

	log  func(line []byte) // nil: nobody listens
	line []byte            // the beginning of a line, at most max bytes of it
}

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	t.hand(b)
	if len(b) > t.max {
		b, t.cut = b[len(b)-t.max:], true
	}
	if drop := len(t.kept) + len(b) - t.max; drop > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[drop:]...), true
	}
	t.kept = append(t.kept, b...)
	return n, nil
}

func (t *tail) hand(b []byte) {
	if t.log == nil {
		return
	}
	for {
		piece, rest, whole := bytes.Cut(b, []byte("\n"))
		t.line = append(t.line, piece[:min(len(piece), t.max-len(t.line))]...)
		if !whole {
			return
		}
		t.log(t.line)
		t.line, b = t.line[:0], rest
	}
}

// String is the end of the text, as valid UTF-8, without white space around it.
// Where the beginning was dropped, it begins with a whole line if there is one:
// half a line may be half a secret, which nothing would recognize.
func (t *tail) String() string {
	b := t.kept
	if t.cut {
		if i := bytes.IndexByte(b, '\n'); i >= 0 && i+1 < len(b) {
			b = b[i+1:]
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "\uFFFD"))
}
