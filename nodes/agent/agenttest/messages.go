package agenttest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// errFailed ends a stream whose error was sent: all of the reply was written.
var errFailed = errors.New("agenttest: the stream ended with an error")

// message is an answer of messages.
func message(q *Question, r *Reply) object {
	out := object{
		"id": "msg_test", "type": "message", "role": "assistant", "model": r.model(q),
		"content": r.blocks(q), "stop_reason": r.stop(), "stop_sequence": nil,
	}
	if !r.NoUsage {
		out["usage"] = r.messagesUsage()
	}
	return out
}

func (r *Reply) blocks(q *Question) []any {
	out := []any{}
	if r.Thinking != "" {
		out = append(out, object{"type": "thinking", "thinking": r.Thinking, "signature": "c2lnbmVk"})
	}
	if t := r.Text + r.Refusal; t != "" {
		out = append(out, object{"type": "text", "text": t})
	}
	for i, c := range r.Calls {
		b := object{"type": "tool_use", "name": c.Name, "input": c.input()}
		if id := c.id(q, i); id != "" {
			b["id"] = id
		}
		out = append(out, b)
	}
	return out
}

// input is the arguments as JSON; a text that is none becomes a JSON string.
func (c Call) input() any {
	if t := c.text(); json.Valid([]byte(t)) {
		return json.RawMessage(t)
	}
	return c.Text
}

func (r *Reply) stop() string {
	switch {
	case r.Stop != "":
		return r.Stop
	case r.Refusal != "":
		return "refusal"
	case len(r.Calls) > 0:
		return "tool_use"
	}
	return "end_turn"
}

func (r *Reply) messagesUsage() object {
	u := r.usage()
	return object{
		"input_tokens": u.Input - u.Cached - u.CacheWrite, "cache_read_input_tokens": u.Cached,
		"cache_creation_input_tokens": u.CacheWrite, "output_tokens": u.Output,
	}
}

// messages streams an answer of messages.
func (o *output) messages(q *Question) {
	r := o.reply
	send := func(kind string, v object) {
		if o.err != nil {
			return
		}
		if o.failing() {
			o.event("event: error\ndata: " + string(encode(failure(q, r))) + "\n\n")
			o.err = errFailed
			return
		}
		v["type"] = kind
		o.event(fmt.Sprintf("event: %s\ndata: %s\n\n", kind, encode(v)))
	}
	first := message(q, r)
	first["content"], first["stop_reason"] = []any{}, nil
	if !r.NoUsage {
		u := r.messagesUsage()
		u["output_tokens"] = 1
		first["usage"] = u
	}
	send("message_start", object{"message": first})
	send("ping", object{})
	i := 0
	block := func(start object, deltas ...object) {
		send("content_block_start", object{"index": i, "content_block": start})
		for _, d := range deltas {
			send("content_block_delta", object{"index": i, "delta": d})
		}
		send("content_block_stop", object{"index": i})
		i++
	}
	if r.Thinking != "" {
		var ds []object
		for _, p := range words(r.Thinking) {
			ds = append(ds, object{"type": "thinking_delta", "thinking": p})
		}
		block(object{"type": "thinking", "thinking": "", "signature": ""}, append(ds, object{"type": "signature_delta", "signature": "c2lnbmVk"})...)
	}
	if p := append(r.pieces(), words(r.Refusal)...); len(p) > 0 || r.Endless {
		send("content_block_start", object{"index": i, "content_block": object{"type": "text", "text": ""}})
		for _, p := range p {
			send("content_block_delta", object{"index": i, "delta": object{"type": "text_delta", "text": p}})
		}
		for r.Endless && o.err == nil {
			send("content_block_delta", object{"index": i, "delta": object{"type": "text_delta", "text": r.endless()}})
		}
		send("content_block_stop", object{"index": i})
		i++
	}
	for n, c := range r.Calls {
		var ds []object
		for _, p := range split(c.text(), func(i int) bool { return i%7 == 6 }) {
			ds = append(ds, object{"type": "input_json_delta", "partial_json": p})
		}
		start := object{"type": "tool_use", "name": c.Name, "input": object{}}
		if id := c.id(q, n); id != "" {
			start["id"] = id
		}
		block(start, ds...)
	}
	if r.NoEnd {
		return
	}
	end := object{"delta": object{"stop_reason": r.stop(), "stop_sequence": nil}}
	if !r.NoUsage {
		end["usage"] = object{"output_tokens": r.usage().Output}
	}
	send("message_delta", end)
	send("message_stop", object{})
}
