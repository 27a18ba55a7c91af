package openai

import (
	"errors"
	"io"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// reader puts an answer together from a body, or from the chunks of a stream: a body is
// one chunk whose `message` is its `delta`.
type reader struct {
	answer *wire.Answer
	names  wire.Names
	from   string
	delta  func(string)

	model   string
	text    strings.Builder
	refusal strings.Builder
	extra   extras
	calls   calls
	parts   []any // the content, if it is more than texts
	finish  string
	whole   bool // it is a body
	chosen  bool // a choice was seen
	usage   agent.Usage
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
	if list := wire.List(v); len(list) == 1 {
		v = list[0] // as some servers write errors
	}
	r.whole = true
	if err := r.chunk(v); err != nil {
		return nil, err
	}
	if !r.chosen {
		return nil, r.answer.Error("the answer has no choices: %.200s", b)
	}
	return r.response()
}

func (r *reader) stream() (*agent.Response, error) {
	for {
		data, err := r.answer.Next()
		if errors.Is(err, io.EOF) {
			if r.finish == "" {
				return nil, r.answer.Cut()
			}
			return r.response()
		}
		if err != nil {
			var e *agent.Error
			if r.finish != "" && errors.As(err, &e) && e.Cut {
				return r.response() // all that the model said is there
			}
			return nil, err
		}
		if string(data) == "[DONE]" {
			r.answer.Done()
			if !r.chosen {
				return nil, r.answer.Error("the stream has no choices")
			}
			return r.response()
		}
		v, err := wire.Decode(data)
		if err != nil {
			if wire.Incomplete(data) {
				return nil, r.answer.Cut()
			}
			return nil, r.answer.Error("an event of the stream is not JSON: %.200s", data)
		}
		if err := r.chunk(v); err != nil {
			return nil, err
		}
	}
}

// chunk adds a chunk of a stream, or a whole body.
func (r *reader) chunk(v any) error {
	o := wire.Object(v)
	if e := o["error"]; e != nil && e != "" && e != false {
		if err := r.answer.Said(e); err != nil {
			return err
		}
	}
	if _, ok := o["choices"]; !ok && (o["object"] == "error" || o["type"] == "error" || o["detail"] != nil) {
		if err := r.answer.Said(o); err != nil {
			return err
		}
	}
	if s := wire.Text(o["model"]); s != "" {
		r.model = s
	}
	r.used(o["usage"])
	if groq := wire.Object(o["x_groq"]); groq != nil {
		r.used(groq["usage"])
		if err := r.answer.Said(groq["error"]); err != nil {
			return err
		}
	}
	for _, c := range wire.List(o["choices"]) {
		choice := wire.Object(c)
		if choice == nil || wire.Number(choice["index"]) != 0 {
			continue // of several answers, the first is read
		}
		r.chosen = true
		if s := wire.Text(choice["finish_reason"]); s != "" {
			r.finish = s
		}
		r.used(choice["usage"])
		if e := choice["error"]; e != nil {
			if err := r.answer.Said(e); err != nil {
				return err
			}
		}
		msg := wire.Object(choice["delta"])
		if msg == nil {
			msg = wire.Object(choice["message"])
		}
		if msg == nil && choice["text"] != nil {
			msg = object{"content": choice["text"]}
		}
		if err := r.add(msg); err != nil {
			return err
		}
	}
	return nil
}

// add adds the fields of a message, or of a piece of it.
func (r *reader) add(msg object) error {
	for k, v := range msg {
		if v == nil {
			continue
		}
		n := 0
		switch k {
		case "role", "name":
		case "content":
			n = r.content(v)
		case "refusal":
			n = len(wire.Text(v))
			r.refusal.WriteString(wire.Text(v))
		case "tool_calls":
			n = wire.Weight(v)
			r.calls.add(wire.List(v), r.whole)
		case "function_call":
			n = wire.Weight(v)
			r.calls.legacy(wire.Object(v))
		case "audio":
			n = r.audio(wire.Object(v), wire.Weight(msg["content"]) == 0)
		default:
			n = r.extra.add(k, v)
		}
		if err := r.answer.Took(n); err != nil {
			return err
		}
	}
	return nil
}

// content adds content, which is a text or a list of parts. Parts that are no texts go
// back as they came, with all others in their order.
func (r *reader) content(v any) int {
	switch v := v.(type) {
	case string:
		r.say(v)
		if r.parts != nil {
			r.part(object{"type": "text", "text": v})
		}
		return len(v)
	case []any:
		if r.parts == nil && r.text.Len() > 0 {
			r.parts = []any{object{"type": "text", "text": r.text.String()}}
		}
		for _, p := range v {
			part, ok := p.(map[string]any)
			if !ok {
				part = object{"type": "text", "text": wire.Text(p)}
			}
			switch part["type"] {
			case "refusal":
				r.refusal.WriteString(wire.Text(part["refusal"]))
			case "text", "output_text", nil:
				r.say(wire.Text(part["text"]))
			}
			r.part(part)
		}
		return wire.Weight(v)
	case map[string]any:
		return r.content([]any{v})
	}
	return 0
}

func (r *reader) say(s string) {
	if s != "" {
		r.text.WriteString(s)
		r.delta(s)
	}
}

// part appends a part of the content, or joins it to the last one of its type.
func (r *reader) part(p object) {
	if len(r.parts) > 0 {
		last := wire.Object(r.parts[len(r.parts)-1])
		if last["type"] == p["type"] && last["closed"] != true {
			join(last, p)
			return
		}
	}
	r.parts = append(r.parts, p)
}

// audio adds what was spoken: its transcript is the text if it came alone, and its id
// goes back.
func (r *reader) audio(v object, alone bool) int {
	s := wire.Text(v["transcript"])
	if alone {
		r.say(s)
	}
	if id := wire.Text(v["id"]); id != "" {
		r.extra.set("audio", object{"id": id})
	}
	return len(s)
}

// used reads what was used; the last that says anything counts.
func (r *reader) used(v any) {
	u := wire.Object(v)
	in := max(wire.Number(u["prompt_tokens"]), wire.Number(u["input_tokens"]))
	out := max(wire.Number(u["completion_tokens"]), wire.Number(u["output_tokens"]))
	if in == 0 && out == 0 {
		return
	}
	details := wire.Object(u["prompt_tokens_details"])
	cached := wire.Number(details["cached_tokens"])
	for _, k := range []string{"prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"} {
		cached = max(cached, wire.Number(u[k]))
	}
	cached = min(cached, in)
	write := min(wire.Number(details["cache_write_tokens"]), in-cached)
	r.usage = agent.Usage{Input: in, Cached: cached, CacheWrite: write, Output: out, Reported: true}
}

func (r *reader) response() (*agent.Response, error) {
	out := &agent.Response{Model: r.model, Usage: r.usage, Refusal: r.refusal.String()}
	switch r.finish {
	case "length", "max_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded":
		out.Stop = agent.StopLength
	case "content_filter", "refusal", "safety", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "sensitive":
		out.Stop = agent.StopRefusal
	case "error", "network_error", "insufficient_system_resource":
		return nil, r.answer.Said(object{"type": r.finish, "message": "the provider ended the answer with " + r.finish})
	case "abort":
		return nil, r.answer.Cut()
	default:
		out.Stop = agent.StopEnd
	}
	if out.Refusal != "" {
		out.Stop = agent.StopRefusal
	}
	msg := agent.Message{Role: "assistant", Content: r.text.String()}
	var more []any
	msg.Calls, more = r.calls.list(r.names)
	wire.Identify(msg.Calls)
	if more != nil {
		r.extra.set("tool_calls", more)
	}
	for _, p := range r.parts {
		switch wire.Object(p)["type"] {
		case "text", "output_text", "refusal", nil:
			continue
		}
		r.extra.set("content", r.parts)
		break
	}
	if r.extra.fields != nil {
		r.extra.set("from", r.from)
		raw, err := value.Of(r.extra.done())
		if err != nil {
			return nil, r.answer.Error("the answer cannot be kept: %v", err)
		}
		msg.Raw = raw.Any()
	}
	out.Message = msg
	return out, nil
}
