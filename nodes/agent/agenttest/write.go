package agenttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// write sends a reply and reports whether all of it was written.
func (s *Server) write(w http.ResponseWriter, r *http.Request, q *Question, reply *Reply) bool {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-s.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	if !reply.wait(ctx) {
		return false
	}
	reply.headers(w.Header())
	out := &output{w: w, flush: http.NewResponseController(w), ctx: ctx, reply: reply}
	status := max(reply.Status, http.StatusOK)
	switch {
	case reply.Chunks != nil:
		out.start(status, "text/event-stream")
		for _, c := range reply.Chunks {
			out.event(c)
		}
	case reply.Body != "":
		out.body(status, []byte(reply.Body))
	case status != http.StatusOK:
		out.body(status, encode(failure(q, reply)))
	case q.Embeds():
		out.body(status, encode(vectors(q, reply)))
	case q.Stream && !reply.Plain:
		out.start(status, "text/event-stream")
		stream := (*output).chat
		if q.API == "anthropic" {
			stream = (*output).messages
		}
		stream(out, q)
	case reply.Error != "":
		out.body(status, encode(failure(q, reply)))
	case q.API == "anthropic":
		out.body(status, encode(message(q, reply)))
	default:
		out.body(status, encode(completion(q, reply)))
	}
	return out.err == nil || errors.Is(out.err, errFailed)
}

func (r *Reply) wait(ctx context.Context) bool {
	if r.Delay > 0 {
		t := time.NewTimer(r.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return false
		}
	}
	if r.Hold == nil {
		return true
	}
	select {
	case <-r.Hold:
		return true
	case <-ctx.Done():
		return false
	}
}

// output writes the body of one reply. After an error it writes nothing more.
type output struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	ctx   context.Context
	reply *Reply
	n     int // events so far
	err   error
}

func (o *output) start(status int, kind string) {
	if o.reply.ContentType != "" {
		kind = o.reply.ContentType
	}
	o.w.Header().Set("Content-Type", kind)
	o.w.WriteHeader(status)
	o.err = o.flush.Flush()
}

// event writes and flushes one piece of a stream, or drops the connection before it.
func (o *output) event(text string) {
	if o.err == nil && o.ctx.Err() != nil {
		o.err = o.ctx.Err()
	}
	if o.err != nil {
		return
	}
	if o.reply.Before != nil {
		o.reply.Before(o.ctx, o.n)
	}
	if o.reply.Cut > 0 && o.n == o.reply.Cut && o.reply.Error == "" {
		o.drop()
	}
	if _, o.err = io.WriteString(o.w, text); o.err == nil {
		o.err = o.flush.Flush()
	}
	o.n++
}

// body writes a body that is known in full, or its first part and drops the connection.
func (o *output) body(status int, b []byte) {
	o.w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	if c := o.reply.Cut; c > 0 && c < len(b) {
		o.start(status, "application/json")
		_, _ = o.w.Write(b[:c])
		_ = o.flush.Flush()
		o.drop()
	}
	o.start(status, "application/json")
	if o.err == nil {
		_, o.err = o.w.Write(b)
	}
}

// drop ends the connection without the end of the answer.
func (o *output) drop() { panic(http.ErrAbortHandler) }

// failing reports whether the error of the reply is due within a stream.
func (o *output) failing() bool {
	return o.reply.Error != "" && o.n >= o.reply.Cut
}

func encode(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("agenttest: a reply that is no JSON: %v", err))
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

func failure(q *Question, r *Reply) any {
	kind := r.Type
	if kind == "" {
		kind = "test_error"
	}
	if q.API == "anthropic" {
		return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": r.Error}}
	}
	return map[string]any{"error": map[string]any{"message": r.Error, "type": kind, "param": nil, "code": nil}}
}

func (r *Reply) model(q *Question) string {
	if r.Model != "" {
		return r.Model
	}
	return q.Model
}

func (c Call) id(q *Question, i int) string {
	switch {
	case c.NoID:
		return ""
	case c.ID != "":
		return c.ID
	}
	return fmt.Sprintf("call_%d_%d", q.N, i+1)
}

func (c Call) text() string {
	switch {
	case c.Text != "":
		return c.Text
	case c.Args == nil:
		return "{}"
	}
	return string(encode(c.Args))
}
