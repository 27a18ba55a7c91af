package wire

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/graphrun/graphrun/nodes/agent"
)

// Answer is the response to a question, while it comes. It is for one goroutine.
type Answer struct {
	outer, ctx context.Context
	cancel     context.CancelCauseFunc
	client     *Client
	timer      *time.Timer // ends the question; every byte puts it off
	resp       *http.Response
	r          *bufio.Reader
	events     *Scanner
	limit      int64 // bytes of what the answer says
	used       int64
	wire       int64 // bytes of the body that may still come
	ended      bool  // the body was read to its end
}

// streamed is how many bytes a stream may have on the wire for each byte of its limit: a
// token comes in an event of some hundred bytes.
const streamed = 256

func (a *Answer) open(resp *http.Response) error {
	a.resp = resp
	body := io.Reader(counted{a})
	switch enc := strings.ToLower(resp.Header.Get("Content-Encoding")); enc {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return a.broken(err)
		}
		// What comes out is counted, not what goes in.
		body = inflated{a, z}
	default:
		return a.Error("the answer has the content encoding %q, which nobody asked for", enc)
	}
	a.r = bufio.NewReaderSize(body, 16<<10)
	return nil
}

// counted reads the body and puts the timer off.
type counted struct{ a *Answer }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.a.resp.Body.Read(p)
	if n > 0 {
		c.a.timer.Reset(c.a.client.timeout)
		if c.a.wire -= int64(n); c.a.wire < 0 {
			return 0, c.a.tooLong()
		}
	}
	if errors.Is(err, io.EOF) {
		c.a.ended = true
	}
	return n, err
}

type inflated struct {
	a *Answer
	z *gzip.Reader
}

func (c inflated) Read(p []byte) (int, error) {
	n, err := c.z.Read(p)
	if c.a.wire -= int64(n); c.a.wire < 0 {
		return 0, c.a.tooLong()
	}
	return n, err
}

// Close ends the answer. A connection whose answer was read to its end serves the next
// question.
func (a *Answer) Close() {
	if a.resp != nil {
		if a.events != nil && a.events.done && !a.ended {
			// The last event was read; what ends the response is there or a moment away.
			a.timer.Reset(50 * time.Millisecond)
			_, _ = io.CopyN(io.Discard, a.r, 4<<10)
		}
		_ = a.resp.Body.Close()
	}
	a.timer.Stop()
	a.cancel(nil)
}

// Stream reports whether the answer is a stream of events, whatever was asked for.
func (a *Answer) Stream() bool {
	kind, _, _ := mime.ParseMediaType(a.resp.Header.Get("Content-Type"))
	stream := kind == "text/event-stream"
	if !stream && !strings.HasSuffix(kind, "json") {
		head, _ := a.r.Peek(6)
		stream = strings.HasPrefix(string(head), "data:") || strings.HasPrefix(string(head), "event:")
	}
	if stream && a.events == nil {
		a.wire = a.limit*streamed + a.wire - a.limit
		a.events = NewScanner(a.r, a.limit+1<<16)
	}
	return stream
}

// Next returns the data of the next event, valid until the next call, or io.EOF. Stream
// has to be called before.
func (a *Answer) Next() ([]byte, error) {
	data, err := a.events.Next()
	if err == nil || errors.Is(err, io.EOF) {
		return data, err
	}
	return nil, a.broken(err)
}

// Done says that the last event of the stream was read.
func (a *Answer) Done() { a.events.done = true }

// All reads the whole body.
func (a *Answer) All() ([]byte, error) {
	b, err := io.ReadAll(a.r)
	if err != nil {
		a.used = max(a.used, int64(len(b)))
		return nil, a.broken(err)
	}
	return b, nil
}

// Took counts n bytes of what the answer says, and is an error when it is too long.
func (a *Answer) Took(n int) error {
	if a.used += int64(n); a.used > a.limit {
		return a.tooLong()
	}
	return nil
}

func (a *Answer) tooLong() error {
	return &agent.Error{Status: a.status(), Limit: true, Message: fmt.Sprintf("the answer has more than %d bytes", a.limit)}
}

func (a *Answer) status() int {
	if a.resp == nil {
		return 0
	}
	return a.resp.StatusCode
}

// broken is what a failure to send or to read means.
func (a *Answer) broken(err error) error {
	var known *agent.Error
	switch {
	case errors.As(err, &known):
		return known
	case a.outer.Err() != nil:
		return context.Cause(a.outer)
	case errors.Is(context.Cause(a.ctx), errQuiet):
		return &agent.Error{Type: "timeout", Message: fmt.Sprintf("no byte of the answer for %s", a.client.timeout)}
	case errors.Is(err, ErrEvent):
		return a.tooLong()
	case a.resp == nil:
		return a.client.failed(err)
	}
	return &agent.Error{Cut: true, Message: a.client.Clean("the answer broke off: " + err.Error())}
}

// Cut is the error of an answer that ended before its end.
func (a *Answer) Cut() error {
	return &agent.Error{Cut: true, Message: "the answer broke off before its end"}
}

// Spent adds to an error what the answer had said by then, and what the provider said that
// it used.
func (a *Answer) Spent(err error, used agent.Usage) error {
	var e *agent.Error
	if errors.As(err, &e) && a.used > 0 {
		e.Said, e.Used = a.used, used
	}
	return err
}

// Error is an error of an answer with its status.
func (a *Answer) Error(format string, args ...any) error {
	return &agent.Error{Status: a.status(), Message: a.client.Clean(fmt.Sprintf(format, args...))}
}

// failure reads the body of a response that is an error.
func (a *Answer) failure() error {
	a.wire = max(a.wire, maxFailure)
	// What could be read of the body says enough, unless the question is over.
	body, _ := io.ReadAll(io.LimitReader(a.r, maxFailure))
	if a.outer.Err() != nil {
		return context.Cause(a.outer)
	}
	e := &agent.Error{Status: a.status()}
	e.RetryAfter, e.HasRetryAfter = RetryAfter(a.resp.Header, time.Now())
	e.Type, e.Message = Failure(body)
	status := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	switch {
	case e.Message != "":
	case slices.Contains([]int{301, 302, 303, 307, 308}, e.Status):
		e.Message = status + ": the provider sends to another address; name that one as base_url"
	case len(body) > 0 && !strings.HasPrefix(strings.TrimSpace(string(body)), "<"):
		e.Message = status + ": " + string(body)
	default:
		e.Message = status
	}
	e.Message, e.Type = a.client.Clean(e.Message), a.client.Clean(e.Type)
	return e
}

// Said is the error that an error object within an answer stands for, nil if there is
// none.
func (a *Answer) Said(v any) error {
	kind, message := said(v)
	if kind == "" && message == "" {
		return nil
	}
	if message == "" {
		message = kind
	}
	return &agent.Error{Status: a.status(), Type: a.client.Clean(kind), Message: a.client.Clean(message)}
}
