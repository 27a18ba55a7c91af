package anthropic

import (
	"errors"
	"io"
	"maps"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// reader puts an answer together from a body, or from the events of a stream.
type reader struct {
	answer *wire.Answer
	names  wire.Names
	delta  func(string)

	model  string
	stop   string
	detail string // of a refusal
	blocks []*block
	usage  usage
}

func (r *reader) body() (*agent.Response, error) {
	b, err := r.answer.All()
	if err != nil {
		return nil, err
	}
	v, err := wire.Decode(b)
	if err != nil {
		if wire.Incomplete(b) {
			return nil, r.answer.Cut()
		}
		return nil, r.answer.Error("the answer is not JSON: %.200s", b)
	}
	o := wire.Object(v)
	if err := r.said(o); err != nil {
		return nil, err
	}
	if _, ok := o["content"]; !ok {
		return nil, r.answer.Error("the answer has no content: %.200s", b)
	}
	r.message(o)
	return r.response()
}

// said is the error that an object stands for, if it does.
func (r *reader) said(o object) error {
	if e := o["error"]; e != nil && e != false {
		if err := r.answer.Said(e); err != nil {
			return err
		}
	}
	if o["type"] == "error" || o["content"] == nil && o["type"] == nil && (o["detail"] != nil || o["message"] != nil && wire.Object(o["message"]) == nil) {
		return r.answer.Said(o)
	}
	return nil
}

// message reads a message, whole or as a stream begins it.
func (r *reader) message(o object) {
	if s := wire.Text(o["model"]); s != "" {
		r.model = s
	}
	r.ended(o)
	r.usage.add(wire.Object(o["usage"]))
	switch c := o["content"].(type) {
	case string:
		r.block(object{"type": "text", "text": c})
	case []any:
		for _, b := range c {
			r.block(wire.Object(b))
		}
	}
}

// ended reads why the answer ended, of a message or of the last delta.
func (r *reader) ended(o object) {
	if s := wire.Text(o["stop_reason"]); s != "" {
		r.stop = s
	}
	if d := wire.Object(o["stop_details"]); d != nil {
		for _, k := range []string{"explanation", "message", "category", "type"} {
			if r.detail == "" {
				r.detail = wire.Text(d[k])
			}
		}
	}
}

func (r *reader) block(o object) {
	if o == nil {
		return
	}
	r.blocks = append(r.blocks, &block{fields: o, index: -1})
	if o["type"] == "text" {
		if s := wire.Text(o["text"]); s != "" {
			r.delta(s)
		}
	}
}

func (r *reader) stream() (*agent.Response, error) {
	started := false
	for {
		data, err := r.answer.Next()
		if err != nil {
			var e *agent.Error
			ended := errors.Is(err, io.EOF) || errors.As(err, &e) && e.Cut
			switch {
			case ended && r.stop != "":
				return r.response() // all that the model said is there
			case errors.Is(err, io.EOF):
				return nil, r.answer.Cut()
			}
			return nil, err
		}
		if string(data) == "[DONE]" {
			continue // of other servers that speak the API
		}
		v, err := wire.Decode(data)
		if err != nil {
			if wire.Incomplete(data) {
				return nil, r.answer.Cut()
			}
			return nil, r.answer.Error("an event of the stream is not JSON: %.200s", data)
		}
		o := wire.Object(v)
		if err := r.said(o); err != nil {
			return nil, err
		}
		if o["type"] == "message_stop" {
			r.answer.Done()
			if !started {
				return nil, r.answer.Error("the stream has no message")
			}
			return r.response()
		}
		started = started || o["type"] == "message_start"
		if err := r.event(o); err != nil {
			return nil, err
		}
	}
}

// event reads one event. Those that nobody knew are skipped.
func (r *reader) event(o object) error {
	index := wire.Number(o["index"])
	switch o["type"] {
	case "message_start":
		r.message(wire.Object(o["message"]))
	case "content_block_start":
		b := wire.Object(o["content_block"])
		r.block(b)
		if b != nil {
			r.blocks[len(r.blocks)-1].index = index
		}
		return r.answer.Took(1 + wire.Weight(b))
	case "content_block_delta":
		d := wire.Object(o["delta"])
		b := r.find(index)
		if b == nil {
			// The start of the block is lost. What comes may say what it is.
			if b = (&block{fields: begun(d), index: index}); b.fields == nil {
				return nil
			}
			r.blocks = append(r.blocks, b)
		}
		b.add(d)
		if s := wire.Text(d["text"]); s != "" && b.fields["type"] == "text" && d["type"] == "text_delta" {
			r.delta(s)
		}
		return r.answer.Took(wire.Weight(d))
	case "message_delta":
		r.ended(wire.Object(o["delta"]))
		r.usage.add(wire.Object(o["usage"]))
	}
	return nil
}

func (r *reader) find(index int64) *block {
	for i := len(r.blocks) - 1; i >= 0; i-- {
		if r.blocks[i].index == index {
			return r.blocks[i]
		}
	}
	return nil
}

func (r *reader) response() (*agent.Response, error) {
	out := &agent.Response{Model: r.model, Usage: r.usage.total()}
	msg := agent.Message{Role: "assistant", Calls: []agent.Call{}}
	var all strings.Builder
	var kept []any
	plain := true // text and then calls say all of it
	for i, b := range r.blocks {
		fields, broken := b.done()
		switch fields["type"] {
		case "text":
			all.WriteString(wire.Text(fields["text"]))
			plain = plain && i == 0 && only(fields, "type", "text")
		case "tool_use":
			c := agent.Call{ID: wire.Text(fields["id"]), Name: r.names.Graph(wire.Text(fields["name"])), Text: broken}
			if broken == "" {
				c.Args, c.Text = arguments(fields["input"])
			}
			msg.Calls = append(msg.Calls, c)
			plain = plain && only(fields, "type", "id", "name", "input")
		default:
			plain = false
		}
		kept = append(kept, fields)
	}
	wire.Identify(msg.Calls)
	msg.Content = all.String()
	if !plain {
		raw, err := value.Of(kept)
		if err != nil {
			return nil, r.answer.Error("the answer cannot be kept: %v", err)
		}
		msg.Raw = raw.Any()
	}
	switch r.stop {
	case "max_tokens", "model_context_window_exceeded":
		out.Stop = agent.StopLength
	case "refusal":
		out.Stop, out.Refusal = agent.StopRefusal, r.detail
		if out.Refusal == "" {
			out.Refusal = msg.Content
		}
	case "pause_turn", "compaction":
		out.Stop = agent.StopPause
	default:
		out.Stop = agent.StopEnd
	}
	out.Message = msg
	return out, nil
}

// only reports whether a block says nothing beyond some fields.
func only(fields object, names ...string) bool {
	rest := maps.Clone(fields)
	for _, n := range names {
		delete(rest, n)
	}
	for _, v := range rest {
		if list, ok := v.([]any); v != nil && !(ok && len(list) == 0) {
			return false
		}
	}
	return true
}

// arguments reads the input of a call, which is an object, or the text of one with
// servers that got it wrong.
func arguments(v any) (args any, kept string) {
	switch v := v.(type) {
	case nil:
		return object{}, ""
	case string:
		return wire.Arguments(v)
	case map[string]any:
		return v, ""
	}
	return nil, value.String(v)
}
