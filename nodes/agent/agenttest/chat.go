package agenttest

import "strings"

// object is a JSON object.
type object = map[string]any

// completion is an answer of chat completions.
func completion(q *Question, r *Reply) any {
	m := object{"role": "assistant", "content": r.Text, "refusal": nil}
	if r.Text == "" && len(r.Calls) > 0 {
		m["content"] = nil
	}
	if r.Thinking != "" {
		m["reasoning_content"] = r.Thinking
	}
	if r.Refusal != "" {
		m["content"], m["refusal"] = nil, r.Refusal
	}
	var calls []any
	for i, c := range r.Calls {
		calls = append(calls, c.chat(q, i))
	}
	if calls != nil {
		m["tool_calls"] = calls
	}
	out := object{
		"id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": r.model(q),
		"choices": []any{object{"index": 0, "message": m, "finish_reason": r.finish()}},
	}
	if !r.NoUsage {
		out["usage"] = r.chatUsage()
	}
	return out
}

func (c Call) chat(q *Question, i int) object {
	out := object{"type": "function", "function": object{"name": c.Name, "arguments": c.text()}}
	if id := c.id(q, i); id != "" {
		out["id"] = id
	}
	return out
}

func (r *Reply) finish() string {
	switch {
	case r.Stop != "":
		return r.Stop
	case len(r.Calls) > 0:
		return "tool_calls"
	}
	return "stop"
}

func (r *Reply) chatUsage() any {
	u := r.usage()
	return object{
		"prompt_tokens": u.Input, "completion_tokens": u.Output, "total_tokens": u.Input + u.Output,
		"prompt_tokens_details": object{"cached_tokens": u.Cached},
	}
}

// chat streams an answer of chat completions.
func (o *output) chat(q *Question) {
	r := o.reply
	chunk := func(choices []any, usage any) {
		if o.err != nil {
			return
		}
		if o.failing() {
			o.event("data: " + string(encode(failure(q, r))) + "\n\n")
			o.err = errFailed
			return
		}
		v := object{"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": r.model(q), "choices": choices}
		if usage != nil {
			v["usage"] = usage
		}
		o.event("data: " + string(encode(v)) + "\n\n")
	}
	delta := func(d object, finish any) {
		chunk([]any{object{"index": 0, "delta": d, "finish_reason": finish}}, nil)
	}
	delta(object{"role": "assistant", "content": ""}, nil)
	for _, p := range words(r.Thinking) {
		delta(object{"reasoning_content": p}, nil)
	}
	for _, p := range r.pieces() {
		delta(object{"content": p}, nil)
	}
	for r.Endless && o.err == nil {
		delta(object{"content": r.endless()}, nil)
	}
	for _, p := range words(r.Refusal) {
		delta(object{"refusal": p}, nil)
	}
	for i, c := range r.Calls {
		head := c.chat(q, i)
		text := c.text()
		head["index"] = i
		head["function"] = object{"name": c.Name, "arguments": ""}
		delta(object{"tool_calls": []any{head}}, nil)
		for _, p := range split(text, func(i int) bool { return i%7 == 6 }) {
			delta(object{"tool_calls": []any{object{"index": i, "function": object{"arguments": p}}}}, nil)
		}
	}
	if r.NoEnd {
		return
	}
	delta(object{}, r.finish())
	options, _ := q.JSON["stream_options"].(object)
	if options["include_usage"] == true && !r.NoUsage {
		chunk([]any{}, r.chatUsage())
	}
	if r.Error != "" && o.err == nil {
		chunk(nil, nil)
	}
	o.event("data: [DONE]\n\n")
}

func words(s string) []string { return split(s, func(i int) bool { return s[i] == ' ' }) }

func (r *Reply) endless() string {
	if r.Text != "" {
		return r.Text
	}
	return strings.Repeat("on and on ", 100)
}
