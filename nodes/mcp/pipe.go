package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/graphrun/graphrun/graph/value"
)

// maxAsked is how many requests of a server are answered at once. More are dropped: what
// handles them has no bound of its own.
const maxAsked = 64

// tooLongError says that a message of a server is longer than max bytes.
type tooLongError struct{ max int }

func (e *tooLongError) Error() string {
	return fmt.Sprintf("it sent a message of more than %d bytes", e.max)
}

// pipe speaks with a program over its standard streams, a message a line. The SDK's own
// transport ends at the first line that is no message; programs that print one are many.
type pipe struct {
	in       *io.PipeWriter
	incoming chan jsonrpc.Message
	outgoing chan []byte
	over     chan struct{} // closed when nothing can come or go any more
	log      *slog.Logger
	max      int // bytes of a message
	asked    atomic.Int64

	once sync.Once
	mu   sync.Mutex
	err  error
}

func newPipe(in *io.PipeWriter, max int, log *slog.Logger) *pipe {
	p := &pipe{in: in, incoming: make(chan jsonrpc.Message), outgoing: make(chan []byte, 16), over: make(chan struct{}), max: max, log: log}
	go p.send()
	return p
}

// send writes what is to go. A program that does not read its input holds up nobody but
// those who talk to it.
func (p *pipe) send() {
	for {
		select {
		case line := <-p.outgoing:
			if _, err := p.in.Write(line); err != nil {
				return // it ends, and its end is seen elsewhere
			}
		case <-p.over:
			return
		}
	}
}

// end ends both directions; err is why, nil if nothing went wrong.
func (p *pipe) end(err error) {
	p.once.Do(func() {
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(p.over)
		_ = p.in.Close()
	})
}

func (p *pipe) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// stdout is where the program's output goes.
func (p *pipe) stdout() io.WriteCloser { return &lines{pipe: p} }

// lines takes the messages out of what a program writes.
type lines struct {
	pipe *pipe
	line []byte
	odd  bool // it wrote something else, which was said
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		piece, rest, whole := bytes.Cut(b, []byte("\n"))
		if len(l.line)+len(piece) > l.pipe.max {
			err := &tooLongError{l.pipe.max}
			l.pipe.end(err)
			return 0, err
		}
		l.line = append(l.line, piece...)
		if !whole {
			return n, nil
		}
		if err := l.message(); err != nil {
			return 0, err
		}
		if cap(l.line) > 1<<20 {
			l.line = nil // one long message is no reason to keep its room
		}
		l.line, b = l.line[:0], rest
	}
}

// Close is called when the program, and all that has its output, have closed it.
func (l *lines) Close() error {
	l.pipe.end(nil)
	return nil
}

func (l *lines) message() error {
	text := bytes.TrimSpace(l.line)
	if len(text) == 0 {
		return nil
	}
	all := []json.RawMessage{text}
	if text[0] == '[' { // a batch, of the protocol's second version
		if json.Unmarshal(text, &all) != nil {
			all = nil
		}
	}
	for _, one := range all {
		msg, err := jsonrpc.DecodeMessage(bytes.Clone(one))
		if err != nil {
			if !l.odd {
				l.odd = true
				l.pipe.log.Warn("a server writes what is no message on its standard output, which is ignored")
			}
			continue
		}
		if l.pipe.dropped(msg) {
			continue
		}
		msg = checked(msg, one)
		select {
		case l.pipe.incoming <- msg:
		case <-l.pipe.over:
			return io.ErrClosedPipe
		}
	}
	return nil
}

// checked is a message as it came, or an answer that says where its text is no UTF-8: the
// decoder would have put other characters there.
func checked(msg jsonrpc.Message, text []byte) jsonrpc.Message {
	answer, ok := msg.(*jsonrpc.Response)
	if err := value.CheckText(text); ok && err != nil {
		return &jsonrpc.Response{ID: answer.ID, Error: &notTextError{err}}
	}
	return msg
}

// notTextError says that an answer of a server is not in UTF-8.
type notTextError struct{ err error }

func (e *notTextError) Error() string { return notText + e.err.Error() }

const notText = "its answer is not text: "

// dropped reports whether nobody is to see a message.
func (p *pipe) dropped(msg jsonrpc.Message) bool {
	req, ok := msg.(*jsonrpc.Request)
	switch {
	case !ok:
		return false
	case req.IsCall():
		if p.asked.Add(1) > maxAsked {
			p.asked.Add(-1)
			return true
		}
		return false
	}
	return req.Method != "notifications/tools/list_changed" && req.Method != "notifications/progress"
}

// Connect is a connection over the pipe. A second one can follow when the first was
// closed: the SDK closes one on which the server refused to begin.
func (p *pipe) Connect(context.Context) (mcp.Connection, error) {
	return &pipeConn{pipe: p, closed: make(chan struct{})}, nil
}

type pipeConn struct {
	*pipe
	once   sync.Once
	closed chan struct{}
}

func (c *pipeConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	select {
	case msg := <-c.incoming:
		return msg, nil
	case <-c.over:
		if err := c.failure(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	case <-c.closed:
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *pipeConn) Write(ctx context.Context, msg jsonrpc.Message) error {
	if _, ok := msg.(*jsonrpc.Response); ok {
		c.asked.Add(-1)
	}
	line, err := jsonrpc.EncodeMessage(msg)
	if err != nil {
		return err
	}
	select {
	case <-c.over:
		return errors.Join(io.ErrClosedPipe, c.failure())
	default:
	}
	select {
	case c.outgoing <- append(line, '\n'):
		return nil
	case <-c.over:
		return io.ErrClosedPipe
	case <-c.closed:
		return io.ErrClosedPipe
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *pipeConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *pipeConn) SessionID() string { return "" }
