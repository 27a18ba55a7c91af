package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
)

// Bounds of a message.
const (
	maxHeader = 8 << 10
	maxBody   = 64 << 20
)

// readFrame reads one message: headers, an empty line, and as many bytes as Content-Length
// says. It returns io.EOF where the stream ends between two messages.
func readFrame(r *bufio.Reader) ([]byte, error) {
	length, size := -1, 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && size+len(line) == 0 {
				return nil, io.EOF
			}
			return nil, fmt.Errorf("reading a header: %w", unexpected(err))
		}
		if size += len(line); size > maxHeader {
			return nil, fmt.Errorf("the header is longer than %d bytes", maxHeader)
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			if length < 0 {
				return nil, errors.New("the header has no Content-Length")
			}
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil, fmt.Errorf("%.40q is no header", text)
		}
		if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) == "Content-Length" {
			n, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil || n < 0 || n > maxBody {
				return nil, fmt.Errorf("the Content-Length is %.40q, expected 0 to %d", strings.TrimSpace(value), maxBody)
			}
			length = n
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("reading a message of %d bytes: %w", length, unexpected(err))
	}
	return body, nil
}

// unexpected is the error of a stream that ends within a message.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeFrame writes one message.
func writeFrame(w io.Writer, body []byte) error {
	_, err := w.Write(append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(body)), body...))
	return err
}
