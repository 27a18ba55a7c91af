package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ErrEvent is an event that is longer than the scanner allows.
var ErrEvent = errors.New("an event of the stream is too long")

// Scanner cuts a stream of server-sent events into the data of its events. Lines end with
// LF, CR or CRLF; comments, and fields other than data, are skipped. An event is given
// out when its last byte is there, without waiting for a byte of the next one.
type Scanner struct {
	r    *bufio.Reader
	most int64
	line []byte
	data []byte
	cr   bool // the last line ended with CR: an LF that follows belongs to it
	any  bool // a line was read
	done bool
}

// NewScanner reads events from r whose lines, and whose data, have at most most bytes.
func NewScanner(r *bufio.Reader, most int64) *Scanner { return &Scanner{r: r, most: most} }

// Next returns the data of the next event that has any, valid until the next call. At the
// end it is io.EOF; an event that the end of the stream ends is given out before.
func (s *Scanner) Next() ([]byte, error) {
	s.data = s.data[:0]
	has := false
	for {
		line, err := s.read()
		if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
			if errors.Is(err, io.EOF) && has {
				return s.data, nil
			}
			return nil, err
		}
		if len(line) == 0 {
			if has {
				return s.data, nil
			}
			continue
		}
		text, ok := field(line)
		if !ok {
			continue
		}
		if has {
			s.data = append(s.data, '\n')
		}
		if int64(len(s.data)+len(text)) > s.most {
			return nil, ErrEvent
		}
		s.data, has = append(s.data, text...), true
	}
}

// field returns the data that a line holds. A line that begins with a brace is JSON that
// a server wrote without the name of its field: an error, in most cases.
func field(line []byte) ([]byte, bool) {
	if line[0] == '{' {
		return line, true
	}
	text, ok := bytes.CutPrefix(line, []byte("data"))
	if !ok || len(text) > 0 && text[0] != ':' {
		return nil, false
	}
	text = bytes.TrimPrefix(text, []byte(":"))
	return bytes.TrimPrefix(text, []byte(" ")), true
}

// read returns the next line without its end.
func (s *Scanner) read() ([]byte, error) {
	s.line = s.line[:0]
	for {
		if s.r.Buffered() == 0 {
			if _, err := s.r.Peek(1); err != nil {
				return s.first(), err
			}
		}
		b, _ := s.r.Peek(s.r.Buffered())
		if s.cr {
			s.cr = false
			if b[0] == '\n' {
				_, _ = s.r.Discard(1)
				continue
			}
		}
		i := bytes.IndexAny(b, "\r\n")
		n := i
		if i < 0 {
			n = len(b)
		}
		if int64(len(s.line)+n) > s.most {
			return nil, ErrEvent
		}
		s.line = append(s.line, b[:n]...)
		if i < 0 {
			_, _ = s.r.Discard(n)
			continue
		}
		s.cr = b[i] == '\r'
		_, _ = s.r.Discard(i + 1)
		return s.first(), nil
	}
}

// first drops a byte order mark from the first line.
func (s *Scanner) first() []byte {
	if !s.any {
		s.any = true
		return bytes.TrimPrefix(s.line, []byte("\uFEFF"))
	}
	return s.line
}
