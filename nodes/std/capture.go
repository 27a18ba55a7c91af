package std

import (
	"bytes"
	"strings"
	"unicode/utf8"
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

// tail keeps the last max bytes that are written to it, and a margin before
// them, and hands each line on.
type tail struct {
	max  int
	mask func(string) string // nodes.Task.Mask
	kept []byte

	log  func(line string) // nil if nobody listens
	line []byte            // the beginning of a line
}

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	t.hand(b)
	room := t.max + margin
	if len(b) > room {
		b = b[len(b)-room:]
	}
	if drop := len(t.kept) + len(b) - room; drop > 0 {
		t.kept = append(t.kept[:0], t.kept[drop:]...)
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
		t.line = append(t.line, piece[:min(len(piece), t.max+margin-len(t.line))]...)
		if !whole {
			return
		}
		t.handLine()
		b = rest
	}
}

func (t *tail) handLine() {
	t.log(beginning(text(t.line), t.max, t.mask))
	t.line = t.line[:0]
}

// flush hands on what came after the last line end.
func (t *tail) flush() {
	if t.log != nil && len(t.line) > 0 {
		t.handLine()
	}
}

// String is the end of the text, without white space around it. Where the
// beginning was dropped, it begins with a whole line if there is one.
func (t *tail) String() string {
	all := text(t.kept)
	s := end(all, t.max, t.mask)
	if len(s) < len(all) {
		if _, rest, ok := strings.Cut(s, "\n"); ok && rest != "" {
			s = rest
		}
	}
	return strings.TrimSpace(s)
}

// text is bytes of a program as valid UTF-8.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// margin is how far beyond a piece of a text one looks for a secret that the
// cut would hit.
const margin = 12 << 10

// beginning is the first max bytes of s, or a little less: it ends neither
// within a character nor within a secret, since half of a secret would not be
// recognized later.
func beginning(s string, max int, mask func(string) string) string {
	if len(s) <= max {
		return s
	}
	s = s[:min(len(s), max+margin)]
	all := masked(s, mask)
	at := max
	for at > 0 && (!utf8.RuneStart(s[at]) || !strings.HasPrefix(all, masked(s[:at], mask))) {
		at--
	}
	return s[:at]
}

// end is the same of the last max bytes.
func end(s string, max int, mask func(string) string) string {
	if len(s) <= max {
		return s
	}
	s = s[len(s)-min(len(s), max+margin):]
	all := masked(s, mask)
	at := len(s) - max
	for at < len(s) && (!utf8.RuneStart(s[at]) || !strings.HasSuffix(all, masked(s[at:], mask))) {
		at++
	}
	return s[at:]
}

func masked(s string, mask func(string) string) string {
	if mask == nil {
		return s
	}
	return mask(s)
}
