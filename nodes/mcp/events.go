package mcp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"github.com/graphrun/graphrun/graph/value"
)

// events is a stream of events, each of which has a message. The SDK would put other
// characters in the place of bytes that are not UTF-8. An answer with such bytes is passed
// on as a refusal, whose text begins with mark and says where they are; the stream continues.
type events struct {
	io.ReadCloser
	in   *bufio.Reader
	max  int // bytes of an event; longer ones are passed on as they are, and refused later
	mark string
	out  []byte // what is to be read next
	err  error  // after that
}

func newEvents(body io.ReadCloser, max int, mark string) *events {
	return &events{ReadCloser: body, in: bufio.NewReader(body), max: max, mark: mark}
}

func (e *events) Read(p []byte) (int, error) {
	if len(e.out) == 0 && e.err == nil {
		e.out, e.err = e.next()
	}
	n := copy(p, e.out)
	if e.out = e.out[n:]; n == 0 && len(p) > 0 {
		return 0, e.err
	}
	return n, nil
}

// next is the next event, or a part of a long one.
func (e *events) next() (event []byte, err error) {
	line := 0 // where the last line begins
	for {
		piece, err := e.in.ReadSlice('\n')
		event = append(event, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) && len(event) <= e.max:
			continue
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return e.checked(event), err
		case len(event) > e.max:
			return event, nil
		case len(bytes.TrimRight(event[line:], "\r\n")) == 0:
			return e.checked(event), nil
		}
		line = len(event)
	}
}

// checked is an event as it came, or the refusal in place of an answer that is not text.
func (e *events) checked(event []byte) []byte {
	if utf8.Valid(event) {
		return event
	}
	var message, other []byte
	for line := range bytes.Lines(event) {
		data, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r\n"), []byte("data:"))
		switch {
		case !ok:
			other = append(other, line...)
		case message == nil:
			message = append([]byte{}, bytes.TrimSpace(data)...)
		default:
			message = append(append(message, '\n'), bytes.TrimSpace(data)...)
		}
	}
	msg, err := jsonrpc.DecodeMessage(message)
	answer, ok := msg.(*jsonrpc.Response)
	wrong := value.CheckText(message)
	if err != nil || !ok || wrong == nil {
		return event
	}
	refusal := &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: e.mark + wrong.Error()}
	text, err := jsonrpc.EncodeMessage(&jsonrpc.Response{ID: answer.ID, Error: refusal})
	if err != nil {
		return event
	}
	return append([]byte("data: "+string(text)+"\n"), other...)
}
