package anthropic

import (
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

// conversation writes messages: those of one role after another become one, and results
// of calls are blocks of the user. System messages are not in it: what they say is part of
// the system prompt, since few models take them elsewhere.
func conversation(all []agent.Message, names wire.Names) []any {
	out := []any{}
	var role string
	var results, blocks []any
	flush := func() {
		if blocks = append(results, blocks...); len(blocks) > 0 {
			out = append(out, object{"role": role, "content": blocks})
		}
		results, blocks = nil, nil
	}
	for _, m := range all {
		next := "user"
		switch m.Role {
		case "system":
			continue
		case "assistant":
			next = "assistant"
		}
		if next != role {
			flush()
			role = next
		}
		switch m.Role {
		case "assistant":
			blocks = append(blocks, answered(m, names)...)
		case "tool":
			result := object{"type": "tool_result", "tool_use_id": wire.ID(m.Call)}
			if strings.TrimSpace(m.Content) != "" {
				result["content"] = m.Content
			}
			results = append(results, result)
		default:
			if strings.TrimSpace(m.Content) == "" {
				m.Content = "(empty)" // the API takes no empty text
			}
			blocks = append(blocks, text(m.Content))
		}
	}
	flush()
	return out
}

func text(s string) object { return object{"type": "text", "text": s} }

// answered writes an answer of a model: its blocks as they came where they were kept,
// else its text and its calls.
func answered(m agent.Message, names wire.Names) []any {
	if kept, ok := m.Raw.([]any); ok {
		return again(m, kept, names)
	}
	var out []any
	if strings.TrimSpace(m.Content) != "" {
		out = append(out, text(strings.TrimRight(m.Content, " \t\r\n")))
	}
	for _, c := range m.Calls {
		out = append(out, object{"type": "tool_use", "id": wire.ID(c.ID), "name": names.Wire(c.Name), "input": input(c)})
	}
	return out
}

// again gives blocks back. Calls have the ids that the message has them under.
func again(m agent.Message, kept []any, names wire.Names) []any {
	var out []any
	n := 0
	for _, b := range kept {
		block := wire.Object(b)
		switch block["type"] {
		case "text":
			if strings.TrimSpace(wire.Text(block["text"])) == "" {
				continue
			}
		case "tool_use":
			if n >= len(m.Calls) {
				continue
			}
			c := object{}
			for k, v := range block {
				c[k] = v
			}
			c["id"], c["name"] = wire.ID(m.Calls[n].ID), names.Wire(m.Calls[n].Name)
			if wire.Object(c["input"]) == nil {
				c["input"] = object{}
			}
			n++
			block = c
		}
		out = append(out, block)
	}
	return out
}

// input is the arguments of a call, which have to be an object.
func input(c agent.Call) any {
	if c.Args == nil {
		return object{}
	}
	v, err := value.Of(c.Args)
	if err != nil || wire.Object(v.Any()) == nil {
		return object{}
	}
	return v.Any()
}
