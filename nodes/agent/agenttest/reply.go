package agenttest

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Reply is what the server answers to one question, and how. The zero Reply is an answer
// of no text. A streamed question gets the same answer in events.
type Reply struct {
	// When says which questions the reply is for; nil means any, but for embeddings only
	// where the reply has Vectors. The first reply of the script that fits and is not used
	// up answers.
	When func(Question) bool
	// Times is how often the reply answers. Defaults to 1; -1 is without end.
	Times int

	Text     string
	Pieces   []string // the text as it is streamed; defaults to its words
	Calls    []Call
	Thinking string
	Refusal  string
	Stop     string // the word of the API; defaults to what the rest says
	Model    string // the name in the answer. Defaults to the name in the question
	Usage    *Usage // defaults to Usage{Input: 10, Output: 5}
	NoUsage  bool   // says nothing about tokens
	Vectors  [][]float32

	// Status defaults to 200. Any other is an error with Error as its text and Type as
	// its word.
	Status int
	Error  string // with status 200: an error object in place of an answer, or within a stream
	Type   string
	Header map[string]string
	// RetryAfter goes into a header of the form RetryForm if RetryForm is not "".
	RetryAfter time.Duration
	RetryForm  Form

	// Body is sent as it is, and so are Chunks, each flushed by itself.
	Body        string
	Chunks      []string
	ContentType string

	Plain   bool // no stream, although one was asked for
	NoEnd   bool // the stream ends in peace, without its last events
	Endless bool // the text repeats until the client goes away
	// Cut drops the connection after so many events of a stream, or bytes of a body. With
	// Error and status 200, the error comes after so many events instead.
	Cut int
	// Delay is how long the first byte takes. Hold keeps it back until it is closed, even
	// the headers.
	Delay time.Duration
	Hold  <-chan struct{}
	// Before is called before event i of a stream, from 0, with a context that ends when
	// the client goes away or the server closes.
	Before func(ctx context.Context, i int)

	used int
}

// Usage is what an answer says it used. Cached and CacheWrite are part of Input.
type Usage struct{ Input, Cached, CacheWrite, Output int64 }

// Call is a call of a tool.
type Call struct {
	ID   string // defaults to one of its own
	NoID bool   // sends none
	Name string // as it is on the wire
	Args any    // JSON
	Text string // the arguments as text in place of Args
}

// Form is one of the ways to write Retry-After.
type Form string

// The forms of Retry-After.
const (
	Seconds      Form = "seconds"
	Date         Form = "date"
	Milliseconds Form = "ms" // Retry-After-Ms
)

// Text is an answer of a text.
func Text(s string) Reply { return Reply{Text: s} }

// Calls is an answer that calls tools.
func Calls(calls ...Call) Reply { return Reply{Calls: calls} }

// Fail is an error with a status.
func Fail(status int, message string) Reply { return Reply{Status: status, Error: message} }

// Vectors is an answer to a question for embeddings.
func Vectors(v ...[]float32) Reply { return Reply{Vectors: v} }

// After is r that asks to wait.
func (r Reply) After(d time.Duration, f Form) Reply {
	r.RetryAfter, r.RetryForm = d, f
	return r
}

// For is r for the questions that fit.
func (r Reply) For(when func(Question) bool) Reply {
	r.When = when
	return r
}

// Always is r without end.
func (r Reply) Always() Reply {
	r.Times = -1
	return r
}

func (r *Reply) over() bool { return r.Times >= 0 && r.used >= max(r.Times, 1) }

func (r *Reply) fits(q Question) bool {
	if r.When != nil {
		return r.When(q)
	}
	return q.Embeds() == (r.Vectors != nil)
}

func (r *Reply) headers(h http.Header) {
	switch r.RetryForm {
	case Seconds:
		h.Set("Retry-After", fmt.Sprintf("%g", r.RetryAfter.Seconds()))
	case Date:
		h.Set("Retry-After", time.Now().Add(r.RetryAfter).UTC().Format(http.TimeFormat))
	case Milliseconds:
		h.Set("Retry-After-Ms", fmt.Sprint(r.RetryAfter.Milliseconds()))
	}
	for k, v := range r.Header {
		h.Set(k, v)
	}
}

func (r *Reply) usage() Usage {
	if r.Usage != nil {
		return *r.Usage
	}
	return Usage{Input: 10, Output: 5}
}

// pieces are the parts in which the text is streamed.
func (r *Reply) pieces() []string {
	if r.Pieces != nil {
		return r.Pieces
	}
	return split(r.Text, func(i int) bool { return r.Text[i] == ' ' })
}

// split cuts a text after every byte for which after is true.
func split(s string, after func(i int) bool) []string {
	var out []string
	from := 0
	for i := range len(s) {
		if after(i) {
			out = append(out, s[from:i+1])
			from = i + 1
		}
	}
	if from < len(s) {
		out = append(out, s[from:])
	}
	return out
}
