package program

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// StderrTail is how much of the end of standard error a failure's message has.
const StderrTail = 4 << 10

// Tail keeps the last Max bytes that are written to it, and a margin before
// them, and hands each line on. It is not safe for concurrent use.
type Tail struct {
	Max  int
	Mask func(string) string // nodes.Task.Mask
	Log  func(line string)   // gets each line, cut at Max; nil if nobody listens

	kept []byte
	all  int    // bytes that were written
	line []byte // the beginning of a line
}

func (t *Tail) Write(b []byte) (int, error) {
	n := len(b)
	t.all += n
	t.hand(b)
	room := t.Max + margin
	if len(b) > room {
		b = b[len(b)-room:]
	}
	if drop := len(t.kept) + len(b) - room; drop > 0 {
		t.kept = append(t.kept[:0], t.kept[drop:]...)
	}
	t.kept = append(t.kept, b...)
	return n, nil
}

func (t *Tail) hand(b []byte) {
	if t.Log == nil {
		return
	}
	for {
		piece, rest, whole := bytes.Cut(b, []byte("\n"))
		t.line = append(t.line, piece[:min(len(piece), t.Max+margin-len(t.line))]...)
		if !whole {
			return
		}
		t.handLine()
		b = rest
	}
}

func (t *Tail) handLine() {
	t.Log(Beginning(Text(t.line), t.Max, t.Mask))
	t.line = t.line[:0]
}

// Forget drops what was kept.
func (t *Tail) Forget() { t.kept, t.all = t.kept[:0], 0 }

// Flush hands on what came after the last line end.
func (t *Tail) Flush() {
	if t.Log != nil && len(t.line) > 0 {
		t.handLine()
	}
}

// String is the end of the text, without white space around it. Where the
// beginning was dropped, it begins with a whole line if there is one.
func (t *Tail) String() string { return t.Last(t.Max) }

// Last is as String, of at most max bytes.
func (t *Tail) Last(max int) string {
	all := Text(t.kept)
	s := End(all, max, t.Mask)
	if len(s) < len(all) {
		if _, rest, ok := strings.Cut(s, "\n"); ok && rest != "" {
			s = rest
		}
	}
	return strings.TrimSpace(s)
}

// Whole is the end of the text as it was written, white space and all.
func (t *Tail) Whole() string { return End(Text(t.kept), t.Max, t.Mask) }

// Bytes are the last Max bytes as they were written, less the rest of a character whose
// beginning is not among them, and how many were written before.
func (t *Tail) Bytes() (b []byte, before int) {
	b = t.kept[max(0, len(t.kept)-t.Max):]
	for cut := 0; len(b) < t.all && cut < utf8.UTFMax-1 && len(b) > 0 && !utf8.RuneStart(b[0]); cut++ {
		b = b[1:]
	}
	return b, t.all - len(b)
}

// Text is bytes of a program as valid UTF-8.
func Text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// margin is how far beyond a piece of a text one looks for a secret that the
// cut would hit.
const margin = 12 << 10

// Beginning is the first max bytes of s, or a little less: it ends neither
// within a character nor within a secret, since half of a secret would not be
// recognized later.
func Beginning(s string, max int, mask func(string) string) string {
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

// End is the same of the last max bytes.
func End(s string, max int, mask func(string) string) string {
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
