package openai

import (
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

type object = map[string]any

// request writes a question, without what Extra adds.
func (m *model) request(q *agent.Request, names wire.Names) object {
	body := object{"model": q.Model, "stream": q.Stream}
	system := q.Instructions
	if q.Schema != nil {
		if words := format(q, body); words != "" {
			system = strings.TrimPrefix(system+"\n\n"+words, "\n\n")
		}
	}
	messages := []any{}
	if system != "" {
		messages = append(messages, object{"role": "system", "content": system})
	}
	for _, msg := range q.Messages {
		messages = append(messages, m.message(msg, names))
	}
	body["messages"] = messages
	if len(q.Tools) > 0 {
		tools := make([]any, len(q.Tools))
		for i, t := range q.Tools {
			f := object{"name": names.Wire(t.Name), "parameters": parameters(t.Args)}
			if t.Description != "" {
				f["description"] = t.Description
			}
			tools[i] = object{"type": "function", "function": f}
		}
		body["tools"] = tools
	}
	if q.MaxTokens > 0 {
		if m.own {
			body["max_completion_tokens"] = q.MaxTokens
		} else {
			body["max_tokens"] = q.MaxTokens
		}
	}
	if q.Temperature != nil {
		body["temperature"] = *q.Temperature
	}
	if q.Seed != nil {
		body["seed"] = *q.Seed
	}
	if q.Reasoning != "" {
		body["reasoning_effort"] = q.Reasoning
	}
	return body
}

func parameters(args map[string]any) any {
	if args == nil {
		return object{"type": "object", "properties": object{}}
	}
	return args
}

// format asks for an answer that fits the schema: by response_format, or by the words
// that it returns, or both. With auto, that is json_schema where the schema is of an
// object, which providers require, else words.
func format(q *agent.Request, body object) (words string) {
	schema := q.Schema
	if v, err := value.Of(schema); err == nil {
		schema = wire.Object(v.Any())
	}
	switch {
	case q.Structured == "prompt", q.Structured != "json" && q.Structured != "schema" && !wire.Rooted(schema):
		return wire.Prompt(schema)
	case q.Structured == "json":
		body["response_format"] = object{"type": "json_object"}
		return wire.Prompt(schema)
	}
	closed, strict, _ := wire.Close(schema)
	name := q.SchemaName
	if name == "" {
		name = "answer"
	}
	spec := object{"name": wire.ID(name), "schema": closed}
	if strict {
		spec["strict"] = true
	}
	body["response_format"] = object{"type": "json_schema", "json_schema": spec}
	return ""
}

// message writes one message. The fields that an answer of the same provider had beyond
// the common ones go back as they came.
func (m *model) message(msg agent.Message, names wire.Names) object {
	out := object{"role": msg.Role, "content": msg.Content}
	switch msg.Role {
	case "tool":
		out["tool_call_id"] = msg.Call
		return out
	case "assistant":
	default:
		return out
	}
	raw := wire.Object(msg.Raw)
	if raw["from"] != m.name {
		raw = nil
	}
	for k, v := range raw {
		if k != "from" && k != "tool_calls" && !oneWay[k] {
			out[k] = v
		}
	}
	if len(msg.Calls) == 0 {
		return out
	}
	if msg.Content == "" && raw["content"] == nil {
		out["content"] = nil
	}
	calls, extras := make([]any, len(msg.Calls)), wire.List(raw["tool_calls"])
	for i, c := range msg.Calls {
		call := object{}
		if i < len(extras) {
			for k, v := range wire.Object(extras[i]) {
				call[k] = v
			}
		}
		call["id"], call["type"] = c.ID, "function"
		call["function"] = object{"name": names.Wire(c.Name), "arguments": arguments(c)}
		calls[i] = call
	}
	out["tool_calls"] = calls
	return out
}

// oneWay are fields of answers that no provider takes back.
var oneWay = map[string]bool{"annotations": true, "executed_tools": true}

// arguments are a JSON object. Many local servers put them into a template, and fail for
// good on a text that is none; its result tells the model what was wrong with it.
func arguments(c agent.Call) string {
	if c.Args == nil {
		return "{}"
	}
	v, err := value.Of(c.Args)
	if err != nil {
		return "{}"
	}
	return value.String(v.Any())
}
