package anthropic

import (
	"strconv"
	"strings"

	"github.com/graphrun/graphrun/graph/value"
	"github.com/graphrun/graphrun/internal/late"
	"github.com/graphrun/graphrun/nodes/agent"
	"github.com/graphrun/graphrun/nodes/agent/internal/wire"
)

type object = map[string]any

// answerTokens is how long an answer may be where the question does not say: the API
// wants a number. It is within what every model since Claude 3.5 takes.
const answerTokens = 8192

// request writes a question, without what Extra adds.
func request(q *agent.Request, names wire.Names) object {
	body := object{"model": q.Model, "stream": q.Stream}
	system := []string{}
	say := func(s string) {
		if strings.TrimSpace(s) != "" {
			system = append(system, s)
		}
	}
	say(q.Instructions)
	for _, m := range q.Messages {
		if m.Role == "system" {
			say(m.Content)
		}
	}
	if q.Schema != nil {
		say(format(q, body))
	}
	if len(system) > 0 {
		body["system"] = strings.Join(system, "\n\n")
	}
	body["messages"] = conversation(q.Messages, names)
	if len(q.Tools) > 0 {
		tools := make([]any, len(q.Tools))
		for i, t := range q.Tools {
			tool := object{"name": names.Wire(t.Name), "input_schema": inputs(t.Args)}
			if t.Description != "" {
				tool["description"] = t.Description
			}
			tools[i] = tool
		}
		body["tools"] = tools
	}
	body["max_tokens"] = answerTokens
	if q.MaxTokens > 0 {
		body["max_tokens"] = q.MaxTokens
	}
	if q.Temperature != nil {
		body["temperature"] = *q.Temperature
	}
	if q.Reasoning != "" {
		think(q, body)
	}
	return body
}

func inputs(args map[string]any) any {
	if args == nil {
		return object{"type": "object", "properties": object{}}
	}
	return args
}

// think asks for reasoning. Models from Claude 4.6 on decide by themselves how much they
// think for an effort; the ones before, and other makers' models, take a number of tokens,
// which is part of max_tokens.
func think(q *agent.Request, body object) {
	if v := versionOf(q.Model); v >= 4.6 {
		body["thinking"] = object{"type": "adaptive"}
		wire.Merge(body, object{"output_config": object{"effort": q.Reasoning}})
		return
	}
	budget := map[string]int{"low": 2048, "medium": 8192, "high": 24576}[q.Reasoning]
	if budget == 0 {
		budget = 8192
	}
	if q.MaxTokens == 0 {
		body["max_tokens"] = answerTokens + budget
	} else if budget >= q.MaxTokens {
		budget = q.MaxTokens / 2
	}
	const least = 1024 // that the API takes
	if budget < least {
		return
	}
	body["thinking"] = object{"type": "enabled", "budget_tokens": budget}
}

var named = late.Regexp(`claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?:\D|$)`)

// versionOf reads the version out of the name of a Claude model: 4.5 of
// claude-sonnet-4-5-20250929. It is 0 for other names.
func versionOf(model string) float64 {
	m := named().FindStringSubmatch(strings.ToLower(model))
	if m == nil {
		return 0
	}
	minor, _ := strconv.Atoi(m[2])
	major, _ := strconv.Atoi(m[1])
	return float64(major) + float64(min(minor, 9))/10
}

// format asks for an answer that fits the schema: by output_config.format, which the API
// documents as structured outputs, or by the words that it returns. With auto it is the
// former where the model knows it (from Claude 4.1 on) and the schema is one that it can
// express: an object, whose objects all name their fields. The API has no mode for JSON
// without a schema; json is words.
func format(q *agent.Request, body object) (words string) {
	schema := q.Schema
	if v, err := value.Of(schema); err == nil {
		schema = wire.Object(v.Any())
	}
	closed, _, open := wire.Close(schema)
	structured := q.Structured == "schema"
	if q.Structured == "auto" || q.Structured == "" {
		structured = versionOf(q.Model) >= 4.1 && wire.Rooted(schema) && !open
	}
	if !structured {
		return wire.Prompt(schema)
	}
	body["output_config"] = object{"format": object{"type": "json_schema", "schema": supported(closed)}}
	return ""
}

// supported returns a copy of a schema without the words that structured outputs refuse:
// bounds of numbers, texts and lists. The answer is checked against the whole schema by
// whoever asked.
func supported(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = supported(x)
		}
		return out
	case map[string]any:
		out := object{}
		for k, x := range v {
			switch k {
			case "properties", "$defs", "definitions":
				named := object{}
				for name, s := range wire.Object(x) {
					named[name] = supported(s)
				}
				out[k] = named
			case "enum", "const", "default", "required":
				out[k] = x
			case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
				"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "pattern", "$schema", "examples":
			default:
				out[k] = supported(x)
			}
		}
		return out
	}
	return v
}
